"""One text's life as a table, and what is promised for its class."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cism.domain.back_off import wait_for_attempt
from cism.domain.delivery import HANDED, MOVES, TERMINAL, Happening, OutboxState, after
from cism.domain.guarantee import (
    GUARANTEES,
    OTHERS_SETTLE,
    URGENT_SETTLES,
    Carried,
    Follow,
    class_of,
    guarantee_of,
    wait_before_next,
)
from notifications.messages import MessageKind

SENDS = Happening.CLAIMED
HAPPENINGS = st.sampled_from(list(Happening))
CHANCE = st.floats(0, 1, exclude_max=True)


@given(st.lists(HAPPENINGS, max_size=40))
def test_a_text_is_claimed_again_only_after_it_was_surely_not_taken(happenings: list[Happening]) -> None:
    state, perhaps_sent = OutboxState.PENDING, False
    for happening in happenings:
        following = after(state, happening)
        if following is OutboxState.SENDING and state is not OutboxState.SENDING:
            assert not perhaps_sent
        if following in HANDED:
            perhaps_sent = True
        if following is OutboxState.PENDING:
            perhaps_sent = False
            assert happening is Happening.NOT_TAKEN or state is OutboxState.PENDING
        state = following


@given(st.lists(HAPPENINGS, max_size=40))
def test_what_has_ended_stays_ended_but_for_worse_news_of_the_same_text(happenings: list[Happening]) -> None:
    state = OutboxState.PENDING
    for happening in happenings:
        following = after(state, happening)
        if state in TERMINAL:
            worse = (state, following) == (OutboxState.DELIVERED, OutboxState.UNDELIVERED)
            assert following is state or worse
        state = following


def test_nothing_that_is_unclear_is_ever_simply_sent_again() -> None:
    from_unclear = {to for (state, _), to in MOVES.items() if state is OutboxState.UNSETTLED}
    assert from_unclear == {OutboxState.SENT, OutboxState.DELIVERED, OutboxState.UNDELIVERED}
    assert after(OutboxState.UNKNOWN, SENDS) is OutboxState.UNKNOWN


@pytest.mark.parametrize("kind", MessageKind)
def test_every_kind_of_text_has_somebody_who_acts_when_it_is_lost(kind: MessageKind) -> None:
    promised = guarantee_of(kind)
    assert promised.unsettled
    assert promised.not_arrived
    assert promised.settles_within in {URGENT_SETTLES, OTHERS_SETTLE}


def test_a_page_and_an_escalation_wait_for_no_phone_and_an_escalation_rings_too() -> None:
    for carried in (Carried.PAGE, Carried.ESCALATION):
        promised = GUARANTEES[carried]
        assert not promised.again
        assert {Follow.IN_CHARGE, Follow.NEXT_HELPER} <= set(promised.unsettled)
    assert Follow.SAME_BY_VOICE in GUARANTEES[Carried.ESCALATION].unsettled


@pytest.mark.parametrize(
    ("kind", "carried"),
    [
        (MessageKind.PAGE, Carried.PAGE),
        (MessageKind.WELFARE, Carried.ESCALATION),
        (MessageKind.ASSIGNED, Carried.NOTICE),
        (MessageKind.QUEUE_NEW, Carried.TELLING),
        (MessageKind.CRISIS_ANSWER, Carried.ANSWER),
        (MessageKind.LINK_CODE, Carried.SIGN_IN),
        (MessageKind.PASSKEY_ADDED, Carried.SIGN_IN),
        (MessageKind.PEER_TASK, Carried.TEAM),
        (MessageKind.INVITATION, Carried.CARE),
    ],
)
def test_a_kind_belongs_to_its_class(kind: MessageKind, carried: Carried) -> None:
    assert class_of(kind) is carried


def test_the_tries_of_a_check_in_are_spaced_and_end() -> None:
    waits = [wait_before_next(MessageKind.CHECK_IN, 30003, tried) for tried in (1, 2, 3, 4)]
    assert waits == [timedelta(minutes=30), timedelta(hours=2), timedelta(hours=4), None]
    assert wait_before_next(MessageKind.CHECK_IN, None, 1) is None
    assert wait_before_next(MessageKind.PAGE, 30003, 1) is None


@given(st.integers(1, 50), CHANCE, st.booleans())
def test_a_back_off_grows_is_spread_and_is_short_for_a_page(
    attempts: int, chance: float, urgent: bool
) -> None:
    wait = wait_for_attempt(attempts, urgent=urgent, retry_after=None, chance=chance)
    assert 1.5 <= wait <= (15 if urgent else 180)
    assert wait <= wait_for_attempt(attempts, urgent=urgent, retry_after=None, chance=0.0)


@given(st.floats(0, 600), CHANCE)
def test_a_provider_that_says_how_long_is_never_asked_sooner(seconds: float, chance: float) -> None:
    wait = wait_for_attempt(3, urgent=True, retry_after=seconds, chance=chance)
    assert seconds <= wait <= seconds * 1.1


def test_what_happens_to_a_text_moves_it_and_what_comes_late_does_not() -> None:
    assert after(OutboxState.PENDING, Happening.CLAIMED) is OutboxState.SENDING
    assert after(OutboxState.SENDING, Happening.TAKEN) is OutboxState.SENT
    assert after(OutboxState.SENT, Happening.CLAIMED) is OutboxState.SENT


def test_the_waits_between_attempts_are_these() -> None:
    waits = [wait_for_attempt(n, urgent=False, retry_after=None, chance=0.0) for n in range(1, 7)]
    assert waits == [2, 5, 15, 60, 180, 180]
