"""What the conductor asks for: one run of one flow, named by a random batch id and nothing else."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from cism.domain.plan import KINDS_OF, URGENT, FlowName, StepKind
from cism.services.engine import DueNow


class Lane(StrEnum):
    """Every flow, by the name it has in Prefect's pages."""

    RESPOND = "respond"
    ACTIVATE_TEAM = "activate-team"
    SCHEDULE_SESSIONS = "schedule-sessions"
    SEND_FOLLOW_UPS = "send-follow-ups"
    ROUTE_ESCALATIONS = "route-escalations"
    NIGHTLY = "nightly"
    DELIVER = "deliver"
    PERFORM_DUE = "perform-due"


STEPS_OF: Mapping[Lane, tuple[StepKind, ...]] = {
    **{Lane(flow.value): kinds for flow, kinds in KINDS_OF.items()},
    Lane.RESPOND: (StepKind.ACTIVATE, StepKind.PLAN_RESPONSE),
    Lane.PERFORM_DUE: tuple(StepKind),
}
URGENT_LANES = frozenset(
    {Lane.RESPOND} | {Lane(flow.value) for flow in FlowName if URGENT.intersection(KINDS_OF.get(flow, ()))}
)
# who may wait until incoming texts were read: a STOP may be among them
CARE_LANES = frozenset({Lane.SEND_FOLLOW_UPS})


def new_batch() -> str:
    """A random name for a run: it says nothing about anybody."""
    return secrets.token_hex(3)


@dataclass(frozen=True, slots=True)
class Order:
    """One run. `incident_id` is an opaque id and given to `respond` alone."""

    lane: Lane
    incident_id: str | None = None
    urgent: bool = False
    batch_id: str = field(default_factory=new_batch)

    @property
    def key(self) -> str:
        """Only one order with the same key is under way in one process."""
        return f"{self.lane}:{self.incident_id}" if self.incident_id else self.lane.value

    @property
    def parameters(self) -> dict[str, str]:
        """What Prefect gets to see: random ids."""
        given = {"batch_id": self.batch_id}
        return {**given, "incident_id": self.incident_id} if self.incident_id else given


def waiting(due: DueNow, lane: Lane) -> int:
    """How much of a lane's work waits; what a `respond` run will take is not counted for another lane."""
    if lane is Lane.DELIVER:
        return due.messages
    count = sum(due.kinds.get(kind, 0) for kind in STEPS_OF[lane])
    if lane is Lane.ACTIVATE_TEAM and due.fresh_incidents:
        fresh = len(due.fresh_incidents)
        taken = sum(min(fresh, due.kinds.get(kind, 0)) for kind in STEPS_OF[Lane.RESPOND])
        return count - taken
    return count
