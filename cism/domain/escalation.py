"""Somebody needs a human: whom to ask, until when, and when it is over.

Asking goes down the rungs of a ladder, one every `ack`; after the last rung everybody on it is asked again
every `repeat`, with an alarm, for ever. A machine never ends it: only a human closes, by an outcome. Whoever
takes it and has no outcome by the voice target gives it back to the ladder without doing anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from cism.domain.escalation_level import EscalationLevel, most_pressing
from cism.domain.people import SleepWindow
from cism.domain.protocol_model import LadderRule
from cism.domain.quiet_hours import is_open, next_open
from cism.errors import AlreadyDone, BadInput, NotAllowed

__all__ = [
    "MOVES",
    "Closing",
    "EscalationLevel",
    "EscalationState",
    "Hours",
    "Outcome",
    "OutcomeUnknown",
    "RungPlan",
    "WelfareOutcome",
    "clinicians_first",
    "decide_closing",
    "goes_back",
    "may_move",
    "most_pressing",
    "next_rung",
    "voice_deadline",
    "voice_target",
    "welfare_ladder",
]

_MINUTE: Final = timedelta(minutes=1)
WELFARE_OWNER: Final = "clinical_director"


class EscalationState(StrEnum):
    """Where an escalation stands, as the person would be told."""

    OPEN = "open"  # we are finding somebody to call you
    ACKED = "acked"  # somebody has taken it and is about to call you
    CLOSED = "closed"  # a human has recorded how the calling ended


# Taken, given back or overdue, ended. Ending without taking first is a human's report too.
MOVES: Final[Mapping[EscalationState, frozenset[EscalationState]]] = MappingProxyType(
    {
        EscalationState.OPEN: frozenset({EscalationState.ACKED, EscalationState.CLOSED}),
        EscalationState.ACKED: frozenset({EscalationState.OPEN, EscalationState.CLOSED}),
        EscalationState.CLOSED: frozenset(),
    }
)


def may_move(old: EscalationState, new: EscalationState) -> bool:
    """Whether an escalation may go from `old` to `new`."""
    return new in MOVES[old]


class Outcome(StrEnum):
    """How the calling ended."""

    REACHED = "reached"  # a human has spoken with the person
    DECLINED = "declined"  # a human has spoken with the person, who wants nothing now
    NOT_REACHED = "not_reached"  # the calling is over, the case is not: welfare goes on


class WelfareOutcome(StrEnum):
    """How a search for somebody who could not be reached ended; there is no other end."""

    REACHED = "reached"  # a human has spoken with the person
    MET_IN_PERSON = "met_in_person"  # a human has been with the person
    HANDED_TO_EMERGENCY_SERVICES = "handed_to_emergency_services"  # a named human asked them to go there


class OutcomeUnknown(BadInput):
    """An escalation does not end like this."""

    problem = "outcome-unknown"


@dataclass(frozen=True, slots=True)
class Hours:
    """When a helper is awake and open: their IANA zone and own sleep window."""

    zone: str
    sleep: SleepWindow


@dataclass(frozen=True, slots=True, kw_only=True)
class RungPlan:
    """Whom to ask now. `role` is the rung's own; `roles` are all to be asked, more than one when repeating.

    A role that comes twice on a ladder means the next person of that role. `rung` counts on while the ladder
    repeats, so that it names each asking once. At `ack_deadline` (UTC) without an answer, rung + 1 is asked.
    """

    role: str
    roles: tuple[str, ...]
    rung: int
    ask_at: datetime
    ack_deadline: datetime
    repeat: bool = False
    alarm: bool = False


def next_rung(rule: LadderRule, rung: int, now: datetime, hours: Hours | None = None) -> RungPlan:
    """The asking number `rung` (from 0) of an escalation, made at `now` (aware).

    It never ends: past the last rung every role of the ladder is asked at once and the alarm sounds. `hours`
    are those of the helper to be asked and count only on a ladder that keeps waking hours (ROUTINE); without
    them the hours simply elapse, which is never later. Raises ValueError for a negative rung.
    """
    if rung < 0:
        message = f"rungs count from 0, not {rung}"
        raise ValueError(message)
    kept = hours if rule.waking else None
    ask_at = next_open(now, kept.zone, kept.sleep) if kept else now
    if rung < len(rule.rungs):
        role, deadline = rule.rungs[rung], _after(ask_at, rule.ack, kept)
        return RungPlan(role=role, roles=(role,), rung=rung, ask_at=ask_at, ack_deadline=deadline)
    return RungPlan(
        role=rule.rungs[-1],
        roles=tuple(dict.fromkeys(rule.rungs)),
        rung=rung,
        ask_at=ask_at,
        ack_deadline=_after(ask_at, rule.repeat, kept),
        repeat=True,
        alarm=True,
    )


def voice_target(rule: LadderRule, opened_at: datetime) -> datetime:
    """By when the person is told that a human calls, and does."""
    return opened_at + rule.voice


def voice_deadline(
    rule: LadderRule, opened_at: datetime, acked_at: datetime, hours: Hours | None = None
) -> datetime:
    """When an escalation that was taken at `acked_at` goes back to the ladder, unless a human has closed it.

    That is the voice target. Whoever took it late has the time that the protocol leaves between taking and
    calling, so that a late helper is not relieved in the very minute of helping.
    """
    due = max(voice_target(rule, opened_at), acked_at + (rule.voice - rule.ack))
    return next_open(due, hours.zone, hours.sleep) if hours and rule.waking else due


def goes_back(state: EscalationState, voice_by: datetime, now: datetime) -> bool:
    """Whether the ladder goes on because whoever took it has recorded no outcome in time."""
    return state is EscalationState.ACKED and now >= voice_by


def welfare_ladder(emergency: LadderRule) -> LadderRule:
    """The EMERGENCY ladder as the clinical director's own: they are asked first, then the others."""
    others = tuple(role for role in emergency.rungs if role != WELFARE_OWNER)
    return emergency.model_copy(update={"rungs": (WELFARE_OWNER, *others)})


def clinicians_first(rule: LadderRule) -> LadderRule:
    """The same ladder with a clinician and the clinical director at its beginning, wherever they stood."""
    first = ("clinician", WELFARE_OWNER)
    others = tuple(role for role in rule.rungs if role not in first)
    return rule.model_copy(update={"rungs": (*first, *others)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """What a human's outcome does. With `opens_welfare` a welfare case is opened in the same transaction."""

    outcome: Outcome | WelfareOutcome
    closed_by: str
    opens_welfare: bool = False


def decide_closing(
    state: EscalationState, outcome: str, closed_by: str | None, *, welfare: bool = False
) -> Closing:
    """How an escalation (or a `welfare` case) ends by the `outcome` that the human `closed_by` reports.

    Raises NotAllowed without a human, OutcomeUnknown (a welfare case knows no declined and no not reached),
    AlreadyDone when it is closed.
    """
    if not closed_by:
        message = "Only a human closes an escalation; say who spoke with the person."
        raise NotAllowed(message)
    kinds: type[Outcome] | type[WelfareOutcome] = WelfareOutcome if welfare else Outcome
    known = [kind.value for kind in kinds]
    if outcome not in known:
        case = "a welfare case" if welfare else "an escalation"
        message = f"{outcome!r} does not end {case}; use one of: {', '.join(known)}"
        raise OutcomeUnknown(message)
    if not may_move(state, EscalationState.CLOSED):
        raise AlreadyDone
    found = kinds(outcome)
    return Closing(outcome=found, closed_by=closed_by, opens_welfare=found is Outcome.NOT_REACHED)


def _after(start: datetime, span: timedelta, hours: Hours | None) -> datetime:
    """`span` later: simply, or counting only the minutes that are open to the helper."""
    if hours is None:
        return start + span
    at, left = start, span
    while left > timedelta(0):
        at = next_open(at, hours.zone, hours.sleep)
        while left > timedelta(0) and is_open(at, hours.zone, hours.sleep):
            step = min(_MINUTE, left)
            at, left = at + step, left - step
    return at
