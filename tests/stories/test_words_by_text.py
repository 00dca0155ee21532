"""Everything that a helper does on their pages, by text alone, as their phones see it."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from cism.services import questions
from cism.store.staff_tables import Away
from cism.store.tables import (
    AffectedPerson,
    Audit,
    Escalation,
    InboundMessage,
    NoticeGiven,
    Offer,
    Question,
    QueueItem,
)
from tests.stories.conftest import MakeStory
from tests.stories.harness import Story
from tests.stories.places import NOON, local, metro, quiet_staff, report_calls, with_helper
from tests.stories.test_swaps import FRIDAY, THURSDAY, has_turn, rotate


@pytest.fixture
def story(tell: MakeStory) -> Story:
    cast = metro("jordan", "sam")
    cast.add("carl", roles="clinician", name="Carl Weber", language="es")
    cast.rows["peer-1"]["name"], cast.rows["peer-2"]["name"] = "Ana Ruiz", "Ben Okafor"
    cast.rows["peer-4"]["name"] = "Ben Adams"
    cast.rows["peer-3"]["language"] = "es"
    made = tell(cast)
    made.begin(NOON)
    return made


def audited(story: Story, key: str) -> list[str]:
    """What this person did by text, as the audit log names it."""
    mine = story.person(key).id
    return [row.act for row in story.rows(Audit, Audit.actor == mine) if row.act.startswith("text ")]


def test_rest_until_a_day_and_back_again(story: Story) -> None:
    peer = story.phone("peer-1")
    peer.says("REST 09MAR").expects("word_done", "before Mon 9 Mar 00:00", "text BACK")
    peer.says("rest 09mar").expects("word_done", "Mon 9 Mar")  # doubled by a thumb: nothing more
    (row,) = story.rows(Away)
    assert row.until == local("2026-03-09 00:00")
    story.log("THREAT", "jordan:A", severity="S2", ended_at=story.now())
    assert "page" not in {one.kind for one in peer.unread()}
    peer.expects_nothing()
    peer.says("back").expects("word_done", "may be asked again")
    peer.says("BACK").expects("word_done", "may be asked again")
    assert story.rows(Away) == []
    assert audited(story, "peer-1") == ["text rest", "text rest", "text back", "text back"]
    quiet_staff(story)


def test_rest_passes_on_what_was_asked_and_not_what_is_theirs(story: Story) -> None:
    story.log("THREAT", "jordan:A", severity="S2", ended_at=story.now())
    asked = [one.who for one in story.arrivals if one.kind == "page"]
    story.phone(asked[0]).expects("page").says("REST 2026-03-20").expects("word_done")
    others = [one.who for one in story.arrivals if one.kind == "page"]
    assert len(others) > len(asked)  # the next was asked at once
    mine = story.rows(Question, Question.person_id == story.person(asked[0]).id, Question.kind == "page")
    assert [row.state for row in mine] == ["answered"]
    quiet_staff(story)


def test_rest_passes_on_a_call_for_help_and_the_next_person_is_asked_at_once(story: Story) -> None:
    story.phone("jordan").says("3").expects("call_now")
    (asked,) = [one.who for one in story.arrivals if one.kind == "escalation"]
    story.phone(asked).expects("escalation").says("REST 2026-03-20")
    story.phone(asked).expects("word_done").expects("handed_back")
    (row,) = story.rows(Escalation)
    waits = story.rows(Question, Question.subject_id == row.id, Question.state == "open")
    (next_one,) = [key for key in ("clint", "carl") if story.person(key).id == waits[0].person_id]
    assert len(waits) == 1
    story.phone(next_one).expects("escalation").replies("1 {code}").expects("escalation_assigned")
    story.phone("jordan").expects("escalation_taken", story.person(next_one).name.split()[0])
    quiet_staff(story)


def test_a_peer_who_rests_after_an_incident_of_their_own_says_that_they_can_serve_again(story: Story) -> None:
    story.phone("peer-2").says("READY").expects("word_how", "nothing of your own")
    story.log("THREAT", "peer-1:A", severity="S2", ended_at=story.now())
    for _again in range(2):
        story.phone("peer-1").says("READY").expects("word_done", "has still to agree")
    (mine,) = story.rows(AffectedPerson)
    assert mine.ready_self_at is not None
    assert mine.ready_clinician_at is None
    quiet_staff(story)


@pytest.mark.parametrize("text", ["REST", "rest 31nov", "rest 2025-01-01", "rest 2029-01-01", "rest 03mar"])
def test_a_day_that_cannot_be_is_answered_with_how_to_write_it(story: Story, text: str) -> None:
    story.phone("peer-1").says(text).expects("word_how", "like REST 05DEC", "3 now")
    story.phone("peer-3").says(text.lower().replace("rest", "descanso")).expects("word_how", "DESCANSO 05DIC")
    assert story.rows(Away) == []
    assert story.rows(QueueItem) == []


def test_a_swap_is_asked_by_name_taken_and_given_back_in_return(story: Story) -> None:
    rotate(story, "peer-2", "peer-4", "peer-3", "peer-1")  # Tuesday's is peer-4's
    peer, colleague = story.phone("peer-1"), story.phone("peer-2")
    peer.says("WEEK").expects("my_turns", "Thu 5 Mar 08:00-Fri 6 Mar 08:00")
    peer.says("SWAP 05MAR Ben").expects("word_how", "several have")  # there are two
    assert [row.kind for row in story.rows(QueueItem)] == ["free_text"]  # a human reads what was no name
    quiet_staff(story)
    story.read_the_queue()
    peer.says("SWAP 05MAR Okafor for 06MAR").expects("swap_answer", "Ben is asked")
    peer.says("SWAP 05MAR Okafor for 06MAR").expects("swap_answer", "Ben is asked")
    colleague.expects("swap_ask", "Ana", "for your Fri 6 Mar").replies("1 {code}")
    colleague.expects("swap_told", "yours now")
    peer.expects("swap_told", "Ben takes your turn")
    assert has_turn(story, "peer-2", THURSDAY)
    assert has_turn(story, "peer-1", FRIDAY)
    story.phone("peer-3").says("SEMANA").expects("my_turns", "Tus guardias", "mié 4 mar")
    quiet_staff(story)


def test_a_swap_is_taken_back_by_text_and_what_cannot_be_is_said(story: Story) -> None:
    rotate(story, "peer-2", "peer-4", "peer-3", "peer-1")
    peer = story.phone("peer-1")
    peer.says("SWAP 05MAR Okafor").expects("swap_answer", "Ben is asked")
    story.phone("peer-2").expects("swap_ask")
    for _again in range(2):
        peer.says("KEEP 05MAR").expects("swap_answer", "stays yours")
    story.phone("peer-2").expects("swap_told", "no longer asked")
    peer.says("KEEP 04MAR").expects("word_how", "no turn of yours")
    peer.says("SWAP 04MAR Okafor").expects("word_how", "no turn of yours")
    peer.says("SWAP 05MAR Okafor for 05MAR").expects("word_how", "no turn of yours")
    peer.says("SWAP").expects("word_how", "SWAP 05DEC ANA RUIZ")
    story.phone("peer-2").says("WEEK").expects("my_turns")
    assert has_turn(story, "peer-1", THURSDAY)
    story.go_to(FRIDAY)
    story.phone("peer-1").expects_nothing()


def test_what_is_theirs_by_when_the_brief_the_limits_and_a_referral(story: Story) -> None:
    key = with_helper(story)
    peer = story.phone(key)
    peer.says("TASKS").expects("my_tasks", "team")
    (call,) = story.rows(
        Question, Question.kind == "contact_report", Question.person_id == story.person(key).id
    )
    peer.says("brief").expects("brief_in", "Ask what they need now")
    peer.says(f"LIMITS {call.code}").expects("word_done", call.code or "", "limits")
    peer.says(f"limits {call.code}").expects("word_done")
    (told,) = story.rows(NoticeGiven)
    assert (told.person_id, told.how) == (story.person("jordan").id, "aloud")
    for _again in range(2):
        peer.says(f"REFER {call.code}").expects("word_done", "asked to take over")
    (offer,) = story.rows(Offer, Offer.kind == "referral")
    assert (offer.person_id, offer.sender_id) == (story.person("jordan").id, story.person(key).id)
    peer.says("LIMITS").expects("word_how", "LIMITS A7K2")
    peer.says("REFER B9B9").expects("word_how", "TASKS")
    assert "Jordan" not in "".join(one.body for one in story.arrivals if one.who == key)
    quiet_staff(story)


def test_a_code_of_somebody_else_does_nothing(story: Story) -> None:
    key = with_helper(story)
    (call,) = story.rows(
        Question, Question.kind == "contact_report", Question.person_id == story.person(key).id
    )
    other = next(one for one in ("peer-1", "peer-2", "peer-3", "peer-4") if one != key)
    language = {"peer-3": "TAREAS"}.get(other, "TASKS")
    for word in ("LIMITS", "REFER"):
        story.phone(other).says(f"{word} {call.code}").expects("word_how", language)
    assert story.rows(NoticeGiven) == []
    quiet_staff(story)


def test_a_clinician_takes_what_was_not_asked_of_them_and_gives_it_on_warmly(story: Story) -> None:
    key = with_helper(story)
    story.phone("jordan").says("3").expects("call_now")
    peer, clint, carl = story.phone(key), story.phone("clint"), story.phone("carl")
    peer.expects("escalation")
    clint.expects_nothing()
    clint.says("DESK").expects("desk", "call now")
    code = clint.code
    clint.says("desk").expects("desk", code)  # the same code once more
    clint.replies(f"1 {code}").expects("escalation_assigned", code)
    peer.expects("escalation_covered")
    story.phone("jordan").expects("escalation_taken")
    clint.says("tasks").expects("my_tasks", code, "call now")
    clint.says(f"GIVE {code} Nobody").expects("word_how", "that name")
    clint.ignores("queue_new")
    for _again in range(2):
        clint.says(f"GIVE {code} Weber").expects("word_done", "Carl is asked")
    carl.expects("escalation")
    (row,) = story.rows(Escalation)
    assert row.acked_by == story.person("clint").id
    carl.replies("1 {code}").expects("escalation_assigned")
    story.phone("jordan").expects("escalation_taken", "Carl")
    clint.expects("escalation_covered")
    clint.says(f"GIVE {code} Weber").expects("word_how", "nothing that is yours")
    carl.says("PENDIENTES").expects("desk", "Nadie espera")
    assert audited(story, "clint") == ["text desk", "text desk", "text tasks", *["text give"] * 4]
    quiet_staff(story)
    carl.says(f"4 {carl_code(story)}").expects("noted")
    assert story.rows(Escalation)[0].outcome == "reached"
    quiet_staff(story)


def carl_code(story: Story) -> str:
    mine = story.person("carl").id
    (question,) = story.rows(Question, Question.kind == "escalation", Question.person_id == mine)
    return str(question.code)


def test_which_words_there_are_depends_on_the_role(story: Story) -> None:
    story.phone("peer-1").says("WORDS").expects("words", "REST 05DEC", but="DESK")
    story.phone("clint").says("words").expects("words", "DESK", but="REST")
    story.phone("carl").says("PALABRAS").expects("words", "PENDIENTES")
    story.phone("cora").says("DESK").expects("desk", "Nobody waits")


@pytest.mark.parametrize("text", ["WORDS", "REST 09MAR", "BACK", "DESK", "TASKS", "week"])
def test_from_everybody_else_a_human_reads_the_same_words(story: Story, text: str) -> None:
    story.phone("jordan").says(text).expects("read_by")
    assert [row.kind for row in story.rows(QueueItem)] == ["free_text"]
    assert story.rows(Away) == []
    quiet_staff(story)


def test_a_helper_who_is_asked_how_they_are_or_waits_for_a_call_is_read_by_a_human(story: Story) -> None:
    def ask(session: Session) -> None:
        questions.ask(session, person_id=story.person("peer-1").id, kind="check_in", now=story.now())

    story.act(ask)
    story.phone("peer-1").says("rest").expects("read_by")
    story.phone("peer-2").says("2").expects("call_promised")
    story.phone("peer-2").says("back").expects("read_by")
    bodies = {row.body for row in story.rows(InboundMessage) if row.body}
    assert bodies == {"rest", "back"}
    quiet_staff(story)


def test_words_that_a_helper_writes_in_distress_are_heard_first(story: Story) -> None:
    story.phone("peer-1").says("rest in peace, I want to die").expects("crisis_answer")
    assert story.rows(Escalation)[0].person_id == story.person("peer-1").id
    story.phone("peer-2").says("STOP").expects("carrier")
    story.phone("peer-2").says("week")
    assert [row.reading for row in story.rows(InboundMessage)][-1] == "free_text"
    quiet_staff(story)


def test_a_meeting_is_told_by_its_code(story: Story) -> None:
    report_calls(story)
    story.phone("clint").says("BRIEF C4C4").expects("brief_in", "who you are")

    def lead(session: Session) -> str:
        row = questions.ask(session, person_id=story.person("clint").id, kind="report", now=story.now())
        return row.code or ""

    code = story.act(lead)
    story.phone("clint").says(f"brief {code}").expects("brief_in", "Nobody has to speak")
    story.phone("clint").says(f"limits {code}").expects("word_how", "TASKS")  # no meeting that takes place
