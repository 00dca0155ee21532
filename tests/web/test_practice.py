"""Practice: only where no phone and no time is real. A story with invented people, a clock moved by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import cast

import httpx
import pytest
from sqlalchemy import select

from cism.errors import BadInput, NotFound
from cism.services import engine, people, practice, roster, sign_ins
from cism.services.delivery import Courier
from cism.services.sign_ins import Way
from cism.settings import Settings
from cism.store.db import Database
from cism.store.tables import Agency, Incident, Person
from cism.web.app import create_app
from tests.conftest import START, FakeClock
from tests.web.browsing import fields, press
from tests.web.conftest import AGENCY, ROSTER, RememberingCourier, Site
from tests.web.test_signing_in import by_phone

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
async def movable(movable_db: Database, clock: FakeClock, web_settings: Settings) -> AsyncIterator[Site]:
    """The application on the movable clock; its roster is of another agency than the story's."""
    settings = web_settings.model_copy(update={"clock": "movable"})
    text = ROSTER.replace(AGENCY, "lake-pd")
    with movable_db.transaction() as session:
        roster.import_file(session, text, START)
        engine.beat(session, "worker")
    app = create_app(movable_db, settings, cast(Courier, RememberingCourier()))
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url=settings.public_url) as client,
    ):
        yield Site(movable_db, settings, RememberingCourier(), client, clock, app.state.backend)


def come_in(site: Site, key: str) -> None:
    """Sign somebody of the own agency in."""
    with site.db.transaction() as session:
        person = people.by_roster_id(session, "lake-pd", key)
        assert person is not None
        site.client.cookies.set("cism_session", sign_ins.of_person(session, person, Way.CODE))


async def start(site: Site, whose: str) -> httpx.Response:
    page = await site.client.get("/practice")
    return await press(site, "/practice", page, "Start the story", people=whose)


async def test_a_story_with_invented_people_is_logged_and_its_team_is_texted(movable: Site) -> None:
    come_in(movable, "C1")
    assert "0 open incidents." in (await movable.client.get("/practice")).text
    answer = await start(movable, "invented")
    assert answer.headers["location"] == "/practice", answer.text
    page = (await movable.client.get("/practice")).text
    assert page.count("was there") == 4  # whose phone is whose
    (incident,) = movable.rows(select(Incident))
    assert (incident.agency, incident.severity.value) == ("county-ems", "S3")
    invented = movable.rows(select(Person).where(Person.agency == "county-ems"))
    assert all(person.phone_confirmed_at for person in invented)
    ours = movable.rows(select(Person).where(Person.agency == "lake-pd"))
    assert not any(person.phone_confirmed_at for person in ours)  # nobody of the real roster is changed
    movable.perform(seconds=1)
    assert movable.messages("page")
    await start(movable, "invented")  # again, with the same people
    assert len(movable.rows(select(Person).where(Person.agency == "county-ems"))) == len(invented)
    assert len(movable.rows(select(Incident))) == 2


async def test_a_story_with_the_own_roster_is_of_the_own_agency_alone(movable: Site) -> None:
    come_in(movable, "C1")
    await start(movable, "own")
    (incident,) = movable.rows(select(Incident))
    assert incident.agency == "lake-pd"
    assert {row.key for row in movable.rows(select(Agency))} == {"lake-pd", "north-fire"}


async def test_time_is_moved_by_one_at_a_time_and_the_page_says_so(
    movable: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrived, asked = asyncio.Event(), []

    async def move(_settings: Settings, how: str) -> None:
        asked.append(how)
        await arrived.wait()

    monkeypatch.setattr(practice, "move", move)
    come_in(movable, "C1")
    page = await movable.client.get("/practice")
    assert page.headers["content-security-policy"].count("script-src") == 0
    await press(movable, "/practice", page, "One day on", how="day")
    await asyncio.sleep(0)
    shown = await movable.client.get("/practice")
    assert "Time is moving" in shown.text
    assert "/static/practice.js" in shown.text
    await press(movable, "/practice", page, "One week on", how="week")
    await asyncio.sleep(0)
    assert asked == ["day"]
    arrived.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert "Time is moving" not in (await movable.client.get("/practice")).text


async def test_a_move_that_does_not_work_out_is_told(movable: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    async def move(_settings: Settings, _how: str) -> None:
        message = "no conductor is running"
        raise BadInput(message)

    monkeypatch.setattr(practice, "move", move)
    come_in(movable, "C1")
    page = await movable.client.get("/practice")
    await press(movable, "/practice", page, "One hour on", how="hour")
    for _ in range(3):
        await asyncio.sleep(0)
    assert "No conductor is running." in (await movable.client.get("/practice")).text
    refused = await press(movable, "/practice", page, "One hour on", how="a year")
    assert refused.status_code == 422


async def test_time_is_moved_by_the_command_of_the_terminal(
    movable: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command itself, which refuses where nobody performs what becomes due or nothing is planned."""
    monkeypatch.setattr(practice, "_CLOCK", ("/bin/sh", "-c", 'echo "$@ $CISM_CLOCK" >&2; exit 1', "clock"))
    for how, words in (("next", "next movable"), ("week", "advance 168h movable")):
        with pytest.raises(BadInput, match=words):
            await practice.move(movable.settings, how)


@pytest.mark.parametrize("key", ["R1", "P1", "K1", "S1"])
async def test_only_whoever_runs_the_programme_practises(movable: Site, key: str) -> None:
    come_in(movable, key)
    assert (await movable.client.get("/practice")).status_code == 403


async def test_there_is_no_such_page_where_time_or_phones_are_real(site: Site) -> None:
    await by_phone(site, "C1")
    assert (await site.client.get("/practice")).status_code == 404
    page = await site.client.get("/set-up")
    assert "/practice" not in page.text
    token = {"form_token": fields(page, "/set-up/test")["form_token"]}
    for path, form in (("story", {"people": "invented"}), ("move", {"how": "next"})):
        assert (await site.client.post(f"/practice/{path}", data=token | form)).status_code == 404
    assert site.count(Incident) == 0


def test_practice_is_refused_where_any_of_it_is_real(web_settings: Settings, database_url: str) -> None:
    for change in ({}, {"clock": "movable", "twilio_account_sid": "AC1"}, {"clock": "real"}):
        with pytest.raises(NotFound):
            practice.refuse_unless_practice(web_settings.model_copy(update=change))
    practice.refuse_unless_practice(web_settings.model_copy(update={"clock": "movable"}))
