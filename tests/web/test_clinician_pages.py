"""The desk of a clinician: every call for help by deadline, taken once, told to nobody else."""

from __future__ import annotations

import re

import httpx
import pytest
from sqlalchemy import select

from cism.domain.escalation import EscalationState
from cism.services import escalations, people, rungs
from cism.store.db import now
from cism.store.states import SessionState
from cism.store.tables import Audit, Escalation, Event, GroupSession, Question
from tests.web.browsing import fields, press
from tests.web.conftest import Site
from tests.web.test_own_page import by_phone

UNTAKEN = "nobody has taken it"


async def _get(site: Site, path: str) -> httpx.Response:
    answer = await site.client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return answer


async def _as(site: Site, key: str) -> None:
    site.client.cookies.clear()
    await by_phone(site, key)


async def test_one_is_taken_from_the_list_though_nobody_asked_by_text_and_then_says_whom_to_call(
    site: Site,
) -> None:
    await site.text("R1", "3")
    site.perform()
    (row,) = site.rows(select(Escalation))
    await _as(site, "K1")
    desk = await _get(site, "/escalations")
    assert "Nobody has taken it." in desk.text
    whole = await _get(site, f"/task/escalation/{row.id}")
    for page in (desk, whole):
        assert "Rita" not in page.text
        assert (site.person("R1").phone or "") not in page.text
    for _again in range(2):
        answer = await press(site, "/escalations", desk, "I take it and call")
        assert (answer.status_code, answer.headers["location"]) == (303, "/escalations")
    assert len(site.messages("escalation_assigned", "K1")) == 1
    path = f"/task/escalation/{row.id}"
    page = await _get(site, path)
    assert "Call Rita Respond" in page.text
    await press(site, path, page, "Reached")
    (closed,) = site.rows(select(Escalation))
    assert (closed.state, closed.outcome, closed.closed_by) == (
        EscalationState.CLOSED,
        "reached",
        site.id_of("K1"),
    )
    assert "Nobody waits for a call." in (await _get(site, "/escalations")).text
    assert "list escalations" in {item.act for item in site.rows(select(Audit))}


async def test_what_nobody_has_taken_is_on_every_page_of_whoever_may_see_it_and_on_no_other(
    site: Site,
) -> None:
    await site.log()
    site.perform()
    await site.text("R1", "3")
    site.perform()
    (asked,) = site.rows(select(Question).where(Question.kind == "escalation"))
    pages = {
        "K1": ("/escalations", "/peer", "/week", "/briefs", "/me", "/me/receipt"),
        "D1": ("/escalations", "/me"),
        "C1": ("/escalations", "/me"),
        "S1": ("/log", "/me"),
        "R1": ("/me",),
        "R2": ("/me",),
    }
    for key, paths in pages.items():
        await _as(site, key)
        for path in paths:
            shown = UNTAKEN in (await _get(site, path)).text
            assert shown is (key in {"K1", "D1", "C1"} or site.id_of(key) == asked.person_id), (key, path)
    peer = next(key for key in ("P1", "P2", "P3", "K1", "D1", "C1") if site.id_of(key) == asked.person_id)
    await site.text(peer, f"1 {asked.code}")
    await _as(site, "K1")
    assert UNTAKEN not in (await _get(site, "/me")).text


async def test_not_now_on_the_list_asks_the_next_person_at_once(site: Site) -> None:
    await site.text("R1", "3")
    site.perform()
    for _rung in range(8):
        asked = site.rows(
            select(Question).where(Question.kind == "escalation", Question.person_id == site.id_of("K1"))
        )
        if asked:
            break
        site.perform(minutes=15)
    (mine,) = asked
    await _as(site, "K1")
    desk = await _get(site, "/escalations")
    assert f"1 {mine.code} take it, 0 {mine.code} not now" in desk.text
    before = site.count(Question)
    for _again in range(2):
        answer = await press(site, "/escalations", desk, "Not now, ask the next")
        assert (answer.status_code, answer.headers["location"]) == (303, "/escalations")
    site.perform()
    assert site.rows(select(Question).where(Question.id == mine.id))[0].state == "answered"
    assert site.count(Question) > before
    again = (await _get(site, "/escalations")).text
    assert "Nobody has taken it." in again, "it is on the list of whoever sees it still"
    assert "You were not asked by text: take it here." in again


async def test_who_lost_the_race_is_told_and_takes_nothing(site: Site) -> None:
    await site.text("R1", "3")
    site.perform()
    (row,) = site.rows(select(Escalation))
    await _as(site, "K1")
    stale = await _get(site, "/escalations")
    with site.db.transaction() as session:
        director = people.get(session, site.id_of("D1"))
        escalations.acknowledge(session, rungs.locked(session, row.id), director, now(session))
    assert (await press(site, "/escalations", stale, "I take it and call")).status_code == 303
    assert site.rows(select(Escalation))[0].acked_by == site.id_of("D1")
    assert "I take it and call" not in (await _get(site, "/escalations")).text
    page = await _get(site, f"/task/escalation/{row.id}")
    assert "Rita" not in page.text


async def test_it_goes_over_to_a_colleague_who_says_so_on_the_page(site: Site) -> None:
    await site.text("R1", "3")
    site.perform()
    (row,) = site.rows(select(Escalation))
    path = f"/task/escalation/{row.id}"
    await _as(site, "K1")
    await press(site, "/escalations", await _get(site, "/escalations"), "I take it and call")
    site.clock.advance(seconds=5)
    page = await _get(site, path)
    for _again in range(2):
        await press(site, path, page, "Ask them to take it", colleague=site.id_of("D1"))
    assert "Dora Director is asked. It stays yours" in (await _get(site, path)).text
    refused = await press(site, path, page, "Ask them to take it", colleague=site.id_of("R2"))
    assert refused.status_code == 403
    await _as(site, "D1")
    desk = await _get(site, "/escalations")
    assert "A colleague asks you to take it over: Kim Clinician" in desk.text
    assert "Not now: it stays with them" in desk.text
    await press(site, "/escalations", desk, "I take it and call")
    assert site.rows(select(Escalation))[0].acked_by == site.id_of("D1")
    assert "Call Rita Respond" in (await _get(site, path)).text
    await _as(site, "K1")
    page = await _get(site, path)
    assert "Somebody else has taken this" in page.text
    assert "Rita" not in page.text


async def test_nobody_opens_one_about_themselves_or_of_another_agency(site: Site) -> None:
    await site.text("K1", "3")
    site.perform()
    (row,) = site.rows(select(Escalation))
    await _as(site, "K1")
    assert "Nobody waits for a call." in (await _get(site, "/escalations")).text
    answer = await site.client.get(f"/task/escalation/{row.id}")
    assert answer.status_code == 404
    asked = {item.person_id for item in site.rows(select(Question).where(Question.kind == "escalation"))}
    await _as(site, next(key for key in ("P1", "P2", "P3") if site.id_of(key) not in asked))
    assert (await site.client.get(f"/task/escalation/{row.id}")).status_code == 404


@pytest.mark.parametrize(
    ("label", "state"),
    [("Approve", SessionState.APPROVED), ("Refuse: one-to-one instead", SessionState.REFUSED)],
)
async def test_a_debriefing_is_decided_with_the_facts_that_it_needs(
    site: Site, label: str, state: SessionState
) -> None:
    affected = [{"person_id": key, "circle": "B"} for key in ("R1", "R2", "R3")]
    await site.log(affected=affected)
    site.perform()
    for peer in ("P1", "P2"):
        await site.text(peer, "1")
    site.perform(hours=3)
    (question,) = site.rows(select(Question).where(Question.kind == "approval"))
    key = next(one for one in ("K1", "D1") if site.id_of(one) == question.person_id)
    await _as(site, key)
    desk = await _get(site, "/escalations")
    assert "A group meeting is proposed" in desk.text
    path = f"/task/approval/{question.subject_id}"
    page = await _get(site, path)
    for fact in (
        "present, witnessed it",  # by what they are one group
        "law enforcement",
        "Patrol",
        "no rank in the room",
        "at least 3, at most 20",
        "you, if you approve",
        "Who is suicidal, psychotic or dissociating goes to a clinician instead.",  # what forbids it
        "One-to-one support and follow-up go on either way.",
    ):
        assert fact in page.text, fact
    for name in ("Rita", "Ron", "Rosa"):
        assert name not in page.text
    for _again in range(2):
        answer = await press(site, path, page, label)
        assert answer.status_code == 303
    (meeting,) = site.rows(select(GroupSession).where(GroupSession.id == question.subject_id))
    assert meeting.state is state
    told = (await _get(site, path)).text
    approved = state is SessionState.APPROVED
    assert ("You approved it, and you lead it." in told) is approved
    assert ("You refused it. Nobody is invited" in told) is not approved
    assert (f'href="/task/session/{meeting.id}"' in told) is approved
    assert "How many came?" not in (await _get(site, "/escalations")).text, "it has not begun"
    assert "A group meeting is proposed" not in (await _get(site, "/escalations")).text


async def test_the_director_ends_a_colleagues_call_with_a_reason_and_nobody_else_does(site: Site) -> None:
    await site.text("R1", "3")
    site.perform()
    (row,) = site.rows(select(Escalation))
    await _as(site, "K1")
    await press(site, "/escalations", await _get(site, "/escalations"), "I take it and call")
    path = f"/task/escalation/{row.id}"
    given = {"outcome": "reached", "reason": "told_me"}
    await _as(site, "C1")
    assert "End it in their place" not in (await _get(site, "/escalations")).text
    await _as(site, "D1")
    assert "End it in their place" in (await _get(site, "/escalations")).text
    page = await _get(site, path)
    assert site.person("K1").name in page.text
    assert "Rita" not in page.text
    form = fields(page, "/close-for")
    for wrong in ({"outcome": "reached"}, {"reason": "told_me"}, given | {"reason": "because"}):
        assert (await site.client.post(f"{path}/close-for", data=form | wrong)).status_code == 422
    for _again in range(2):
        assert (await site.client.post(f"{path}/close-for", data=form | given)).status_code == 303
    (closed,) = site.rows(select(Escalation))
    assert (closed.state, closed.outcome, closed.closed_by) == (
        EscalationState.CLOSED,
        "reached",
        site.id_of("D1"),
    )
    (kept,) = site.rows(select(Event).where(Event.kind == "reason.close_for"))
    assert (kept.after, kept.actor_id, kept.subject_id) == ("told_me", site.id_of("D1"), row.id)
    assert "page close escalation for another" in {item.act for item in site.rows(select(Audit))}


@pytest.mark.parametrize("key", ["C1", "P1"])
async def test_nobody_without_the_directors_row_ends_what_another_has(site: Site, key: str) -> None:
    await site.text("R1", "3")
    site.perform()
    (row,) = site.rows(select(Escalation))
    await _as(site, "K1")
    await press(site, "/escalations", await _get(site, "/escalations"), "I take it and call")
    await _as(site, key)
    page = await site.client.get("/me")
    token = next(iter(re.findall(r'name="form_token" value="([^"]+)"', page.text)))
    sent = {"form_token": token, "outcome": "reached", "reason": "told_me"}
    refused = await site.client.post(f"/task/escalation/{row.id}/close-for", data=sent)
    assert refused.status_code in {403, 404}
    assert site.rows(select(Escalation))[0].state is EscalationState.ACKED
