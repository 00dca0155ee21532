"""What is promised for each class of text (ADR 0014): how long its fate may be unclear, what follows when it
stays so or does not arrive, and when it may be tried again.

A second try is a message of its own, made only after the provider said in a final status that the one before
did not arrive: so it never doubles. The waits are of product time, from that status on, and end in the
person's open hours; what the codes mean: twilio.com/docs/api/errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from notifications.messages import MessageKind, is_care, is_direct_answer, is_urgent

CARRIER_SILENT: Final = 30410  # the carrier never answered the provider: perhaps it arrived
FILTERED: Final = 30007  # the carrier took the words for spam: the same text never again, and an alarm
_QUEUE_FULL, _OFF, _NO_REASON, _TOO_LATE_THERE = 30001, 30003, 30008, 30036

URGENT_SETTLES: Final = timedelta(seconds=30)  # real time; as long as a helper may be waited for in vain
# Callbacks and lists lag by a minute or two; a human is to know within 120 s. Unclear sends are looked at
# every five seconds, and a list that never comes takes the gateway's ten.
OTHERS_SETTLE: Final = timedelta(seconds=105)


class Carried(StrEnum):
    """The classes of text that something different is promised for."""

    PAGE = "page"  # asks a helper to serve in an incident; also the next helper, marked as a repeat
    ESCALATION = "escalation"  # somebody needs a human: asks who takes it
    NOTICE = "notice"  # tells somebody on duty what they must know now
    TELLING = "telling"  # tells of what has a deadline and a ladder of its own
    ANSWER = "answer"  # answers what somebody just wrote, confirmations included
    SIGN_IN = "sign_in"  # a code to sign in with: whoever lacks it asks for another
    TEAM = "team"  # team logistics
    CARE = "care"  # to a person about themselves: check-in, invitation, opt-in, the question for their number


class Follow(StrEnum):
    """What follows when a text did not arrive, or nobody can say whether it did."""

    NEXT_HELPER = "next_helper"  # the next candidate or rung is asked at once
    IN_CHARGE = "in_charge"  # the coordinators and the duty phone are told
    SAME_BY_VOICE = "same_by_voice"  # the same person is called
    NEXT_READER = "next_reader"  # another reader of the human queue is told, each once
    PHONE_TROUBLE = "phone_trouble"  # one item of the human queue, however many texts are lost
    UNSETTLED = "unsettled"  # an item of the human queue: nobody can say whether this text arrived
    PEER_CALLS = "peer_calls"  # an item of the human queue: a peer calls instead


Waits = Mapping[int, tuple[timedelta, ...]]


@dataclass(frozen=True, slots=True)
class Guarantee:
    """What is promised for one class; `again`: the waits before another try, by the provider's code."""

    settles_within: timedelta
    unsettled: tuple[Follow, ...]
    not_arrived: tuple[Follow, ...]
    again: Waits = field(default_factory=dict)


def _minutes(*waits: float) -> tuple[timedelta, ...]:
    return tuple(timedelta(minutes=one) for one in waits)


# A handset that is off is on again when a shift or a drive is over; a queue that is full needs slower, not
# sooner; no reason given is worth one more try. A check-in may take its day, an answer is stale in minutes.
_IN_A_DAY: Final[Waits] = MappingProxyType(
    {
        _OFF: _minutes(30, 120, 240),
        _QUEUE_FULL: _minutes(15, 60),
        _NO_REASON: _minutes(30),
        _TOO_LATE_THERE: _minutes(60),
    }
)
_IN_AN_HOUR: Final[Waits] = MappingProxyType(
    {_OFF: _minutes(5, 20), _QUEUE_FULL: _minutes(5, 20), _NO_REASON: _minutes(5)}
)
_SOON: Final[Waits] = MappingProxyType({_OFF: _minutes(1), _QUEUE_FULL: _minutes(2), _NO_REASON: _minutes(1)})

_GUARANTEES: Final[dict[Carried, Guarantee]] = {
    # nothing waits for a phone that did not take a page: the next helper is asked, this one not again
    Carried.PAGE: Guarantee(URGENT_SETTLES, (Follow.IN_CHARGE, Follow.NEXT_HELPER), (Follow.NEXT_HELPER,)),
    Carried.ESCALATION: Guarantee(
        URGENT_SETTLES,
        (Follow.IN_CHARGE, Follow.NEXT_HELPER, Follow.SAME_BY_VOICE),
        (Follow.NEXT_HELPER,),
    ),
    Carried.NOTICE: Guarantee(
        URGENT_SETTLES, (Follow.IN_CHARGE, Follow.PHONE_TROUBLE), (Follow.PHONE_TROUBLE,), _IN_AN_HOUR
    ),
    Carried.TELLING: Guarantee(OTHERS_SETTLE, (Follow.NEXT_READER,), (Follow.NEXT_READER,)),
    Carried.ANSWER: Guarantee(OTHERS_SETTLE, (Follow.UNSETTLED,), (Follow.PHONE_TROUBLE,), _SOON),
    Carried.SIGN_IN: Guarantee(OTHERS_SETTLE, (Follow.UNSETTLED,), (Follow.PHONE_TROUBLE,)),
    Carried.TEAM: Guarantee(OTHERS_SETTLE, (Follow.UNSETTLED,), (Follow.PHONE_TROUBLE,), _IN_AN_HOUR),
    Carried.CARE: Guarantee(OTHERS_SETTLE, (Follow.UNSETTLED,), (Follow.PEER_CALLS,), _IN_A_DAY),
}
GUARANTEES: Final[Mapping[Carried, Guarantee]] = MappingProxyType(_GUARANTEES)

_OF_A_KIND: Final = {
    MessageKind.PAGE: Carried.PAGE,
    **dict.fromkeys(
        (MessageKind.ESCALATION, MessageKind.WELFARE, MessageKind.QUEUE_OVERDUE), Carried.ESCALATION
    ),
    # Were each of these that is lost told of in turn, a provider's bad hour would end in thousands.
    **dict.fromkeys(
        (MessageKind.QUEUE_NEW, MessageKind.UNSETTLED_SEND, MessageKind.ATTESTATION), Carried.TELLING
    ),
    **dict.fromkeys((MessageKind.LINK_CODE, MessageKind.PASSKEY_ADDED), Carried.SIGN_IN),
}


def class_of(kind: MessageKind) -> Carried:
    """The class that a kind of message belongs to."""
    if kind in _OF_A_KIND:
        return _OF_A_KIND[kind]
    if is_urgent(kind):
        return Carried.NOTICE
    if is_direct_answer(kind):
        return Carried.ANSWER
    return Carried.CARE if is_care(kind) else Carried.TEAM


def guarantee_of(kind: MessageKind) -> Guarantee:
    """What is promised for a kind of message."""
    return GUARANTEES[class_of(kind)]


def wait_before_next(kind: MessageKind, code: int | None, tried: int) -> timedelta | None:
    """How long to wait before a text that did not arrive is tried again, after `tried` tries (1 or more).

    None: not again by text. A code that is new or missing is not tried again: a person looks.
    """
    waits = guarantee_of(kind).again.get(code or 0, ())
    return waits[tried - 1] if tried <= len(waits) else None
