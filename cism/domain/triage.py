"""How soon a human must be there after a reply. Raises, never lowers; silence and thanks raise nothing.

A text may both open an escalation and wait to be read: the calling does not wait for the reading.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from cism.domain.escalation_level import EscalationLevel, most_pressing
from cism.domain.people import SleepWindow
from cism.domain.protocol_model import QueueRule
from cism.domain.quiet_hours import is_open
from cism.domain.reading import Reading, ReadingKind

# Day and night of those who read the queue: the floor of quiet hours, whatever their own sleep.
_DUTY: Final = SleepWindow()


class Reason(StrEnum):
    """Why an escalation is opened; a code, never a word of the text."""

    CALL_LATER = "call_later"  # they asked for a call in the next days
    CALL_LATER_AGAIN = "call_later_again"  # they asked for it twice running
    CALL_NOW = "call_now"  # they asked for a call now
    CRISIS_WORDS = "crisis_words"  # words of the lexicon, whatever else was said
    WORRY = "worry"  # a helper is worried about them


class About(StrEnum):
    """Whom the call is for."""

    SENDER = "sender"  # whoever wrote
    SUBJECT = "subject"  # the person of the question that was answered


@dataclass(frozen=True, slots=True, kw_only=True)
class Triage:
    """What one reply sets going.

    `level` None opens no escalation. `queue`: a human reads the words. `page_now`: that human is paged at
    once on the URGENT ladder, instead of when the text has lain unread too long.
    """

    level: EscalationLevel | None = None
    reason: Reason | None = None
    about: About = About.SENDER
    queue: bool = False
    page_now: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LastAnswer:
    """The sender's previous answer about themselves: the digit, when, and the check-in it was for, if any."""

    digit: str
    at: datetime
    question_id: str | None = None


_REASONS: Final = {
    ReadingKind.CRISIS: Reason.CRISIS_WORDS,
    ReadingKind.CARE_LATER: Reason.CALL_LATER,
    ReadingKind.CARE_NOW: Reason.CALL_NOW,
    ReadingKind.OPT_OUT: Reason.CALL_NOW,  # no more texts, but a call: "3" with the wish to be left alone
    ReadingKind.WORRY: Reason.WORRY,
}


def triage(reading: Reading, *, known: bool, second_two: bool = False) -> Triage:
    """What a reply sets going; `known`: the sender is on a roster; `second_two`: see `is_second_two`.

    Two 2's running escalate (a design): URGENT, because nobody was there after the first. Crisis words of
    an unknown sender go to the duty clinician at once, whatever their level: peers do not know who it is.
    HELP of somebody we know may be a cry for help: the queue's human is paged at once.
    """
    reason = _REASONS.get(reading.kind)
    if reason is None or reading.level is None:
        paged = known and reading.kind is ReadingKind.CARRIER_HELP
        return Triage(queue=reading.to_human, page_now=paged)
    level = EscalationLevel(reading.level.value)
    if reason is Reason.CRISIS_WORDS and not known:
        level = EscalationLevel.EMERGENCY
    if reason is Reason.CALL_LATER and second_two:
        level, reason = most_pressing((level, EscalationLevel.URGENT)), Reason.CALL_LATER_AGAIN
    about = About.SUBJECT if reason is Reason.WORRY else About.SENDER
    return Triage(level=level, reason=reason, about=about, queue=reading.to_human)


def is_second_two(reading: Reading, last: LastAnswer | None, at: datetime, doubled_within: timedelta) -> bool:
    """Whether this 2 (sent at `at`) is the second running, and not one thumb that pressed twice.

    It is the second when it answers another check-in than the first, or comes later than `doubled_within`
    (the protocol's ROUTINE `ack`) after it.
    """
    if reading.kind is not ReadingKind.CARE_LATER or last is None or last.digit != "2":
        return False
    another = reading.question_id is not None and reading.question_id != last.question_id
    return another or at - last.at > doubled_within


def queue_deadline(received_at: datetime, rule: QueueRule, zone: str) -> datetime:
    """When a text that nobody has read goes up the URGENT ladder (UTC); `zone` is that of the readers."""
    return received_at + (rule.day if is_open(received_at, zone, _DUTY) else rule.night)
