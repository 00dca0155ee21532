"""The board and one incident's page: promises and counts for whoever is in charge, and nobody's answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import event, func, select
from sqlalchemy import text as sql

from cism.domain.escalation_level import EscalationLevel
from cism.domain.incident import IncidentState, Severity
from cism.domain.people import Role
from cism.services import board, escalations, sign_ins
from cism.services.sign_ins import Way
from cism.store.states import AssignmentState
from cism.store.tables import Assignment, Audit, Event, Incident, Person, Question, SensitiveDate
from tests.pages import played
from tests.web.browsing import fields, first, sign_in
from tests.web.conftest import AGENCY, OTHER, Site

NAMES = ("Rita", "Ron", "Rosa", "Pia", "Paul", "Petra")


def as_person(site: Site, key: str, agency: str = AGENCY) -> None:
    """This browser is theirs, as if they had just given the code."""
    with site.db.transaction() as session:
        secret = sign_ins.of_person(session, session.get_one(Person, site.id_of(key, agency)), Way.CODE)
    site.client.cookies.set("cism_session", secret, domain="cism.test", path="/")


async def act(site: Site, ref: str, end: str, **given: str) -> httpx.Response:
    """Press one of the incident's buttons, with what a person would fill in."""
    page = await site.client.get(f"/board/{ref}")
    return await site.client.post(f"/board/{ref}/{end}", data=fields(page, f"/{end}") | given)


def the_incident(site: Site, ref: str) -> Incident:
    (row,) = site.rows(select(Incident).where(Incident.ref == ref))
    return row


@contextmanager
def counted(site: Site) -> Iterator[list[str]]:
    """Statements that the database was asked meanwhile."""
    said: list[str] = []

    def hear(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        said.append(statement)

    event.listen(site.db.engine, "before_cursor_execute", hear)
    try:
        yield said
    finally:
        event.remove(site.db.engine, "before_cursor_execute", hear)


async def test_the_board_shows_each_promise_and_names_nobody(site: Site) -> None:
    ref = await played.a_day_after(site)
    with site.db.transaction() as session:
        escalations.open_for(
            session,
            person=session.get_one(Person, site.id_of("R1")),
            agency=AGENCY,
            level=EscalationLevel.URGENT,
            reason="worry",
            now=site.clock.at,
            incident_id=the_incident(site, ref).id,
        )
    as_person(site, "C1")
    text = (await site.client.get("/board")).text
    assert ref in text
    assert "2 of 2 serve" in text
    assert "Group debriefing" in text
    assert re.search(r"[1-9]\d* begun, [1-9]\d* to come", text)
    assert "1 open, a human has to end it" in text
    assert not any(name in text for name in NAMES)


async def test_one_incident_shows_its_list_and_team_and_not_who_asked_or_answered(site: Site) -> None:
    ref = await played.a_day_after(site)
    as_person(site, "C1")
    before = (await site.client.get(f"/board/{ref}")).text
    await site.text("R1", "3")
    site.perform()
    after = (await site.client.get(f"/board/{ref}")).text
    assert "Pia Peer" in after
    # on the list, and among those who may be taken off it
    assert "somebody is called to help" not in after
    assert after.count("Rita") == before.count("Rita") == after.count("Ron Respond") == 2
    assert '<svg class="picture"' in after
    assert "style=" not in after


async def test_every_look_is_audited(site: Site) -> None:
    ref = await played.a_day_after(site)
    as_person(site, "C1")
    await site.client.get("/board")
    await site.client.get(f"/board/{ref}")
    acts = [row.act for row in site.rows(select(Audit).where(Audit.actor == site.id_of("C1")))]
    assert {"page board", "page read incident", "page read timeline"} <= set(acts)


async def test_whoever_is_on_the_list_sees_the_header_alone(site: Site) -> None:
    await site.log(affected=[{"person_id": "C1", "circle": "B"}, {"person_id": "R1", "circle": "B"}])
    site.perform()
    as_person(site, "C1")
    board = (await site.client.get("/board")).text
    ref = site.rows(select(Incident))[0].ref
    assert "You are on its list" in board
    assert f"/board/{ref}" not in board
    assert "serve" not in board
    assert (await site.client.get(f"/board/{ref}")).status_code == 404


async def test_another_agency_finds_nothing_and_the_same_words_as_for_no_incident(site: Site) -> None:
    ref = await played.a_day_after(site)
    as_person(site, "F1", OTHER)
    assert ref not in (await site.client.get("/board")).text
    theirs, none = [await site.client.get(f"/board/{one}") for one in (ref, "C-XXXXX")]
    assert (theirs.status_code, none.status_code) == (404, 404)
    assert theirs.text == none.text


@pytest.mark.parametrize("key", ["S1", "P1", "K1", "R1"])
async def test_nobody_else_opens_a_coordinators_pages(site: Site, key: str) -> None:
    ref = (await site.log())["ref"]
    as_person(site, key)
    paths = ("/board", f"/board/{ref}", "/readiness", "/roster")
    assert [(await site.client.get(path)).status_code for path in paths] == [403] * 4


async def test_a_pasted_token_opens_the_log_form_alone(site: Site) -> None:
    await sign_in(site, "C1", Role.COORDINATOR)
    for path in ("/board", "/queue", "/readiness", "/roster"):
        assert (await site.client.get(path)).headers["location"] == first(path)


async def test_taking_over_is_one_button(site: Site) -> None:
    ref = (await site.log())["ref"]
    as_person(site, "C1")
    await act(site, ref, "take-over")
    assert the_incident(site, ref).accepted_by == site.id_of("C1")
    assert "I take over" not in (await site.client.get(f"/board/{ref}")).text


async def test_going_against_the_plan_takes_a_reason_that_is_kept_with_who_said_it(site: Site) -> None:
    ref = (await site.log())["ref"]
    as_person(site, "C1")
    refused = await act(site, ref, "stand-down", reason="")
    assert refused.status_code == 422
    assert the_incident(site, ref).state is IncidentState.OPEN
    await act(site, ref, "stand-down", reason="duplicate")
    row = the_incident(site, ref)
    assert row.state is IncidentState.STOOD_DOWN
    (kept,) = site.rows(select(Event).where(Event.kind == "reason.stand_down"))
    assert (kept.after, kept.actor_id, kept.incident_id) == ("duplicate", site.id_of("C1"), row.id)
    over = (await site.client.get(f"/board/{ref}")).text
    assert "nothing is planned" in over
    assert "have no next step" not in over  # nobody is forgotten where nothing was to come
    await act(site, ref, "reopen", reason="by_mistake")
    assert the_incident(site, ref).state is IncidentState.OPEN


async def test_pressed_twice_it_is_done_and_its_reason_kept_once(site: Site) -> None:
    ref = (await site.log())["ref"]
    as_person(site, "C1")
    form = fields(await site.client.get(f"/board/{ref}"), "/close") | {"reason": "facts_changed"}
    for _ in range(2):
        assert (await site.client.post(f"/board/{ref}/close", data=form)).status_code == 303
    assert len(site.rows(select(Event).where(Event.kind == "reason.close"))) == 1


async def test_it_may_turn_out_graver_or_less_grave(site: Site) -> None:
    ref = (await site.log())["ref"]
    as_person(site, "C1")
    await act(site, ref, "severity", severity="S4", reason="facts_changed")
    assert the_incident(site, ref).severity is Severity.S4
    await act(site, ref, "severity", severity="S2", reason="facts_changed")
    assert the_incident(site, ref).severity is Severity.S2
    assert (await act(site, ref, "severity", severity="S9", reason="facts_changed")).status_code == 422


async def test_no_severity_is_chosen_before_somebody_chooses_one(site: Site) -> None:
    ref = (await site.log())["ref"]
    as_person(site, "C1")
    assert (await act(site, ref, "severity", reason="facts_changed")).status_code == 422
    assert the_incident(site, ref).severity is Severity.S3


async def test_facts_and_days_that_matter_are_entered(site: Site) -> None:
    ref = (await site.log(ended_at=None))["ref"]
    as_person(site, "C1")
    await act(site, ref, "ended", ended_date="2026-03-02", ended_time="09:45")
    await act(site, ref, "kin")
    await act(site, ref, "statements")
    await act(site, ref, "keep-day", day="2026-05-01", kind="birthday")
    row = the_incident(site, ref)
    assert (row.kin_notified, row.statements_complete) == (True, True)
    assert row.ended_at == site.clock.at - timedelta(minutes=15)  # 09:45 in New York
    assert [one.day for one in site.rows(select(SensitiveDate))] == ["2026-05-01"]
    assert (await act(site, ref, "keep-day", day="tomorrow", kind="birthday")).status_code == 422
    await act(site, ref, "forget-day", day="2026-05-01")
    assert site.rows(select(SensitiveDate)) == []


async def test_somebody_named_by_mistake_is_taken_off(site: Site) -> None:
    ref = (await site.log())["ref"]
    as_person(site, "C1")
    await act(site, ref, "remove", person=site.id_of("R2"), reason="by_mistake")
    row = the_incident(site, ref)
    assert [item.ended_reason for item in row.affected if item.person_id == site.id_of("R2")] == ["removed"]


async def test_a_board_of_many_takes_as_many_questions_as_one_of_one(site: Site) -> None:
    as_person(site, "C1")
    await site.log()
    site.perform()
    await site.client.get("/board")
    with counted(site) as few:
        await site.client.get("/board")
    for _ in range(8):
        await site.log(affected=[{"person_id": "R3", "circle": "B"}, {"person_id": "T1", "circle": "C"}])
    site.perform()
    with counted(site) as many:
        text = (await site.client.get("/board")).text
    assert "9 open incidents" in text
    assert len(many) == len(few)


async def test_a_long_board_has_pages(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cism.services.board.A_PAGE", 2)
    as_person(site, "C1")
    refs = [(await site.log())["ref"] for _ in range(3)]
    first = (await site.client.get("/board")).text
    last = (await site.client.get("/board?from=2")).text
    assert "/board?from=2" in first
    shown = [[ref for ref in refs if f'href="/board/{ref}"' in page] for page in (first, last)]
    assert sorted([len(one) for one in shown]) == [1, 2]
    assert sorted(shown[0] + shown[1]) == sorted(refs)
    assert (await site.client.get("/board?from=nonsense")).status_code == 200


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the other plans by what it has in it
@pytest.mark.parametrize(
    "query",
    [
        board.newest("x", start=0),
        select(func.count()).select_from(Incident).where(*board.is_open("x")),
    ],
    ids=["the newest", "how many"],
)
async def test_listing_and_counting_many_incidents_reads_no_row_of_theirs(site: Site, query: Any) -> None:
    """A row carries its protocol, some ten kilobytes."""
    with site.db.read() as session:
        bind = session.get_bind()
        said = str(query.compile(bind, compile_kwargs={"literal_binds": True}))
        plan = [str(row[3]) for row in session.execute(sql(f"EXPLAIN QUERY PLAN {said}"))]
    assert any("COVERING INDEX incident_board" in line for line in plan), plan


async def test_a_helper_is_asked_by_name_with_a_reason_once_and_never_against_a_rule(site: Site) -> None:
    ref = (await site.log(affected=[{"person_id": "P1", "circle": "B"}, {"person_id": "R1", "circle": "B"}]))[
        "ref"
    ]
    as_person(site, "C1")
    closed = (await site.client.get(f"/board/{ref}")).text
    assert f'href="/board/{ref}?ask=1#by-name"' in closed
    assert 'name="helper"' not in closed
    page = (await site.client.get(f"/board/{ref}?ask=1")).text
    listed = re.search(r'name="helper".*?</select>', page, re.DOTALL)
    assert listed is not None
    assert "Pia" not in listed[0], "who is on the list helps nobody of it"
    assert "Paul" in listed[0]
    form = fields(await site.client.get(f"/board/{ref}?ask=1"), "/ask")
    for key, reason in (("P2", ""), ("P1", "nearer")):
        sent = form | {"helper": site.id_of(key), "reason": reason}
        assert (await site.client.post(f"/board/{ref}/ask", data=sent)).status_code == 422
    for _ in range(2):
        sent = form | {"helper": site.id_of("P2"), "reason": "nearer"}
        assert (await site.client.post(f"/board/{ref}/ask", data=sent)).status_code == 303
    asked = [one for one in site.rows(select(Assignment)) if one.peer_id == site.id_of("P2")]
    assert [one.state for one in asked] == [AssignmentState.ASKED]
    (kept,) = site.rows(select(Event).where(Event.kind == "reason.ask"))
    assert (kept.after, kept.actor_id) == ("nearer", site.id_of("C1"))
    site.perform()
    assert (
        len(
            [
                one
                for one in site.rows(select(Question).where(Question.kind == "page"))
                if one.person_id == site.id_of("P2")
            ]
        )
        == 1
    )


async def test_a_call_that_was_asked_and_not_reported_is_late_in_words_and_on_the_board(site: Site) -> None:
    ref = await played.a_day_after(site)
    as_person(site, "C1")
    page = (await site.client.get(f"/board/{ref}")).text
    assert re.search(r"first call: asked, not reported \(\d\), the first late by 1 d \d+ h", page)
    assert "first call: reported" not in page
    assert re.search(r"day 1: sent(?: \(\d\))?,|day 1: handed to a peer, who calls", page)
    line = (await site.client.get("/board")).text
    assert re.search(r"\d calls are late: asked, not reported", line)
    assert "card alarming" in line
    for question in site.rows(select(Question).where(Question.kind == "contact_report")):
        if question.state == "open":
            peer = next(key for key in ("P1", "P2", "P3") if site.id_of(key) == question.person_id)
            await site.text(peer, f"4 {question.code}")
    page = (await site.client.get(f"/board/{ref}")).text
    assert "first call: reported" in page
    assert "asked, not reported (" not in page
    assert "are late: asked" not in (await site.client.get("/board")).text


async def test_a_meeting_that_no_clinician_was_asked_about_says_when_one_is(site: Site) -> None:
    ref = (await site.log(affected=[{"person_id": key, "circle": "B"} for key in ("R1", "R2", "R3")]))["ref"]
    site.perform()
    as_person(site, "C1")
    page = (await site.client.get(f"/board/{ref}")).text
    when = r"\w{3} \d+ \w{3}, \d\d:\d\d"
    assert re.search(
        rf"Group debriefing \(CISD\): <span>put to a clinician {when}, proposed for {when}", page
    )
    assert "a clinician is asked" not in page


async def test_what_is_over_says_so_in_one_way_and_who_served_was_stood_down(site: Site) -> None:
    ref = await played.a_day_after(site)
    as_person(site, "C1")
    await act(site, ref, "stand-down", reason="duplicate")
    page = (await site.client.get(f"/board/{ref}")).text
    assert "Our response ended" in page
    assert 'Pia Peer <span class="tag">stood down</span>' in page
