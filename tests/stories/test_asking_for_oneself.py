"""A button of one's own page does what the digit by text does: nobody behind it can tell which it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.orm import Session

from cism.domain.consents import How
from cism.errors import AlreadyDone, BadInput
from cism.services import answers, care_calls, opting_out, people
from cism.store.db import now
from cism.store.tables import Consent, Escalation, Event, InboundMessage, Outbox, Question, Step
from tests.stories.conftest import MakeStory
from tests.stories.harness import Story, planned
from tests.stories.places import NOON, local, metro, quiet_staff, with_helper


@pytest.fixture
def story(tell: MakeStory) -> Story:
    made = tell(metro("jordan", "sam"))
    made.begin(NOON)
    return made


def _press(story: Story, key: str, digit: str, how: Callable[..., Any] = care_calls.press) -> None:
    person_id = story.person(key).id

    def act(session: Session) -> None:
        how(session, people.lock_person(session, person_id), digit, now(session))

    story.act(act)
    story.run()


def _answer_check_in(story: Story, key: str, digit: str) -> None:
    person_id = story.person(key).id
    mine = (Question.person_id == person_id, Question.kind == "check_in", Question.state == "open")
    (question,) = story.rows(Question, *mine)

    def act(session: Session) -> None:
        answers.apply(session, session.get_one(Question, question.id), digit, None, now(session))

    story.act(act)
    story.run()


def _traces(story: Story, key: str) -> dict[str, list[Any]]:
    """Everything that is kept about one person and moves the engine, without ids."""
    mine = story.person(key).id
    escalated = story.rows(Escalation, Escalation.person_id == mine)
    about = {mine, *(row.id for row in escalated)}
    asked = story.rows(Question, (Question.person_id == mine) | (Question.about_id == mine))
    return {
        "calls": [(e.level, e.reason, e.state, e.rung, e.level_at) for e in escalated],
        "steps": sorted(
            (s.kind.value, s.state.value, s.due_at, s.outcome or "")
            for s in story.rows(Step)
            if s.person_id == mine or s.subject_id in about
        ),
        "asked": sorted(
            (q.kind, q.point or "", q.state, q.answer or "", q.asked_at, str(q.deadline)) for q in asked
        ),
        "texts": sorted((o.kind, o.state.value) for o in story.rows(Outbox, Outbox.person_id == mine)),
        "read": [
            (row.reading, row.state, row.received_at)
            for row in story.rows(InboundMessage, InboundMessage.person_id == mine)
        ],
        "events": sorted(
            (e.kind, e.at, e.before or "", e.after or "")
            for e in story.rows(Event, Event.subject_id.in_(about))
        ),
    }


@pytest.mark.parametrize("digit", ["2", "3"])
def test_asking_for_a_call_by_a_button_leaves_what_the_text_leaves(story: Story, digit: str) -> None:
    with_helper(story, "THREAT", "jordan:A", "sam:A")
    story.go_to(local("2026-03-04 12:00"))
    story.phone("jordan").expects("check_in")
    story.phone("sam").expects("check_in")
    story.phone("jordan").says(digit).expects("call_now" if digit == "3" else "call_promised")
    _press(story, "sam", digit)
    story.phone("sam").expects("call_now" if digit == "3" else "call_promised", "988")
    assert _traces(story, "jordan") == _traces(story, "sam")
    quiet_staff(story)


@pytest.mark.parametrize("digit", ["1", "0"])
def test_answering_a_check_in_by_a_button_leaves_what_the_text_leaves(story: Story, digit: str) -> None:
    with_helper(story, "THREAT", "jordan:A", "sam:A")
    story.go_to(local("2026-03-04 12:00"))
    story.phone("jordan").expects("check_in")
    story.phone("sam").expects("check_in")
    story.phone("jordan").says(digit)
    _answer_check_in(story, "sam", digit)
    if digit == "0":
        story.phone("jordan").expects("contacts_ended")
        story.phone("sam").expects("contacts_ended")
    by_text, by_page = _traces(story, "jordan"), _traces(story, "sam")
    for one in (by_text, by_page):  # a text is kept as read; a button answers its question without one
        one["read"], one["events"] = [], [row for row in one["events"] if row[0] != "text.read"]
    assert by_text == by_page
    quiet_staff(story)


def test_a_call_can_be_asked_for_without_any_incident_by_a_button_or_by_the_one_word(story: Story) -> None:
    _press(story, "sam", "3")
    story.phone("sam").expects("call_now", "988")
    story.phone("jordan").says("CALL").expects("call_now", "988")
    story.advance(minutes=1)
    assert (
        sorted((row.reason, row.level.value) for row in story.rows(Escalation))
        == [("call_now", "URGENT")] * 2
    )
    quiet_staff(story)


def test_the_button_pressed_again_does_nothing_more_and_a_second_2_the_next_day_presses(story: Story) -> None:
    for _ in range(3):
        _press(story, "sam", "2")
    story.phone("sam").expects("call_promised").expects_nothing()
    story.advance(hours=30)
    _press(story, "sam", "2")
    (row,) = story.rows(Escalation)
    assert (row.level.value, row.reason) == ("URGENT", "call_later_again")
    story.phone("sam").ignores("call_promised")
    quiet_staff(story)


def test_another_digit_is_no_wish_for_a_call(story: Story) -> None:
    with pytest.raises(BadInput, match="does not fit"):
        _press(story, "sam", "7")
    assert story.rows(Escalation) == []


def test_sharing_asks_a_clinician_first_and_keeps_no_answer(story: Story) -> None:
    with_helper(story, "THREAT", "sam:A")
    quiet_staff(story)
    _press(story, "sam", "3", care_calls.share)
    story.phone("sam").expects("call_now", "988")
    story.phone("clint").expects("escalation", "asks for a call now").replies("1 {code}")
    story.phone("clint").expects("escalation_assigned")
    story.phone("sam").expects("escalation_taken", "Clint will call you")
    (row,) = story.rows(Escalation)
    assert (row.reason, row.level.value) == ("screening_shared", "URGENT")
    assert all(item.body is None for item in story.rows(InboundMessage))
    for key in ("peer-1", "peer-2", "peer-3", "peer-4"):
        assert "escalation" not in {one.kind for one in story.phone(key).unread()}
    story.phone("clint").replies("4 {code}").expects("noted")


def test_sharing_after_a_3_begins_the_ladder_anew_with_clinicians(story: Story) -> None:
    peer = with_helper(story, "THREAT", "sam:A")
    _press(story, "sam", "3")
    story.phone("sam").expects("call_now")
    story.phone(peer).expects("escalation")
    _press(story, "sam", "3", care_calls.share)
    story.phone("clint").expects("escalation")
    (row,) = story.rows(Escalation)
    assert row.reason == "screening_shared"
    story.advance(hours=2)  # and it goes on until a human took it
    story.phone("dina").expects("escalation")
    assert len(planned(story, Step.kind == "escalate")) == 1
    quiet_staff(story)


def test_whoever_has_the_call_already_is_not_replaced_by_sharing(story: Story) -> None:
    peer = with_helper(story, "THREAT", "sam:A")
    _press(story, "sam", "3")
    story.phone("sam").expects("call_now")
    story.phone(peer).expects("escalation").replies("1 {code}").expects("escalation_assigned")
    story.phone("sam").expects("escalation_taken")
    with pytest.raises(AlreadyDone):
        _press(story, "sam", "3", care_calls.share)
    (row,) = story.rows(Escalation)
    assert (row.reason, row.state) == ("call_now", "acked")
    quiet_staff(story)


def test_a_helpers_worry_is_nothing_that_the_person_is_told_of(story: Story) -> None:
    peer = with_helper(story, "THREAT", "sam:A")
    story.go_to(local("2026-03-06 11:59"))
    quiet_staff(story)
    story.phone("sam").ignores()
    (call,) = story.rows(
        Question, Question.kind == "contact_report", Question.about_id == story.person("sam").id
    )[:1]
    story.phone(peer).says(f"7 {call.code}")
    assert len(story.rows(Escalation)) == 1
    assert story.see(lambda session: care_calls.waited_for(session, story.person("sam").id)) is None
    quiet_staff(story)


def test_stopping_everything_on_the_page_is_a_stop(story: Story) -> None:
    with_helper(story, "THREAT", "sam:A", "jordan:A")
    story.phone("jordan").says("STOP")
    stop = lambda session, person, _digit, at: opting_out.stop(session, person, How.PAGE, at)  # noqa: E731
    _press(story, "sam", "", stop)
    _press(story, "sam", "", stop)
    story.advance(days=40)
    story.phone("sam").expects_nothing()
    story.phone("jordan").expects("carrier").expects_nothing()
    by_text, by_page = _traces(story, "jordan"), _traces(story, "sam")
    for one in (by_text, by_page):
        one["read"], one["events"] = [], [row for row in one["events"] if row[0] != "text.read"]
    assert by_text == by_page
    said = {
        key: [(c.purpose, c.given) for c in story.rows(Consent, Consent.person_id == story.person(key).id)]
        for key in ("sam", "jordan")
    }
    assert said["sam"] == said["jordan"] != []
    assert {c.how for c in story.rows(Consent, Consent.person_id == story.person("sam").id)} >= {"page"}
    quiet_staff(story)


def test_a_stop_does_not_take_back_a_call_that_was_asked_for(story: Story) -> None:
    peer = with_helper(story, "THREAT", "sam:A")
    _press(story, "sam", "3")
    _press(story, "sam", "", lambda session, person, _d, at: opting_out.stop(session, person, How.PAGE, at))
    story.phone("sam").ignores("call_now")
    story.phone(peer).expects("escalation").replies("1 {code}").expects("escalation_assigned")
    assert story.rows(Escalation)[0].state == "acked"
    story.phone(peer).replies("4 {code}").expects("noted")
    quiet_staff(story)
