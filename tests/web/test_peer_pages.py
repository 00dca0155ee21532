"""The helper's own pages: their people alone, and each button once, whatever is pressed twice."""

from __future__ import annotations

from datetime import time, timedelta

import httpx
import pytest
from sqlalchemy import select

from cism.domain.people import Role
from cism.services import away, on_call, people
from cism.store.db import now
from cism.store.on_call_tables import OnCallChange
from cism.store.staff_tables import Away
from cism.store.states import AssignmentState
from cism.store.tables import AffectedPerson, Assignment, Audit, Question
from tests.web.browsing import first, press
from tests.web.conftest import Site
from tests.web.test_own_page import by_phone


async def _assigned(site: Site) -> Assignment:
    await site.log()
    site.perform()
    for peer in ("P1", "P2"):
        await site.text(peer, "1")
    site.perform()
    with site.db.transaction() as session:  # one person each
        rows = session.scalars(select(AffectedPerson).order_by(AffectedPerson.id)).all()
        for row, peer in zip(rows, ("P1", "P2"), strict=True):
            row.peer_id = site.id_of(peer)
        for question in session.scalars(select(Question).where(Question.kind == "contact_report")):
            row = session.get_one(AffectedPerson, question.subject_id)
            question.person_id = row.peer_id or ""
    return site.rows(select(Assignment).where(Assignment.peer_id == site.id_of("P1")))[0]


def _looked_after(site: Site, peer: str) -> set[str]:
    rows = site.rows(select(AffectedPerson).where(AffectedPerson.peer_id == site.id_of(peer)))
    return {site.person(key).name for key in ("R1", "R2") if site.id_of(key) in {r.person_id for r in rows}}


async def _get(site: Site, path: str) -> httpx.Response:
    answer = await site.client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return answer


async def test_a_page_is_taken_with_one_button_and_twice_is_once(site: Site) -> None:
    await site.log()
    site.perform()
    asked = site.rows(select(Question).where(Question.kind == "page"))[0]
    peer = next(key for key in ("P1", "P2", "P3") if site.id_of(key) == asked.person_id)
    await by_phone(site, peer)
    page = await _get(site, "/peer")
    assert "Can you take a turn?" in page.text
    for _again in range(2):
        answer = await press(site, "/peer", page, "I am available")
        assert (answer.status_code, answer.headers["location"]) == (303, "/peer")
    assert len(site.messages("assigned", peer)) == 1
    assert "/task/assignment/" in (await _get(site, "/peer")).text


async def test_a_peer_sees_their_own_people_with_number_and_hour_and_nobody_elses(site: Site) -> None:
    part = await _assigned(site)
    await by_phone(site, "P1")
    before = site.count(Audit)
    for path in ("/peer", f"/task/assignment/{part.id}"):
        page = await _get(site, path)
        for key in ("R1", "R2"):
            mine = site.person(key).name in _looked_after(site, "P1")
            assert (site.person(key).name in page.text) is mine, path
            assert ((site.person(key).phone or "") in page.text) is mine, path
    looks = site.rows(select(Audit).where(Audit.id > before))
    assert [(row.act, row.object_id) for row in looks] == [("page assignment", part.id)] * 2


async def test_what_is_somebody_elses_opens_as_nothing(site: Site) -> None:
    await _assigned(site)
    theirs = site.rows(select(Assignment).where(Assignment.peer_id == site.id_of("P2")))[0]
    await site.text("R1", "3")
    await by_phone(site, "P1")
    page = await _get(site, f"/task/assignment/{theirs.id}")
    assert "no longer yours" in page.text
    for name in ("Rita", "Ron"):
        assert name not in page.text
    for purpose in ("incident", "invitation", "nonsense"):
        assert (await site.client.get(f"/task/{purpose}/{theirs.id}")).status_code == 404
    for purpose in ("approval", "page", "report", "turn", "offers", "queue"):
        assert "no longer yours" in (await _get(site, f"/task/{purpose}/{theirs.id}")).text


@pytest.mark.parametrize(
    ("label", "answer"), [("Reached", "4"), ("They declined", "5"), ("Not reached", "6"), ("Hand back", "9")]
)
async def test_a_call_is_reported_by_a_code_and_nothing_can_be_written(
    site: Site, label: str, answer: str
) -> None:
    await _assigned(site)
    await by_phone(site, "P1")
    page = await _get(site, "/peer")
    assert "<textarea" not in page.text
    await press(site, "/peer", page, label)
    rows = site.rows(select(Question).where(Question.kind == "contact_report", Question.state == "answered"))
    assert [row.answer for row in rows] == [answer]


async def test_the_whole_assignment_goes_back_and_the_page_is_empty(site: Site) -> None:
    part = await _assigned(site)
    await by_phone(site, "P1")
    path = f"/task/assignment/{part.id}"
    answer = await press(site, path, await _get(site, path), "Hand the whole assignment back")
    assert answer.headers["location"] == path
    assert site.rows(select(Assignment).where(Assignment.id == part.id))[0].state is (
        AssignmentState.HANDED_BACK
    )
    page = await _get(site, "/peer")
    assert not any(name in page.text for name in ("Rita", "Ron"))


async def test_rest_passes_on_what_was_asked_and_if_wished_what_is_theirs(site: Site) -> None:
    part = await _assigned(site)
    await by_phone(site, "P1")
    page = await _get(site, "/week")
    await press(site, "/week", page, "I need a rest: 14 days")
    assert [row.person_id for row in site.rows(select(Away))] == [site.id_of("P1")]
    assert site.rows(select(Assignment).where(Assignment.id == part.id))[0].state is (
        AssignmentState.ACCEPTED
    )
    page = await _get(site, "/week")
    await press(site, "/week", page, "I need a rest: 14 days", hand_back="yes")
    site.perform()
    assert site.rows(select(Assignment).where(Assignment.id == part.id))[0].state is (
        AssignmentState.HANDED_BACK
    )
    assert "Nobody asks you for anything before" in (await _get(site, "/peer")).text
    page = await _get(site, "/week")
    for _again in range(2):
        assert (await press(site, "/week", page, "I may be asked again")).status_code == 303
    assert site.rows(select(Away)) == []


async def test_who_rests_is_shown_no_call_for_help_to_answer_and_the_next_person_is_asked(site: Site) -> None:
    await site.text("R1", "3")
    site.perform()
    (asked,) = site.rows(select(Question).where(Question.kind == "escalation", Question.state == "open"))
    peer = next(key for key in ("P1", "P2", "P3") if site.id_of(key) == asked.person_id)
    await by_phone(site, peer)
    assert "I take it and call" in (await _get(site, "/peer")).text
    await press(site, "/week", await _get(site, "/week"), "I need a rest: 14 days")
    page = (await _get(site, "/peer")).text
    assert "The next person is asked in your place" in page
    assert "I take it and call" not in page
    site.perform()
    assert "The next person is asked in your place" not in (await _get(site, "/peer")).text
    open_now = site.rows(select(Question).where(Question.kind == "escalation", Question.state == "open"))
    assert [row.subject_id for row in open_now] == [asked.subject_id]
    assert open_now[0].person_id != asked.person_id


async def test_back_on_a_day_is_midnight_by_their_own_clock(site: Site) -> None:
    await by_phone(site, "P1")
    page = await _get(site, "/week")
    await press(site, "/week", page, "Ask me for nothing until then", day="2026-03-09")
    (row,) = site.rows(select(Away))
    assert row.until.isoformat() == "2026-03-09T04:00:00+00:00"  # the clocks were set forward on the 8th
    refused = await press(site, "/week", page, "Ask me for nothing until then", day="2026-03-01")
    assert refused.status_code == 422
    assert "from tomorrow on" in refused.text


async def test_only_a_peer_asks_for_rest_and_only_helpers_have_these_pages(site: Site) -> None:
    await by_phone(site, "K1")
    assert "Rest and leave" not in (await _get(site, "/week")).text
    await _get(site, "/peer")
    site.client.cookies.clear()
    await by_phone(site, "R1")
    for path in ("/peer", "/week", "/briefs", "/escalations", "/task/assignment/x"):
        assert (await site.client.get(path)).status_code == 403, path
    site.client.cookies.clear()
    for path in ("/peer", "/week", "/briefs", "/escalations", "/task/assignment/x"):
        answer = await site.client.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, first(path)), path


async def test_a_turn_is_swapped_only_once_both_have_said_so(site: Site) -> None:
    with site.db.transaction() as session:
        moment = now(session)
        calendar = on_call.Calendar("metro-pd", Role.PEER)
        members = [site.id_of("P1"), site.id_of("P2")]
        day = moment.date() + timedelta(days=1)
        on_call.rotate(
            session,
            calendar,
            members,
            zone="America/New_York",
            first_day=day,
            handover=time(8, 0),
            days=7,
            now=moment,
        )
    await by_phone(site, "P1")
    page = await _get(site, "/week")
    assert "On call, as peer" in page.text
    for _again in range(2):
        await press(site, "/week", page, "Ask them to take it", colleague=site.id_of("P2"))
    assert (await _get(site, "/week")).text.count("You asked Paul Peer to take a turn") == 1
    site.client.cookies.clear()
    await by_phone(site, "P2")
    assert "Pia Peer asks you to take a turn" in (await _get(site, "/peer")).text
    await press(site, "/week", await _get(site, "/week"), "I take it")
    with site.db.read() as session:
        moment = now(session)
        assert on_call.own_turns(session, site.id_of("P1"), moment, moment + timedelta(days=8)) == []


async def test_a_turn_is_offered_for_one_of_the_colleagues(site: Site) -> None:
    with site.db.transaction() as session:
        moment = now(session)
        first = moment.date() + timedelta(days=1)
        on_call.rotate(
            session,
            on_call.Calendar("metro-pd", Role.PEER),
            [site.id_of("P1"), site.id_of("P2")],
            zone="America/New_York",
            first_day=first,
            handover=time(8, 0),
            days=1,
            now=moment,
        )
    await by_phone(site, "P1")
    page = await _get(site, "/week")
    theirs, mine = str(first + timedelta(days=1)), str(first)
    answer = await press(site, "/week", page, "Ask them to take it", colleague=site.id_of("P2"), back=mine)
    assert answer.status_code == 422
    assert "no turn that begins on that day" in answer.text
    await press(site, "/week", page, "Ask them to take it", colleague=site.id_of("P2"), back=theirs)
    assert "In return:" in (await _get(site, "/week")).text
    assert site.rows(select(OnCallChange))[0].return_starts_at is not None


async def test_every_brief_says_its_phases_in_order_and_what_it_never_is(site: Site) -> None:
    await by_phone(site, "P1")
    page = await _get(site, "/briefs")
    assert "<ol><li>Introduction</li><li>Exploration</li><li>Information</li></ol>" in page.text
    assert "make it therapy, an investigation or a critique of the operation" in page.text


async def test_rest_ends_early_when_the_peer_and_a_clinician_say_so(site: Site) -> None:
    await site.log(affected=[{"person_id": "P3", "circle": "B"}])
    await by_phone(site, "P3")
    page = await _get(site, "/peer")
    assert "You are looked after" in page.text
    await press(site, "/peer", page, "I can serve again")
    assert "a clinician has still to agree" in (await _get(site, "/peer")).text
    site.client.cookies.clear()
    await by_phone(site, "K1")
    desk = await _get(site, "/escalations")
    assert "Petra Peer" in desk.text
    for _again in range(2):
        await press(site, "/escalations", desk, "I agree: they can serve again")
    assert "Petra Peer" not in (await _get(site, "/escalations")).text
    with site.db.read() as session:
        person = people.get(session, site.id_of("P3"))
        assert away.until(session, person.id, now(session)) is None
