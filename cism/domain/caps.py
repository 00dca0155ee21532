"""The breaker that no plan passes: how many texts one phone may get, whatever asked for them (ADR 0014).

Counted over all incidents together from what was really handed to the provider. No plan of ours comes near
these numbers; whatever does is a fault, in a plan, in us, or in a machine that answers us.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from notifications.messages import MessageKind, Purpose


@dataclass(frozen=True, slots=True)
class Cap:
    """At most so many texts to one phone."""

    an_hour: int
    a_day: int


_CAPS: Final = {
    # the end of the EMERGENCY ladder asks everybody each five minutes: twelve an hour, five people in need
    Purpose.URGENT: Cap(60, 300),
    # what somebody writes brings one answer or two; nobody writes forty texts an hour
    Purpose.ANSWER: Cap(60, 200),
    # a coordinator on the worst day: one item of the queue a minute
    Purpose.TEAM: Cap(120, 600),
    # a check-in, its reminder, invitations to two meetings, the question for the number; tries included
    Purpose.CARE: Cap(6, 12),
}
CAPS: Final[Mapping[Purpose, Cap]] = MappingProxyType(_CAPS)

REPLIES_AN_HOUR: Final = (
    30  # past so many texts in an hour a phone is talking to a phone, and it would never end
)
_RUNAWAY_FROM: Final = 30  # texts in a minute; below that a doubled plan is caught phone by phone
_RUNAWAY_TIMES: Final = 2  # so many times what was planned is far more
_PLANNED_A_PERSON: Final = 3  # a check-in and two invitations may open in the same minute, and no more


@dataclass(frozen=True, slots=True)
class Handed:
    """What one phone got of one purpose: in the last hour, the last day; and how often "call me now" was
    answered in the last hour.
    """

    in_hour: int = 0
    in_day: int = 0
    calls_promised: int = 0


def is_held(purpose: Purpose, kind: MessageKind, handed: Handed) -> bool:
    """Whether one more text to this phone waits. What answers a cry for help never does."""
    if kind is MessageKind.CRISIS_ANSWER or (kind is MessageKind.CALL_NOW and not handed.calls_promised):
        return False
    cap = CAPS[purpose]
    return handed.in_hour >= cap.an_hour or handed.in_day >= cap.a_day


def is_runaway(sent: int, questions: int, people: int) -> bool:
    """Whether far more care texts left in the last minute than were planned.

    A plan asks each question once in a minute, and nobody more than a few: `sent` texts, about so many
    different `questions`, to so many different `people`.
    """
    planned = min(questions, _PLANNED_A_PERSON * people)
    return sent > _RUNAWAY_FROM and sent > _RUNAWAY_TIMES * planned


def is_answered(kind: MessageKind, texts_in_hour: int, calls_asked_in_hour: int) -> bool:
    """Whether a number that sent so many texts in the last hour gets an automatic answer to this one."""
    if kind is MessageKind.CRISIS_ANSWER or (kind is MessageKind.CALL_NOW and calls_asked_in_hour <= 1):
        return True
    return texts_in_hour <= REPLIES_AN_HOUR
