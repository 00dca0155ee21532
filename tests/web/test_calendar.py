"""A person's own calendar: off by default, a secret address that its owner alone makes and ends."""

from __future__ import annotations

import re
from datetime import date, time

import pytest
from icalendar import Calendar as ICalendar
from sqlalchemy import select

from cism.domain.people import Role
from cism.services import on_call
from cism.services.on_call import Calendar
from cism.store.on_call_tables import CalendarFeed
from cism.store.tables import Audit
from tests.web.browsing import first, press
from tests.web.conftest import AGENCY, Site
from tests.web.test_signing_in import by_phone

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def rotate(site: Site) -> None:
    with site.db.transaction() as session:
        on_call.rotate(
            session,
            Calendar(AGENCY, Role.PEER),
            [site.id_of("P1"), site.id_of("P2")],
            zone="America/New_York",
            first_day=date(2026, 3, 2),
            handover=time(8),
            days=7,
            now=site.clock.at,
        )


async def made(site: Site) -> str:
    shown = await press(site, "/me/calendar", await site.client.get("/me/calendar"), "Make the address")
    found = re.search(r"/calendar/[\w-]+\.ics", shown.text)
    assert found is not None
    return found[0]


async def test_an_address_is_made_subscribed_to_and_ended_by_its_owner(site: Site) -> None:
    rotate(site)
    await by_phone(site, "P1")
    page = await site.client.get("/me/calendar")
    assert "You have not made one yet." in page.text
    assert page.text.count("as a peer") == 3  # the 2nd, the 16th, the 30th
    path = await made(site)
    assert path not in (await site.client.get("/me/calendar")).text  # it was shown once
    site.client.cookies.clear()  # the calendar's company has no browser of ours
    answer = await site.client.get(path)
    assert answer.headers["content-type"].startswith("text/calendar")
    titles = {str(event["SUMMARY"]) for event in ICalendar.from_ical(answer.content).walk("VEVENT")}
    assert titles == {"On call"}
    assert {row.actor for row in site.rows(select(Audit).where(Audit.act == "read own calendar"))} == {
        site.id_of("P1")
    }
    await by_phone(site, "P1")
    page = await site.client.get("/me/calendar")
    await press(site, "/me/calendar", page, "End it: it opens nothing any more")
    assert (await site.client.get(path)).status_code == 404
    assert site.rows(select(CalendarFeed)) == []


async def test_a_new_address_ends_the_old_one(site: Site) -> None:
    await by_phone(site, "P1")
    first = await made(site)
    page = await site.client.get("/me/calendar")
    shown = await press(site, "/me/calendar", page, "Make a new one, and end the old one")
    second = re.search(r"/calendar/[\w-]+\.ics", shown.text)
    assert second is not None
    assert (await site.client.get(first)).status_code == 404
    assert (await site.client.get(second[0])).status_code == 200


async def test_only_the_person_sees_or_makes_it(site: Site) -> None:
    assert (await site.client.get("/me/calendar")).headers["location"] == first("/me/calendar")
    assert (await site.client.post("/me/calendar/new")).status_code == 403
    assert (await site.client.get("/calendar/guess.ics")).status_code == 404
    await by_phone(site, "P2")
    assert "You have not made one yet." in (await site.client.get("/me/calendar")).text


async def test_who_never_serves_is_offered_no_calendar_of_turns(site: Site) -> None:
    await by_phone(site, "R1")
    text = (await site.client.get("/me/calendar")).text
    assert "nothing stands here" in text
    assert "Make the address" not in text
    assert "/me/calendar" not in (await site.client.get("/me")).text
    for key in ("P1", "K1", "C1"):
        await by_phone(site, key)
        assert "/me/calendar" in (await site.client.get("/me")).text, key
        assert "Make the address" in (await site.client.get("/me/calendar")).text, key
