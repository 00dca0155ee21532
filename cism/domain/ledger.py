"""Nobody is forgotten: what happens next for each affected person, by whom and when, or why nothing does.

A step *concerns* somebody in an incident where it is their own (a check-in, a peer's call), where it is of
the whole incident and still about them (a team is being found, the end of their exposure is asked for), or
where it stands behind something that is about them: a meeting they are invited to, a call that a peer has not
reported, an escalation, an item of the human queue. Of all that are planned the earliest is *the* next step.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Final

from cism.domain.plan import StepKind

LATE: Final = timedelta(minutes=5)  # design: a step that is due for longer than this is not being performed


class Source(IntEnum):
    """How a step concerns a person. Of several at one moment the first of these is the next step."""

    ESCALATION = 0  # a human is being found for them, whichever incident it came from
    QUEUE = 1  # a human is to decide or to read something about them
    CALL = 2  # a peer has been asked to call them
    OWN = 3  # it is planned for them alone
    MEETING = 4  # a meeting that they are invited to
    WHOLE = 5  # of the whole incident, and still about them


class Owner(StrEnum):
    """Who does the next step."""

    ENGINE = "engine"  # the product, at that minute
    PEER = "peer"  # who looks after this person
    HELPER = "helper"  # who took the escalation
    LADDER = "ladder"  # who stands on the next rung
    COORDINATOR = "coordinator"  # or whoever reads the queue
    LEADER = "leader"  # of the meeting, or the clinician who decides on it


class NoStep(StrEnum):
    """The recorded reason why nothing is planned for somebody in an open incident."""

    DECEASED = "deceased"  # nobody texts the dead
    DECLINED = "declined"  # they ended this incident's contacts, and may return at any time
    TAKEN_OFF = "taken_off"  # they are on its list no more
    STOPPED = "stopped"  # STOP: no text from us; they or a human may still phone
    AWAITING_KIN = "awaiting_kin"  # next of kin are not told yet
    PLAN_OVER = "plan_over"  # every point of the plan has been; the incident closes at its time


@dataclass(frozen=True, slots=True, kw_only=True)
class NextStep:
    """A planned step that concerns somebody: what, when (UTC) and whose it is.

    `owner_id` is None where the owner is no one person (yet).
    """

    step_id: str
    kind: StepKind
    at: datetime
    source: Source
    owner: Owner
    owner_id: str | None = None

    def overdue(self, now: datetime) -> bool:
        """Whether its time has passed and nothing performed it."""
        return self.at < now - LATE


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is recorded about somebody for whom nothing is planned.

    `declined` and `ended` are of this incident; `waits_for_kin`: a check-in is held, and the incident still
    waits; `left_undone`: a point of their plan has no row, or one is held for a reason that is over;
    `closes`: the end of the incident is planned.
    """

    deceased: bool = False
    ended: bool = False
    declined: bool = False
    stopped: bool = False
    waits_for_kin: bool = False
    left_undone: bool = False
    closes: bool = True


def earliest(steps: Iterable[NextStep]) -> NextStep | None:
    """The one next step of all that concern a person: by time, then by source, then by id (no two tie)."""
    return min(steps, key=lambda step: (step.at, step.source, step.step_id), default=None)


def why_none(standing: Standing) -> NoStep | None:
    """The recorded reason, the gravest first; None: somebody was forgotten."""
    if standing.deceased:
        return NoStep.DECEASED
    if standing.ended:
        return NoStep.DECLINED if standing.declined else NoStep.TAKEN_OFF
    if standing.stopped:
        return NoStep.STOPPED
    if standing.waits_for_kin:
        return NoStep.AWAITING_KIN
    return NoStep.PLAN_OVER if standing.closes and not standing.left_undone else None


def owner_of(kind: StepKind, source: Source, *, somebody: bool) -> Owner:
    """Whose a step is. `somebody`: a person is named for it, such as the peer who is to call."""
    if kind in _PEERS:
        return Owner.PEER if somebody else Owner.COORDINATOR
    if kind is StepKind.ESCALATION_OVERDUE:
        return Owner.HELPER
    return _BY_KIND.get(kind, _BY_SOURCE[source])


_PEERS: Final = frozenset(
    {StepKind.PEER_TASK, StepKind.PEER_TASK_DEADLINE, StepKind.OFFER, StepKind.OFFER_DEADLINE}
)  # else those in charge do it
_BY_KIND: Final[Mapping[StepKind, Owner]] = MappingProxyType(
    {StepKind.ASK_EXPOSURE_END: Owner.COORDINATOR, StepKind.INVITE: Owner.ENGINE}
)
_BY_SOURCE: Final[Mapping[Source, Owner]] = MappingProxyType(
    {
        Source.ESCALATION: Owner.LADDER,
        Source.QUEUE: Owner.COORDINATOR,
        Source.CALL: Owner.PEER,
        Source.OWN: Owner.ENGINE,
        Source.MEETING: Owner.LEADER,
        Source.WHOLE: Owner.ENGINE,
    }
)
