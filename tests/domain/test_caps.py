"""The breaker's arithmetic: how many texts a phone may get, and when a plan runs away."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cism.domain.caps import CAPS, REPLIES_AN_HOUR, Handed, is_answered, is_held, is_runaway
from notifications.messages import MessageKind, Purpose


@pytest.mark.parametrize("purpose", Purpose)
def test_a_phone_is_held_from_its_cap_on_by_the_hour_or_by_the_day(purpose: Purpose) -> None:
    cap, kind = CAPS[purpose], MessageKind.CHECK_IN
    assert cap.an_hour < cap.a_day
    assert not is_held(purpose, kind, Handed(cap.an_hour - 1, cap.a_day - 1))
    assert is_held(purpose, kind, Handed(cap.an_hour, cap.an_hour))
    assert is_held(purpose, kind, Handed(0, cap.a_day))


def test_crisis_words_and_the_first_3_are_answered_whatever_a_phone_has_had() -> None:
    much = Handed(10_000, 10_000)
    assert not is_held(Purpose.ANSWER, MessageKind.CRISIS_ANSWER, much)
    assert not is_held(Purpose.ANSWER, MessageKind.CALL_NOW, much)
    assert is_held(Purpose.ANSWER, MessageKind.CALL_NOW, Handed(10_000, 10_000, calls_promised=1))
    assert is_answered(MessageKind.CRISIS_ANSWER, 10_000, 9)
    assert is_answered(MessageKind.CALL_NOW, 10_000, 1)
    assert not is_answered(MessageKind.CALL_NOW, 10_000, 2)


def test_a_number_gets_automatic_answers_up_to_its_cap() -> None:
    assert is_answered(MessageKind.READ_BY, REPLIES_AN_HOUR, 0)
    assert not is_answered(MessageKind.READ_BY, REPLIES_AN_HOUR + 1, 0)


@given(people=st.integers(0, 10_000))
def test_a_wave_in_which_everybody_is_asked_what_was_planned_never_stops(people: int) -> None:
    assert not is_runaway(people, people, people)  # a check-in each
    assert not is_runaway(3 * people, 3 * people, people)  # and two invitations each


@pytest.mark.parametrize(
    ("sent", "questions", "people", "stops"),
    [
        (31, 0, 9, True),  # texts that no question stands behind
        (30, 0, 9, False),  # too few to tell
        (200, 100, 100, False),
        (201, 100, 100, True),  # each asked twice in a minute
        (500, 500, 40, True),  # ever new questions to the same few
    ],
)
def test_far_more_than_was_planned_is_a_runaway(sent: int, questions: int, people: int, stops: bool) -> None:
    assert is_runaway(sent, questions, people) is stops
