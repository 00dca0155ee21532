"""Pages behind a short-lived address and a code to the enrolled phone."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from cism.domain.escalation import EscalationState
from cism.services import people, questions
from cism.store.states import AssignmentState, QueueState, SessionState
from cism.store.tables import (
    AffectedPerson,
    Assignment,
    Audit,
    Escalation,
    GroupSession,
    Incident,
    Invitation,
    Outbox,
    Question,
    QueueItem,
)
from tests.web.browsing import Fields, fields, newest_code, open_link, press, sign_in
from tests.web.conftest import Site


async def _assigned(site: Site, **changed: str) -> Assignment:
    """Pia and Paul have accepted; the first calls are asked."""
    await site.log(**changed)
    site.perform()
    for peer in ("P1", "P2"):
        await site.text(peer, "1")
    site.perform()
    query = select(Assignment).where(Assignment.peer_id == site.id_of("P1"))
    return site.rows(query)[0]


def _of_p1(site: Site) -> Question:
    query = select(Question).where(
        Question.kind == "contact_report", Question.person_id == site.id_of("P1"), Question.state == "open"
    )
    return site.rows(query)[0]


async def test_looking_at_an_address_consumes_nothing(site: Site) -> None:
    path = site.link("P1", "assignment", (await _assigned(site)).id)
    before, links = site.everything(), [(row.hash, row.code_hash, row.expires_real) for row in site.links()]
    for _ in range(3):
        answer = await site.client.get(path)
        assert answer.status_code == 200
        assert "Rita" not in answer.text
    assert site.everything() == before
    assert [(row.hash, row.code_hash, row.expires_real) for row in site.links()] == links


async def test_an_address_that_is_none_looks_the_same_and_texts_nobody(site: Site) -> None:
    real = await site.client.get(site.link("P1", "home", None))
    invented = await site.client.get("/a/AAAAAAAAAAAA")
    assert invented.status_code == real.status_code
    before = site.count(Outbox)
    answer = await site.client.post("/a/AAAAAAAAAAAA/code", data=fields(invented, "/code"))
    assert answer.status_code == 303
    assert site.count(Outbox) == before


async def test_a_code_to_the_phone_opens_the_page_in_that_browser_alone(site: Site) -> None:
    path = site.link("P1", "assignment", (await _assigned(site)).id)
    page = await open_link(site, path)
    assert "Your assignment" in page.text
    site.client.cookies.clear()
    assert "Your assignment" not in (await site.client.get(path)).text


async def test_an_assigned_peer_knows_whom_to_call_at_what_number_and_by_when(site: Site) -> None:
    assignment = await _assigned(site)
    page = await open_link(site, site.link("P1", "assignment", assignment.id))
    question = _of_p1(site)
    with site.db.read() as session:
        own = {row.id for row in people.looked_after(session, site.id_of("P1"), assignment.incident_id)}
    assert question.about_id in own
    for key in ("R1", "R2"):
        shown = site.id_of(key) in own
        assert (site.person(key).name in page.text) is shown  # their own persons alone
        assert (f'href="tel:{site.person(key).phone}"' in page.text) is shown
    assert "Call by " in page.text
    assert f"4 {question.code} reached" in page.text
    assert "Rita" not in "".join(row.payload for row in site.messages("peer_task"))
    assert any(row.act == "page assignment" for row in site.rows(select(Audit)))


async def test_people_of_another_helper_are_not_shown(site: Site) -> None:
    assignment = await _assigned(site)
    with site.db.transaction() as session:
        rows = session.scalars(select(AffectedPerson)).all()
        for row, peer in zip(rows, ("P1", "P2"), strict=True):
            row.peer_id = site.id_of(peer)
        theirs = rows[1].person_id
    page = await open_link(site, site.link("P1", "assignment", assignment.id))
    hidden = next(key for key in ("R1", "R2") if site.id_of(key) == theirs)
    assert site.person(hidden).name not in page.text


@pytest.mark.parametrize(
    ("label", "answer"), [("Reached", "4"), ("They declined", "5"), ("Not reached", "6"), ("Hand back", "9")]
)
async def test_a_button_does_what_the_digit_does(site: Site, label: str, answer: str) -> None:
    path = site.link("P1", "assignment", (await _assigned(site)).id)
    page = await open_link(site, path)
    question = _of_p1(site)
    pressed = await press(site, path, page, label, question=question.id)
    assert (pressed.status_code, pressed.headers["location"]) == (303, path)
    (row,) = site.rows(select(Question).where(Question.id == question.id))
    assert (row.state, row.answer) == ("answered", answer)


async def test_pressing_a_button_twice_is_no_error_and_changes_nothing(site: Site) -> None:
    path = site.link("P1", "assignment", (await _assigned(site)).id)
    page = await open_link(site, path)
    for _ in range(2):
        answer = await press(site, path, page, "Reached")
        assert (answer.status_code, answer.headers["location"]) == (303, path)
    assert len(site.messages("noted", "P1")) == 1


async def test_a_worry_about_one_person_asks_a_clinician_about_that_person(site: Site) -> None:
    path = site.link("P1", "assignment", (await _assigned(site)).id)
    page = await open_link(site, path)
    question = _of_p1(site)
    assert f"7 {question.code} worried" in page.text
    await press(site, path, page, "I am worried: a clinician, please", question=question.id)
    (row,) = site.rows(select(Escalation))
    assert (row.person_id, row.reason, row.level.value) == (question.about_id, "worry", "URGENT")
    assert "A clinician is asked about them" in (await site.client.get(path)).text
    (theirs,) = site.rows(
        select(Question).where(Question.person_id == site.id_of("P2"), Question.kind == "page")
    )
    answer = await press(site, path, page, "Reached", question=theirs.id)
    assert answer.status_code == 403


async def test_a_page_says_whose_clock_it_speaks_of(site: Site) -> None:
    page = await open_link(site, site.link("P1", "assignment", (await _assigned(site)).id))
    assert "All times are New York time (EST)" in page.text


async def test_a_browser_that_comes_back_to_an_answer_is_shown_the_page(site: Site) -> None:
    path = site.link("P1", "home", None)
    for act in ("open", "code", "answer"):
        answer = await site.client.get(f"{path}/{act}")
        assert (answer.status_code, answer.headers["location"]) == (303, path)


async def test_a_question_of_somebody_else_cannot_be_answered(site: Site) -> None:
    path = site.link("P1", "assignment", (await _assigned(site)).id)
    page = await open_link(site, path)
    (theirs,) = site.rows(
        select(Question).where(Question.person_id == site.id_of("P2"), Question.kind == "assignment")
    )
    answer = await press(site, path, page, "Reached", question=theirs.id, digit="9")
    assert answer.status_code == 403
    assert site.rows(select(Question).where(Question.id == theirs.id))[0].state == "open"


async def test_a_digit_that_the_question_does_not_know_is_refused(site: Site) -> None:
    path = site.link("P1", "assignment", (await _assigned(site)).id)
    page = await open_link(site, path)
    assert (await press(site, path, page, "Reached", digit="1")).status_code == 422
    assert _of_p1(site).state == "open"


async def test_handing_back_the_whole_assignment_ends_the_page(site: Site) -> None:
    assignment = await _assigned(site)
    path = site.link("P1", "assignment", assignment.id)
    page = await open_link(site, path)
    await press(site, path, page, "Hand the whole assignment back")
    (row,) = site.rows(select(Assignment).where(Assignment.id == assignment.id))
    assert row.state is AssignmentState.HANDED_BACK
    shown = (await site.client.get(path)).text
    assert "no longer yours" in shown
    assert "Rita" not in shown
    assert "Ron" not in shown


async def test_where_statements_may_be_pending_the_brief_says_not_to_ask(site: Site) -> None:
    path = site.link("P1", "assignment", (await _assigned(site, type="OIS_PRESENT")).id)
    assert "Do not ask about the event" in (await open_link(site, path)).text


async def test_an_assignment_of_somebody_else_shows_nothing(site: Site) -> None:
    assignment = await _assigned(site)
    page = await open_link(site, site.link("P2", "assignment", assignment.id))
    assert "no longer yours" in page.text


async def test_wrong_codes_are_counted_and_the_sixth_try_fails_even_with_the_right_one(site: Site) -> None:
    path = site.link("P1", "home", None)
    gate = await site.client.get(path)
    await site.client.post(f"{path}/code", data=fields(gate, "/code"))
    form = fields(await site.client.get(f"{path}?sent=1"), "/open")
    code = newest_code(site, path)
    wrong = "000000" if code != "000000" else "111111"
    for _ in range(5):
        assert (await site.client.post(f"{path}/open", data=form | {"code": wrong})).status_code == 403
    assert (await site.client.post(f"{path}/open", data=form | {"code": code})).status_code == 403
    assert "cism_page" not in site.client.cookies


async def test_codes_are_sent_a_few_times_and_no_more(site: Site) -> None:
    path = site.link("P1", "home", None)
    form = fields(await site.client.get(path), "/code")
    for _ in range(8):
        site.clock.advance(seconds=5)
        await site.client.post(f"{path}/code", data=form)
    assert len(site.messages("link_code")) == 5


async def test_a_button_pressed_twice_texts_one_code_and_that_one_opens(site: Site) -> None:
    path = site.link("P1", "home", None)
    form = fields(await site.client.get(path), "/code")
    for _ in range(2):
        await site.client.post(f"{path}/code", data=form)
        site.clock.advance(seconds=1)
    assert len(site.messages("link_code")) == 1
    given = {"form_token": form["form_token"], "code": newest_code(site, path)}
    assert (await site.client.post(f"{path}/open", data=given)).status_code == 303


async def test_an_expired_page_shows_nothing_and_one_button_opens_it_again(site: Site) -> None:
    path = site.link("P1", "assignment", (await _assigned(site)).id)
    await open_link(site, path)
    site.clock.advance(minutes=16)
    page = await site.client.get(path)
    assert "The time of this page is over" in page.text
    assert "Rita" not in page.text
    assert "Ron" not in page.text
    assert [action for action, _ in Fields(page.text).forms] == [f"{path}/code"]
    assert "Your assignment" in (await open_link(site, path)).text


async def test_a_button_pressed_too_late_changes_nothing(site: Site) -> None:
    path = site.link("P1", "assignment", (await _assigned(site)).id)
    page = await open_link(site, path)
    site.clock.advance(minutes=16)
    answer = await press(site, path, page, "Reached")
    assert "The time of this page is over" in answer.text
    assert _of_p1(site).state == "open"


async def test_whoever_takes_an_escalation_then_sees_whom_to_call(site: Site) -> None:
    await site.text("R1", "3")
    site.perform()
    (row,) = site.rows(select(Escalation))
    asked = site.rows(select(Question).where(Question.kind == "escalation"))[0]
    helper = next(key for key in ("K1", "D1", "C1", "P1", "P2", "P3") if site.id_of(key) == asked.person_id)
    path = site.link(helper, "escalation", row.id)
    page = await open_link(site, path)
    assert "Rita" not in page.text  # not before it is taken
    await press(site, path, page, "I take it and call")
    page = await site.client.get(path)
    assert "Call Rita Respond" in page.text
    assert f'href="tel:{site.person("R1").phone}"' in page.text
    await press(site, path, page, "Reached")
    assert site.rows(select(Escalation))[0].state is EscalationState.CLOSED
    assert "How this ended is recorded" in (await site.client.get(path)).text


async def test_somebody_who_was_never_asked_sees_no_escalation(site: Site) -> None:
    await site.text("R1", "3")
    (row,) = site.rows(select(Escalation))
    page = await open_link(site, site.link("T1", "escalation", row.id))
    assert "no longer yours" in page.text


async def test_a_search_ends_with_a_meeting_or_a_named_hand_over(site: Site) -> None:
    await site.text("R1", "3")
    site.perform()
    asked = site.rows(select(Question).where(Question.kind == "escalation"))[0]
    helper = next(key for key in ("K1", "D1", "C1", "P1", "P2", "P3") if site.id_of(key) == asked.person_id)
    await site.text(helper, f"1 {asked.code}")
    await site.text(helper, f"6 {asked.code}")
    site.perform()
    (welfare,) = site.rows(select(Escalation).where(Escalation.welfare.is_(True)))
    path = site.link("D1", "escalation", welfare.id)
    page = await open_link(site, path)
    await press(site, path, page, "I take it and call")
    page = await site.client.get(path)
    await press(site, path, page, "Met in person")
    (row,) = site.rows(select(Escalation).where(Escalation.id == welfare.id))
    assert (row.state, row.outcome) == (EscalationState.CLOSED, "met_in_person")


async def test_a_search_can_be_ended_after_a_sign_in_by_phone_too(site: Site) -> None:
    await site.text("R1", "3")
    site.perform()
    asked = site.rows(select(Question).where(Question.kind == "escalation"))[0]
    helper = next(key for key in ("K1", "D1", "C1", "P1", "P2", "P3") if site.id_of(key) == asked.person_id)
    await site.text(helper, f"1 {asked.code}")
    await site.text(helper, f"6 {asked.code}")
    site.perform()
    path = site.link("D1", "home", None)
    await press(site, path, await open_link(site, path), "I take it and call")
    page = await site.client.get(path)
    answer = await press(site, path, page, "Handed to emergency services", by_name="Dora Director")
    assert answer.status_code == 303
    row = site.rows(select(Escalation).where(Escalation.welfare.is_(True)))[0]
    assert (row.state, row.outcome) == (EscalationState.CLOSED, "handed_to_emergency_services")
    again = await press(site, path, page, "Met in person")  # the page of a moment ago
    assert again.status_code == 303
    assert "Nothing waits for you" in (await site.client.get(path)).text


async def test_whoever_signs_in_sees_all_that_waits_for_them(site: Site) -> None:
    await site.log()
    site.perform()
    await site.text("R1", "the chief said I should ask you about leave")
    path = site.link("C1", "home", None)
    page = await open_link(site, path)
    assert page.text.index("ask you about leave") < page.text.index("I take over")
    await press(site, path, page, "Handled")
    await press(site, path, page, "I take over")
    assert site.rows(select(QueueItem))[0].state is QueueState.HANDLED
    assert site.rows(select(Incident))[0].accepted_by == site.id_of("C1")
    assert "Nothing waits for you" in (await site.client.get(path)).text
    asked = site.rows(select(Question).where(Question.kind == "page"))[0]
    peer = next(key for key in ("P1", "P2", "P3") if site.id_of(key) == asked.person_id)
    path = site.link(peer, "home", None)
    page = await open_link(site, path)
    assert "Can you take a turn?" in page.text
    await press(site, path, page, "I am available")
    assert "Your assignment" in (await site.client.get(path)).text


@pytest.mark.parametrize(
    ("button", "told"), [("I am available", "You are on, thank you."), ("Not now", "others are asked")]
)
async def test_who_answers_a_page_behind_its_link_reads_what_they_answered(
    site: Site, button: str, told: str
) -> None:
    await site.log()
    site.perform()
    asked = site.rows(select(Question).where(Question.kind == "page"))[0]
    peer = next(key for key in ("P1", "P2", "P3") if site.id_of(key) == asked.person_id)
    path = site.link(peer, "page", asked.subject_id)
    await press(site, path, await open_link(site, path), button)
    after = (await site.client.get(path)).text
    assert told in after
    on = f'href="/task/assignment/{asked.subject_id}"'
    assert (on in after) is (button == "I am available")


async def test_nobody_acts_on_what_does_not_wait_for_them(site: Site) -> None:
    await site.log()
    await site.text("R1", "the chief said I should ask you about leave")
    (item,) = site.rows(select(QueueItem))
    (row,) = site.rows(select(Incident))
    path = site.link("P1", "home", None)
    await open_link(site, path)
    form = fields(await site.client.get("/sign-in"), "/sign-in/phone")
    token = {"form_token": form["form_token"]}
    await site.client.post(f"{path}/handled", data=token | {"subject": item.id})
    await site.client.post(f"{path}/take-over", data=token | {"subject": row.id})
    assert site.rows(select(QueueItem))[0].state is QueueState.OPEN
    assert site.rows(select(Incident))[0].accepted_by is None


async def test_words_in_the_queue_are_read_and_marked_as_handled(site: Site) -> None:
    await site.text("R1", "the chief said I should ask you about <b>leave</b>")
    (item,) = site.rows(select(QueueItem))
    path = site.link("C1", "queue", item.id)
    page = await open_link(site, path)
    assert "&lt;b&gt;leave&lt;/b&gt;" in page.text
    assert "Rita Respond" in page.text
    await press(site, path, page, "Handled")
    assert site.rows(select(QueueItem))[0].state is QueueState.HANDLED
    assert "leave" not in (await site.client.get(path)).text


async def test_words_of_somebody_with_a_peer_stand_on_that_peer_s_page_and_on_no_coordinator_s(
    site: Site,
) -> None:
    await _assigned(site)
    (of_rita,) = site.rows(select(AffectedPerson).where(AffectedPerson.person_id == site.id_of("R1")))
    peer = next(key for key in ("P1", "P2") if site.id_of(key) == of_rita.peer_id)
    await site.text("R1", "cannot sleep at all")
    (item,) = site.rows(select(QueueItem).where(QueueItem.inbound_sid.is_not(None)))
    seen = {
        key: (await open_link(site, site.link(key, "queue", item.id))).text
        for key in ("C1", "D1", "K1", "P1", "P2", "P3")
    }
    assert [key for key, text in seen.items() if "cannot sleep" in text] == [peer]
    assert "Somebody else reads this first" in seen["C1"]
    assert "Their own peer reads it." in seen["C1"]
    assert "For you to read" not in seen["C1"]
    assert "Somebody else reads this first" not in seen[peer]
    assert "cannot sleep" in (await open_link(site, site.link(peer, "home", None))).text
    acts = {row.act for row in site.rows(select(Audit).where(Audit.object_id == item.id))}
    assert acts == {"page queue", "page queue_call"}
    path = site.link(peer, "queue", item.id)
    await press(site, path, await open_link(site, path), "Handled")
    assert site.rows(select(QueueItem).where(QueueItem.id == item.id))[0].handled_by == site.id_of(peer)


async def test_words_that_the_peer_did_not_read_in_time_stand_on_the_coordinator_s_page(site: Site) -> None:
    await _assigned(site)
    await site.text("R1", "cannot sleep at all")
    (item,) = site.rows(select(QueueItem).where(QueueItem.inbound_sid.is_not(None)))
    path = site.link("C1", "home", None)
    assert "cannot sleep" not in (await open_link(site, path)).text
    site.perform(minutes=30)
    assert "cannot sleep" in (await open_link(site, site.link("C1", "queue", item.id))).text
    assert "cannot sleep" in (await open_link(site, site.link("C1", "home", None))).text


async def test_nobody_reads_their_own_words_in_the_queue(site: Site) -> None:
    await site.text("C1", "please somebody ring me about the rota")
    (item,) = site.rows(select(QueueItem))
    page = await open_link(site, site.link("C1", "queue", item.id))
    assert "rota" not in page.text


async def test_a_coordinator_sees_how_the_asking_stands_and_takes_over(site: Site) -> None:
    await _assigned(site)
    (row,) = site.rows(select(Incident))
    path = site.link("C1", "incident", row.id)
    page = await open_link(site, path)
    assert "Pia Peer" in page.text
    assert "Rita" not in page.text
    assert "not available" not in page.text  # nobody declined; who was not needed said no to nothing
    assert f'href="/board/{row.ref}"' in page.text
    await press(site, path, page, "I take over")
    assert site.rows(select(Incident))[0].accepted_by == site.id_of("C1")


async def _meeting(site: Site) -> GroupSession:
    people = ("R1", "R2", "R3")
    await site.log(affected=[{"person_id": key, "circle": "B"} for key in people])
    site.perform()
    site.perform(hours=3)
    return site.rows(select(GroupSession).where(GroupSession.kind == "cisd"))[0]


async def test_a_clinician_decides_with_facts_and_without_names(site: Site) -> None:
    meeting = await _meeting(site)
    assert meeting.state is SessionState.PROPOSED
    asked = site.rows(select(Question).where(Question.kind == "approval"))[0]
    helper = next(key for key in ("K1", "D1") if site.id_of(key) == asked.person_id)
    path = site.link(helper, "approval", meeting.id)
    page = await open_link(site, path)
    for fact in ("debriefing", "3 people", "Window", "Proposed for"):
        assert fact in page.text
    assert not any(name in page.text for name in ("Rita", "Ron", "Rosa"))
    await press(site, path, page, "Approve")
    assert site.rows(select(GroupSession).where(GroupSession.id == meeting.id))[0].state is (
        SessionState.APPROVED
    )


async def test_an_invited_person_sees_time_and_place_and_nobody_else(site: Site) -> None:
    meeting = await _meeting(site)
    with site.db.transaction() as session:
        found = session.get_one(GroupSession, meeting.id)
        found.state = SessionState.APPROVED
        assert session.get(Invitation, (meeting.id, site.id_of("R1"))) is not None
    page = await open_link(site, site.link("R1", "invitation", meeting.id))
    assert "It is your choice" in page.text
    assert "The place" in page.text
    assert not any(name in page.text for name in ("Ron", "Rosa", "Rita"))
    uninvited = await open_link(site, site.link("T1", "invitation", meeting.id))
    assert "This invitation is over" in uninvited.text


async def test_whoever_leads_a_meeting_is_told_so_and_asked_how_many_came_after_it(site: Site) -> None:
    meeting = await _meeting(site)
    with site.db.transaction() as session:
        found = session.get_one(GroupSession, meeting.id)
        found.state, found.leader_id = SessionState.APPROVED, site.id_of("K1")
    page = await open_link(site, site.link("K1", "invitation", meeting.id))
    assert "This invitation is over" not in page.text
    assert "Your meeting" in page.text
    early = await open_link(site, site.link("K1", "report", meeting.id))
    assert "How many came is asked after it." in early.text
    assert meeting.ends_at is not None
    site.clock.advance(seconds=(meeting.ends_at - site.clock.at).total_seconds() + 60)
    with site.db.transaction() as session:
        questions.ask(
            session, person_id=site.id_of("K1"), kind="report", now=site.clock.at, subject_id=meeting.id
        )
    page = await open_link(site, site.link("K1", "report", meeting.id))
    assert "How many came? Group debriefing (CISD), " in page.text


async def test_whoever_comes_finds_the_time_again_after_a_sign_in(site: Site) -> None:
    meeting = await _meeting(site)
    with site.db.transaction() as session:
        session.get_one(GroupSession, meeting.id).state = SessionState.APPROVED
        session.get_one(Invitation, (meeting.id, site.id_of("R1"))).state = "coming"
    page = await open_link(site, site.link("R1", "home", None))
    assert "You are counted in" in page.text
    assert "The place" in page.text
    site.clock.advance(days=12)
    assert "Nothing waits for you" in (await open_link(site, site.link("R1", "home", None))).text


async def test_signing_in_by_phone_opens_what_waits_and_tells_nothing_about_a_number(site: Site) -> None:
    await _assigned(site)
    form = fields(await site.client.get("/sign-in"), "/sign-in/phone")
    known = await site.client.post("/sign-in/phone", data=form | {"phone": "(212) 555-0106"})
    path = known.headers["location"].partition("?")[0]
    gate = await site.client.get(known.headers["location"])
    await site.client.post(f"{path}/open", data=fields(gate, "/open") | {"code": newest_code(site, path)})
    assert "Your assignment" in (await site.client.get(path)).text
    before = site.count(Outbox)
    form = fields(await site.client.get("/sign-in"), "/sign-in/phone")  # a sign-in renews the visit
    unknown = await site.client.post("/sign-in/phone", data=form | {"phone": "+12125550177"})
    theirs = await site.client.get(unknown.headers["location"])
    assert theirs.status_code == gate.status_code
    assert len(theirs.text) == len(gate.text)
    assert site.count(Outbox) == before


async def test_pages_have_no_script_and_no_third_party(site: Site) -> None:
    await sign_in(site)
    path = site.link("P1", "assignment", (await _assigned(site)).id)
    for page in (await site.client.get("/log"), await open_link(site, path), await site.client.get("/x")):
        scripts = re.findall(r"<script[^>]*>[^<]*", page.text)
        assert set(scripts) <= {'<script src="/static/log.js" defer>'}
        assert "http://" not in page.text.replace("http://www.w3.org", "")
        assert "https://" not in page.text
