"""Whatever the order in which receipts arrive, a message ends in the same state."""

from functools import reduce
from itertools import pairwise, permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifications.gateway import (
    InboundSms,
    MessageStatus,
    OutgoingSms,
    SendError,
    SendFailure,
    furthest,
    is_contradiction,
)

STATUSES = st.sampled_from(list(MessageStatus))


@settings(max_examples=400)
@given(st.lists(STATUSES, min_size=1, max_size=8), st.randoms())
def test_the_same_callbacks_in_any_order_and_number_end_in_the_same_state(
    told: list[MessageStatus], dice
) -> None:
    shuffled = told * 2
    dice.shuffle(shuffled)
    assert reduce(furthest, shuffled) is reduce(furthest, told)


def test_all_permutations_of_a_contradictory_set_end_in_one_state() -> None:
    told = [
        MessageStatus(word) for word in ("queued", "sending", "sent", "delivered", "undelivered", "failed")
    ]
    assert {reduce(furthest, order) for order in permutations(told)} == {MessageStatus.UNDELIVERED}


@settings(max_examples=300)
@given(STATUSES, st.lists(STATUSES, max_size=8))
def test_a_terminal_status_is_never_left_for_one_that_is_not(
    start: MessageStatus, told: list[MessageStatus]
) -> None:
    way = [start]
    for status in told:
        way.append(furthest(way[-1], status))
    assert all(after.is_terminal for before, after in pairwise(way) if before.is_terminal)


@pytest.mark.parametrize(
    ("known", "told", "kept"),
    [
        ("delivered", "sent", "delivered"),
        ("failed", "sent", "failed"),
        ("sent", "queued", "sent"),
        ("queued", "sending", "sending"),
        ("accepted", "queued", "queued"),
        ("scheduled", "canceled", "canceled"),
        ("delivered", "read", "read"),
        ("received", "sent", "received"),
        ("delivered", "undelivered", "undelivered"),
    ],
)
def test_a_status_moves_only_forward(known: str, told: str, kept: str) -> None:
    assert furthest(MessageStatus(known), MessageStatus(told)) is MessageStatus(kept)


def test_sent_is_not_terminal_although_some_carriers_say_no_more() -> None:
    assert not MessageStatus.SENT.is_terminal
    assert {status for status in MessageStatus if status.is_terminal} == {
        MessageStatus(word)
        for word in (
            "delivered",
            "undelivered",
            "failed",
            "canceled",
            "read",
            "partially_delivered",
            "received",
        )
    }


def test_two_terminal_statuses_that_exclude_each_other_ask_for_a_fetch() -> None:
    assert is_contradiction(MessageStatus.DELIVERED, MessageStatus.UNDELIVERED)
    assert not is_contradiction(MessageStatus.DELIVERED, MessageStatus.READ)
    assert not is_contradiction(MessageStatus.SENT, MessageStatus.FAILED)
    assert not is_contradiction(MessageStatus.FAILED, MessageStatus.FAILED)


def test_numbers_and_texts_never_show_in_a_repr() -> None:
    outgoing = OutgoingSms(
        message_id="m1", to="+12125550123", body="secret", urgent=False, validity_seconds=60
    )
    inbound = InboundSms(sid="SM1", from_="+12125550123", to="+12125550100", body="secret")
    assert "5550" not in repr(outgoing) + repr(inbound)
    assert "secret" not in repr(outgoing) + repr(inbound)


def test_an_error_tells_the_kind_and_the_code_and_nothing_else() -> None:
    error = SendError(SendFailure.OPTED_OUT, 21610)
    assert str(error) == "not sent: opted_out (provider code 21610)"
    assert str(SendError(SendFailure.UNKNOWN)) == "not sent: unknown"
