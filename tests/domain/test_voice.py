"""When a page is also a call, and what a pressed key means."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cism.domain.escalation_level import EscalationLevel
from cism.domain.incident import Severity
from cism.domain.questions import ALLOWED_DIGITS, QuestionKind
from cism.domain.voice import (
    KEYS,
    CallReason,
    KeyAct,
    Look,
    Menu,
    decide_call,
    decide_key,
    first_look,
    is_called,
    next_look,
)

ASKED = datetime(2026, 3, 3, 2, 40, tzinfo=UTC)
TWO = timedelta(minutes=2)
spans = st.timedeltas(timedelta(seconds=1), timedelta(hours=8))


def test_a_page_is_looked_after_two_minutes_and_again_when_its_time_is_over() -> None:
    deadline = ASKED + timedelta(minutes=10)
    assert first_look(ASKED, deadline) == Look(ASKED + TWO, CallReason.UNDELIVERED)
    assert next_look(CallReason.UNDELIVERED, deadline) == Look(deadline, CallReason.UNANSWERED)


@pytest.mark.parametrize("reason", [CallReason.UNANSWERED, CallReason.TARGET_PASSED])
def test_after_the_deadline_a_page_is_not_looked_after_again(reason: CallReason) -> None:
    assert next_look(reason, ASKED) is None


def test_whoever_is_asked_when_the_person_should_have_been_called_already_is_called_at_once() -> None:
    at_once = Look(ASKED, CallReason.TARGET_PASSED)
    assert first_look(ASKED, ASKED + timedelta(minutes=5), ASKED) == at_once
    before = first_look(ASKED, ASKED + timedelta(minutes=5), ASKED + timedelta(seconds=1))
    assert before.reason is CallReason.UNDELIVERED


def test_a_page_to_be_answered_within_two_minutes_is_called_once_when_they_are_over() -> None:
    assert first_look(ASKED, ASKED + TWO) == Look(ASKED + TWO, CallReason.UNANSWERED)


@given(answer_within=spans, target=st.none() | spans)
def test_no_look_is_before_the_page_or_after_the_time_to_answer_it(
    answer_within: timedelta, target: timedelta | None
) -> None:
    deadline = ASKED + answer_within
    look: Look | None = first_look(ASKED, deadline, None if target is None else ASKED + target)
    seen = []
    while look is not None:
        seen.append(look)
        assert ASKED <= look.at <= deadline
        look = next_look(look.reason, deadline)
    assert len(seen) <= 2
    assert len({one.reason for one in seen}) == len(seen)


def test_a_text_that_has_arrived_is_given_its_time_before_anybody_calls() -> None:
    calm = {"ringing": False, "asleep": False, "severity": Severity.S1}
    assert not decide_call(CallReason.UNDELIVERED, arrived=True, **calm)  # type: ignore[arg-type]
    assert decide_call(CallReason.UNDELIVERED, arrived=False, **calm)  # type: ignore[arg-type]
    assert decide_call(CallReason.UNANSWERED, arrived=True, **calm)  # type: ignore[arg-type]
    assert decide_call(CallReason.TARGET_PASSED, arrived=True, **calm)  # type: ignore[arg-type]


@pytest.mark.parametrize("reason", CallReason)
def test_nobody_is_called_while_their_phone_is_ringing_about_the_same(reason: CallReason) -> None:
    assert not decide_call(reason, arrived=False, ringing=True, asleep=False, severity=Severity.S4)


@pytest.mark.parametrize("severity", Severity)
def test_a_lesser_matter_wakes_nobody(severity: Severity) -> None:
    called = decide_call(CallReason.UNANSWERED, arrived=False, ringing=False, asleep=True, severity=severity)
    assert called is (severity in {Severity.S3, Severity.S4})


def test_a_routine_request_is_never_a_call() -> None:
    assert [level for level in EscalationLevel if is_called(level)] == [
        EscalationLevel.URGENT,
        EscalationLevel.EMERGENCY,
    ]


@pytest.mark.parametrize(
    ("menu", "key", "spoken", "act"),
    [
        (Menu.ASKED, "1", 1, KeyAct.ANSWER),
        (Menu.ASKED, "0", 2, KeyAct.ANSWER),
        (Menu.ASKED, "9", 1, KeyAct.AGAIN),
        (Menu.ASKED, "9", 2, KeyAct.GOODBYE),
        (Menu.ASKED, "4", 1, KeyAct.AGAIN),
        (Menu.ASKED, "", 1, KeyAct.AGAIN),
        (Menu.ASKED, "10", 1, KeyAct.AGAIN),
        (Menu.ASKED, None, 1, KeyAct.AGAIN),
        (Menu.ASKED, None, 2, KeyAct.GOODBYE),
        (Menu.YOURS, "9", 1, KeyAct.ANSWER),
        (Menu.YOURS, "1", 1, KeyAct.AGAIN),
        (Menu.YOURS, None, 2, KeyAct.GOODBYE),
        (Menu.OVER, "1", 1, KeyAct.COVERED),
        (Menu.OVER, None, 1, KeyAct.COVERED),
    ],
)
def test_a_key_is_an_answer_only_where_the_menu_offers_it(
    menu: Menu, key: str | None, spoken: int, act: KeyAct
) -> None:
    assert decide_key(menu, key, spoken) is act


@given(menu=st.sampled_from(Menu), key=st.none() | st.text(max_size=3), spoken=st.integers(1, 9))
def test_only_a_key_of_the_contract_acknowledges(menu: Menu, key: str | None, spoken: int) -> None:
    acted = decide_key(menu, key, spoken) is KeyAct.ANSWER
    assert acted is (key in KEYS[menu])


def test_every_key_means_what_the_same_digit_means_in_a_text() -> None:
    for kind in (QuestionKind.PAGE, QuestionKind.ESCALATION, QuestionKind.WELFARE):
        assert KEYS[Menu.ASKED] <= ALLOWED_DIGITS[kind]
    for kind in (QuestionKind.ASSIGNMENT, QuestionKind.ESCALATION, QuestionKind.WELFARE):
        assert KEYS[Menu.YOURS] <= ALLOWED_DIGITS[kind]
