"""When a page is also a call, and what a key that somebody presses means.

A call comes beside the text and never instead of the next rung: the ladder goes on whatever a phone does.
Sources: domain.md 11.11 (by voice after two minutes undelivered), 5 (whoever is asked past the voice target
is called as well); what else is said here is design.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from cism.domain.escalation_level import EscalationLevel
from cism.domain.incident import Severity

UNDELIVERED_AFTER: Final = timedelta(minutes=2)  # domain.md 11.11
WAKES_FROM: Final = Severity.S3  # domain.md 6: inside their sleep a peer is asked for S3 and S4 only
TIMES_SPOKEN: Final = 2  # design: the menu once, and once more after a wrong key or none


class CallReason(StrEnum):
    """Why somebody is called."""

    UNDELIVERED = "undelivered"  # two minutes later nobody says that the text has arrived
    UNSETTLED = "unsettled"  # nobody can say whether the text arrived, and it is not sent twice
    UNANSWERED = "unanswered"  # the time to answer is over
    TARGET_PASSED = "target_passed"  # the person should have been called by now: text and call at once
    NOBODY_LEFT = "nobody_left"  # everybody was asked: the duty phone is called


@dataclass(frozen=True, slots=True)
class Look:
    """A moment at which to look whether somebody has to be called, and for which reason."""

    at: datetime
    reason: CallReason


class Menu(StrEnum):
    """What a helper on the phone can do now."""

    ASKED = "asked"  # take it or pass
    YOURS = "yours"  # it is theirs; they may hand it back
    TOLD = "told"  # the duty phone: say that it was heard, which takes nothing
    OVER = "over"  # nothing: others have it, or it is closed


class KeyAct(StrEnum):
    """What follows a key, or silence."""

    ANSWER = "answer"  # the key is an answer, as the same digit in a text would be
    AGAIN = "again"  # say the menu once more
    GOODBYE = "goodbye"  # nobody answered; somebody else goes on being asked
    COVERED = "covered"  # too late: already covered, thank you


# The digits of the contract, each with its one meaning. How a call ended (4, 5, 6) is told by text or page:
# a slip of the thumb must not close a case.
KEYS: Final[Mapping[Menu, frozenset[str]]] = MappingProxyType(
    {
        Menu.ASKED: frozenset("01"),
        Menu.YOURS: frozenset("9"),
        Menu.TOLD: frozenset("1"),
        Menu.OVER: frozenset(),
    }
)


def is_called(level: EscalationLevel) -> bool:
    """Whether helpers are called for this level at all; ROUTINE waits for waking hours and for texts."""
    return level is not EscalationLevel.ROUTINE


def first_look(asked_at: datetime, deadline: datetime, target: datetime | None = None) -> Look:
    """When to look first after a page of `asked_at` (aware) that is to be answered by `deadline`.

    `target`: by when somebody should have called the person; asked after that, a helper is called at once.
    """
    if target is not None and asked_at >= target:
        return Look(asked_at, CallReason.TARGET_PASSED)
    if asked_at + UNDELIVERED_AFTER < deadline:
        return Look(asked_at + UNDELIVERED_AFTER, CallReason.UNDELIVERED)
    return Look(deadline, CallReason.UNANSWERED)


def next_look(reason: CallReason, deadline: datetime) -> Look | None:
    """When to look again after a look for `reason`; None: that was the last for this page."""
    return Look(deadline, CallReason.UNANSWERED) if reason is CallReason.UNDELIVERED else None


def decide_call(
    reason: CallReason, *, arrived: bool, ringing: bool, asleep: bool, severity: Severity
) -> bool:
    """Whether to call now somebody whose page is still unanswered.

    `arrived`: the carrier says that the text is on the handset; `ringing`: a call about the same question is
    under way; `asleep`: in their own sleep window, where only `severity` S3 and S4 may ring.
    """
    if ringing or (asleep and not severity.at_least(WAKES_FROM)):
        return False
    return reason is not CallReason.UNDELIVERED or not arrived


def decide_key(menu: Menu, key: str | None, spoken: int) -> KeyAct:
    """What to do with `key` (None: silence) once the menu was spoken `spoken` times (1 or more)."""
    if menu is Menu.OVER:
        return KeyAct.COVERED
    if key is not None and key in KEYS[menu]:
        return KeyAct.ANSWER
    return KeyAct.AGAIN if spoken < TIMES_SPOKEN else KeyAct.GOODBYE
