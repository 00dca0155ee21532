"""Decides what to begin next, from one look at what is due. Pure: no clock, no Prefect, no database."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from cism.services.engine import DueNow
from flows.limits import Limits
from flows.order import CARE_LANES, URGENT_LANES, Lane, Order, waiting

_STEP_LANES = (
    Lane.ROUTE_ESCALATIONS,
    Lane.ACTIVATE_TEAM,
    Lane.SCHEDULE_SESSIONS,
    Lane.SEND_FOLLOW_UPS,
    Lane.NIGHTLY,
)


@dataclass(slots=True)
class Waiting:
    """Since when each lane has had work without any getting less; real seconds of a monotonic clock."""

    since: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def note(self, counts: Mapping[str, int], now: float) -> None:
        """Take in one look."""
        for key in [key for key in self.counts if not counts.get(key)]:
            del self.counts[key], self.since[key]
        for key, count in counts.items():
            if not count:
                continue
            if key not in self.counts or count < self.counts[key]:
                self.since[key] = now
            self.counts[key] = count

    def span(self, key: str, now: float) -> float:
        """For how many seconds this work has not moved; 0 where there is none."""
        return now - self.since[key] if key in self.since else 0.0


def counts_of(due: DueNow) -> dict[str, int]:
    """How much waits, by the key of the order that would take it."""
    found = {lane.value: waiting(due, lane) for lane in (*_STEP_LANES, Lane.DELIVER)}
    found["urgent-messages"] = due.urgent_messages
    found.update({f"{Lane.RESPOND}:{incident}": 1 for incident in due.fresh_incidents})
    return found


def orders(
    due: DueNow, waited: Waiting, busy: Collection[str], now: float, limits: Limits, *, care_may_leave: bool
) -> list[Order]:
    """What to begin now: urgent first; one run a lane; nothing routine begins beside an urgent beginning."""
    urgent = _responses(due, busy, limits)
    routine: list[Order] = []
    for lane in _STEP_LANES:
        if lane.value in busy or not waiting(due, lane):
            continue
        if lane in URGENT_LANES:
            urgent.append(Order(lane, urgent=True))
        elif care_may_leave or lane not in CARE_LANES:
            routine.append(Order(lane))
    delivery = _delivery(due, waited, busy, now, limits, care_may_leave=care_may_leave)
    if delivery is not None:
        (urgent if delivery.urgent else routine).append(delivery)
    return urgent or routine


def _responses(due: DueNow, busy: Collection[str], limits: Limits) -> list[Order]:
    under_way = sum(1 for key in busy if key.startswith(f"{Lane.RESPOND}:"))
    wanted = [Order(Lane.RESPOND, incident, urgent=True) for incident in due.fresh_incidents]
    fresh = [order for order in wanted if order.key not in busy]
    return fresh[: max(0, limits.responses_at_once - under_way)]


def _delivery(
    due: DueNow,
    waited: Waiting,
    busy: Collection[str],
    now: float,
    limits: Limits,
    *,
    care_may_leave: bool,
) -> Order | None:
    if Lane.DELIVER.value in busy:
        return None
    if due.urgent_messages and waited.span("urgent-messages", now) >= limits.urgent_grace:
        return Order(Lane.DELIVER, urgent=True)
    if care_may_leave and due.messages and waited.span(Lane.DELIVER.value, now) >= limits.routine_grace:
        return Order(Lane.DELIVER)
    return None
