"""How soon a human must be there after a reply."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cism.domain.escalation_level import EscalationLevel
from cism.domain.protocol import load_protocol
from cism.domain.questions import OpenQuestion, QuestionKind
from cism.domain.replies import Sender, read
from cism.domain.triage import About, LastAnswer, Reason, Triage, is_second_two, queue_deadline, triage

KNOWN, UNKNOWN = Sender(known=True, phone_confirmed=True), Sender(known=False)
AT = datetime(2026, 3, 10, 9, 40, tzinfo=UTC)
ACK = load_protocol("sfa-follow-up").ladders[EscalationLevel.ROUTINE].ack


def after(text: str, sender: Sender = KNOWN, *questions: OpenQuestion, second_two: bool = False) -> Triage:
    return triage(read(text, sender, questions), known=sender.known, second_two=second_two)


def test_2_is_a_routine_call() -> None:
    assert after("2") == Triage(level=EscalationLevel.ROUTINE, reason=Reason.CALL_LATER)


def test_two_2s_running_are_urgent() -> None:
    again = after("2", second_two=True)
    assert (again.level, again.reason) == (EscalationLevel.URGENT, Reason.CALL_LATER_AGAIN)


@pytest.mark.parametrize("text", ["3", "3 please", "3rd time"])
def test_3_is_urgent_whatever_follows(text: str) -> None:
    found = after(text)
    assert (found.level, found.reason, found.about) == (EscalationLevel.URGENT, Reason.CALL_NOW, About.SENDER)


def test_crisis_words_keep_the_level_of_the_lexicon_and_are_read_too() -> None:
    found = after("1 ok but i want to kill myself")
    assert (found.level, found.reason, found.queue) == (EscalationLevel.EMERGENCY, Reason.CRISIS_WORDS, True)


def test_milder_crisis_words_are_urgent_for_somebody_we_know() -> None:
    found = after("not suicidal lol")
    assert (found.level, found.reason) == (EscalationLevel.URGENT, Reason.CRISIS_WORDS)


@pytest.mark.parametrize("text", ["not suicidal lol", "i want to die"])
def test_crisis_words_of_an_unknown_sender_page_the_clinician(text: str) -> None:
    found = after(text, UNKNOWN)
    assert found.level is EscalationLevel.EMERGENCY
    assert found.queue


@pytest.mark.parametrize("text", ["2", "3", "1", "hello", "HELP"])
def test_anything_else_of_an_unknown_sender_is_read_by_a_human(text: str) -> None:
    assert after(text, UNKNOWN) == Triage(queue=True)


def test_7_is_about_the_person_of_the_question() -> None:
    task = OpenQuestion.of(QuestionKind.CONTACT_REPORT, "q1", "A7K2")
    found = after("7 A7K2", KNOWN, task)
    assert (found.level, found.about, found.reason) == (EscalationLevel.URGENT, About.SUBJECT, Reason.WORRY)


def test_7_that_fits_nobody_else_is_the_senders_own_3() -> None:
    found = after("7")
    assert (found.level, found.about, found.reason) == (EscalationLevel.URGENT, About.SENDER, Reason.CALL_NOW)


def test_free_text_waits_for_a_human_and_raises_nothing() -> None:
    assert after("the coffee here is terrible") == Triage(queue=True)


def test_help_of_somebody_we_know_pages_the_queue_at_once() -> None:
    assert after("HELP") == Triage(queue=True, page_now=True)


def test_leaving_with_a_3_ends_the_texts_and_not_the_call() -> None:
    found = after("3 please stop texting me")
    assert found.level is EscalationLevel.URGENT
    assert found.queue


@pytest.mark.parametrize("text", ["STOP", "1", "0", "👍", 'Liked "Hi Jordan"', "WHO"])
def test_a_decline_thanks_and_carrier_words_raise_nothing(text: str) -> None:
    check_in = OpenQuestion.of(QuestionKind.CHECK_IN, "q1")
    assert after(text, KNOWN, check_in).level is None


def test_a_thumb_that_pressed_twice_is_one_2() -> None:
    reading = read("2", KNOWN, ())
    last = LastAnswer(digit="2", at=AT, question_id="q1")
    assert not is_second_two(reading, last, AT + timedelta(seconds=20), ACK)
    assert not is_second_two(reading, last, AT + ACK, ACK)
    assert is_second_two(reading, last, AT + ACK + timedelta(seconds=1), ACK)


def test_a_2_to_the_next_check_in_is_the_second() -> None:
    next_one = OpenQuestion.of(QuestionKind.CHECK_IN, "q2")
    reading = read("2", KNOWN, (next_one,))
    assert is_second_two(reading, LastAnswer(digit="2", at=AT, question_id="q1"), AT, ACK)
    assert not is_second_two(reading, LastAnswer(digit="2", at=AT, question_id="q2"), AT, ACK)
    assert not is_second_two(reading, LastAnswer(digit="1", at=AT, question_id="q1"), AT, ACK)
    assert not is_second_two(reading, None, AT, ACK)


def test_another_answer_is_no_2() -> None:
    last = LastAnswer(digit="2", at=AT, question_id="q1")
    assert not is_second_two(read("3", KNOWN, ()), last, AT + timedelta(days=4), ACK)


@pytest.mark.parametrize(
    ("hour", "minutes"), [(14, 60), (15, 30), (23, 30), (3, 30), (4, 60)]
)  # UTC; quiet in Los Angeles (PDT) from 04:00 to 15:00
def test_a_text_is_read_within_half_an_hour_by_day_and_an_hour_at_night(hour: int, minutes: int) -> None:
    at = datetime(2026, 3, 10, hour, 0, tzinfo=UTC)
    rule = load_protocol("sfa-follow-up").queue
    assert queue_deadline(at, rule, "America/Los_Angeles") - at == timedelta(minutes=minutes)


def test_a_2_is_the_first_unless_somebody_says_otherwise() -> None:
    found = triage(read("2", KNOWN, ()), known=True)
    assert (found.level, found.reason) == (EscalationLevel.ROUTINE, Reason.CALL_LATER)
