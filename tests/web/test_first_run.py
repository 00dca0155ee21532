"""The first pages: a way in for whoever holds the printed address, closed for good with the coordinator."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator
from typing import Any, cast

import httpx
import pytest
from sqlalchemy import select

from cism.domain.protocol import load_protocol, shipped_keys
from cism.services import first_run, self_test
from cism.services.delivery import Courier
from cism.services.self_test import Address, Provider, SelfTest
from cism.settings import Settings
from cism.store.db import Database
from cism.store.tables import Agency, Audit, Link, Person
from cism.web.app import create_app
from tests.conftest import VAULT_KEY, FakeClock
from tests.web.browsing import fields, first, newest_code, press, sign_in
from tests.web.conftest import RememberingCourier, Site
from tests.web.test_signing_in import by_phone

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
GIVEN = {
    "agency": "lake-fire",
    "display": "Lake Fire",
    "discipline": "fire",
    "id": "C1",
    "name": "Cora Lake",
    "phone": "212 555 0101",
    "timezone": "America/Chicago",
    "consent_pages": "yes",
}


@pytest.fixture
async def empty(db: Database, clock: FakeClock, web_settings: Settings) -> AsyncIterator[Site]:
    """The application before anybody is on a roster."""
    courier = RememberingCourier()
    app = create_app(db, web_settings, cast(Courier, courier))
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url=web_settings.public_url) as client,
    ):
        yield Site(db, web_settings, courier, client, clock, app.state.backend)


def printed(site: Site) -> str:
    with site.db.transaction() as session:
        secret = first_run.offer(session)
    return f"/first-run/{secret}"


async def opened(site: Site) -> httpx.Response:
    path = printed(site)
    await press(site, path, await site.client.get(path), "Begin")
    return await site.client.get("/first-run")


async def founded(site: Site, **changed: str) -> httpx.Response:
    return await press(site, "/first-run", await opened(site), "Save and go on", **{**GIVEN, **changed})


async def test_the_printed_address_leads_to_an_agency_a_coordinator_and_the_steps(empty: Site) -> None:
    assert "Open the address that was printed" in (await empty.client.get("/sign-in")).text
    answer = await founded(empty)
    assert (answer.status_code, answer.headers["location"]) == (303, "/set-up")
    steps = await empty.client.get("/set-up")
    assert steps.status_code == 200
    assert "Set up Lake Fire" in steps.text
    assert "1 active person." in steps.text
    assert "Open the address that was printed" not in (await empty.client.get("/sign-in")).text


async def test_looking_at_the_address_opens_nothing_and_a_form_of_another_browser_is_refused(
    empty: Site,
) -> None:
    path = printed(empty)
    for _ in range(3):  # a previewer looks
        assert (await empty.client.get(path)).status_code == 200
    assert (await empty.client.get("/first-run")).status_code == 404
    assert (await empty.client.post(path)).status_code == 403
    await press(empty, path, await empty.client.get(path), "Begin")
    assert (await empty.client.get("/first-run")).status_code == 200
    again = await empty.client.get(path)  # and it opened once
    assert (again.status_code, "This address was used, or is over" in again.text) == (404, True)


async def test_a_wrong_address_and_a_browser_without_one_find_nothing(empty: Site) -> None:
    printed(empty)
    for path in ("/first-run", "/first-run/guess", f"/first-run/{'x' * 43}"):
        assert (await empty.client.get(path)).status_code == 404
    page = await empty.client.get("/sign-in")
    token = fields(page, "/sign-in")["form_token"]
    for path in ("/first-run", "/first-run/guess"):
        assert (await empty.client.post(path, data={**GIVEN, "form_token": token})).status_code == 404
    assert empty.rows(select(Agency)) == []


async def test_all_of_it_is_gone_once_somebody_coordinates(empty: Site) -> None:
    path = printed(empty)
    await founded(empty)
    for one in (path, "/first-run"):
        assert (await empty.client.get(one)).status_code == 404
    token = fields(await empty.client.get("/set-up"), "/set-up/test")["form_token"]
    for one in (path, "/first-run"):
        assert (await empty.client.post(one, data={**GIVEN, "form_token": token})).status_code == 404
    assert len(empty.rows(select(Agency))) == 1


async def test_a_form_with_errors_comes_back_as_it_was_written_with_all_of_them(empty: Site) -> None:
    answer = await founded(empty, phone="12", timezone="Chicago", name="Cora <b>")
    assert answer.status_code == 422
    for name, told in (
        ("phone", "Mobile phone: is not a number that can be called"),
        ("timezone", "Time zone: "),
    ):
        marked = re.search(rf'<input id="{name}"[^>]*>', answer.text)
        assert marked is not None
        assert 'aria-invalid="true"' in marked[0]
        assert f"{name}-problem1" in marked[0]
        assert f'id="{name}-problem1">{told}' in answer.text
    assert answer.text.count("aria-invalid") == 2
    assert 'value="Chicago"' in answer.text
    assert "Cora &lt;b&gt;" in answer.text
    assert empty.rows(select(Agency)) == []
    again = await press(empty, "/first-run", answer, "Save and go on", **GIVEN)
    assert again.headers["location"] == "/set-up"


async def test_the_owner_as_coordinator_opens_staff_pages_and_nobodys_own(empty: Site) -> None:
    await founded(empty)
    assert (await empty.client.get("/me")).headers["location"] == first("/me")
    who = {row.actor for row in empty.rows(select(Audit).where(Audit.act == "read set-up"))}
    assert who == set()
    await empty.client.get("/set-up")
    acts = {row.act for row in empty.rows(select(Audit))}
    assert {"first run opened", "first coordinator", "read set-up"} <= acts


async def test_a_test_text_is_a_code_to_the_own_phone_that_signs_in(empty: Site) -> None:
    await founded(empty)
    answer = await press(empty, "/set-up", await empty.client.get("/set-up"), "Send me a test text")
    path = answer.headers["location"].partition("?")[0]
    gate = await empty.client.get(answer.headers["location"])
    code = {"code": newest_code(empty, path)}
    opened = await empty.client.post(f"{path}/open", data=fields(gate, "/open") | code)
    assert opened.headers["location"] == "/set-up", "and the set-up goes on"
    assert (await empty.client.get("/me")).status_code == 200
    assert "was confirmed" in (await empty.client.get("/set-up")).text
    assert len(empty.rows(select(Link))) == 1


async def test_the_self_test_says_what_was_found(empty: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    async def run(settings: Settings, token: str) -> SelfTest:
        asked.append(token)
        return SelfTest(Provider.ANSWERS, Address.MISSIGNED, forged_refused=True)

    monkeypatch.setattr(self_test, "run", run)
    await founded(empty)
    answer = await press(empty, "/set-up", await empty.client.get("/set-up"), "Test signature and address")
    assert asked == ["wall-token-for-tests"]
    assert "✓ The phone wall takes our texts." in answer.text
    assert "✗ It arrives, and the signature does not fit" in answer.text


async def test_a_protocol_is_chosen_beside_its_evidence(empty: Site) -> None:
    await founded(empty)
    page = await empty.client.get("/set-up")
    assert page.text.count('name="protocol"') >= 8
    await press(empty, "/set-up", page, "Use this protocol", protocol="trim")
    assert [row.protocol for row in empty.rows(select(Agency))] == ["trim"]
    refused = await press(empty, "/set-up", page, "Use this protocol", protocol="../secret")
    assert refused.status_code == 422


async def test_the_first_incident_is_rehearsed_with_invented_people_and_nothing_is_kept(empty: Site) -> None:
    """The rehearsal itself, in a process of its own as a page plays it."""
    await founded(empty)
    before = empty.everything()
    answer = await press(empty, "/set-up", await empty.client.get("/set-up"), "Rehearse", people="sample")
    assert answer.status_code == 200, answer.text
    assert answer.text.count('<li class="card">') > 20
    assert len(answer.content) < 150_000
    after = empty.everything()
    assert {name for name in after if after[name] != before[name]} == {"audit"}


async def test_a_rehearsal_that_cannot_be_played_says_why(
    empty: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A roster of one coordinator has nobody to rehearse with."""
    await founded(empty)
    monkeypatch.setenv("CISM_VAULT_KEYS", base64.urlsafe_b64encode(VAULT_KEY).decode())
    answer = await press(empty, "/set-up", await empty.client.get("/set-up"), "Rehearse", people="own")
    assert answer.status_code == 422
    assert "no two active responders yet" in answer.text
    assert "--incident" not in answer.text  # the terminal's words


@pytest.mark.parametrize("key", ["R1", "P1", "K1", "S1"])
async def test_only_whoever_runs_the_programme_sets_it_up(site: Site, key: str) -> None:
    await by_phone(site, key)
    assert (await site.client.get("/set-up")).status_code == 403


async def test_a_pasted_token_sets_nothing_up(site: Site) -> None:
    await sign_in(site, "C1", cast(Any, site.person("C1").roles[0].role))
    answer = await site.client.get("/set-up")
    assert (answer.status_code, answer.headers["location"]) == (303, first("/set-up"))


async def test_the_steps_speak_the_coordinators_language_and_say_who_is_missing(empty: Site) -> None:
    await founded(empty)
    text = (await empty.client.get("/set-up")).text
    assert "No clinician can be reached" in text
    assert "No coordinator can be reached" not in text
    with empty.db.transaction() as session:
        session.scalars(select(Person)).one().language = "es"
    text = (await empty.client.get("/set-up")).text
    for key in shipped_keys():
        shown = load_protocol(key)
        assert shown.title not in text
        assert shown.evidence_note[:60] not in text
    assert "Primeros auxilios para el estrés y seguimiento" in text
