"""Figures for Prometheus: counts, ages and states; nothing that tells of a person or an incident."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cism.domain.escalation import EscalationState
from cism.domain.escalation_level import EscalationLevel
from cism.domain.plan import RECURRING, StepState
from cism.store.db import now, real_now
from cism.store.states import OutboxState, QueueState
from cism.store.tables import Counter, Escalation, Heartbeat, Outbox, QueueItem, Step

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_LABELS: Final = {"cism_acts_total": ("orchestrated", "Steps taken and batches delivered")}


@dataclass(frozen=True, slots=True)
class Figures:
    """What the database says at one moment."""

    counters: list[tuple[str, str, int]] = field(default_factory=list)
    outbox: dict[str, int] = field(default_factory=dict)
    oldest_due_seconds: float = 0.0
    unread: int = 0
    escalations: dict[str, int] = field(default_factory=dict)
    heartbeats: dict[str, float] = field(default_factory=dict)


def read(session: Session) -> Figures:
    """Read everything in one transaction."""
    current, real = now(session), real_now(session)
    oldest = session.scalar(
        select(func.min(Step.due_at)).where(
            Step.state == StepState.PLANNED, Step.due_at <= current, Step.kind.not_in(list(RECURRING))
        )
    )
    rows = session.execute(select(Outbox.state, func.count()).group_by(Outbox.state))
    levels = session.execute(
        select(Escalation.level, func.count())
        .where(Escalation.state != EscalationState.CLOSED)
        .group_by(Escalation.level)
    )
    return Figures(
        counters=[(row.name, row.label, row.value) for row in session.scalars(select(Counter))],
        outbox={state.value: int(count) for state, count in rows},
        oldest_due_seconds=max(0.0, (current - oldest).total_seconds()) if oldest else 0.0,
        unread=int(session.scalar(select(func.count()).where(QueueItem.state == QueueState.OPEN)) or 0),
        escalations={level.value: int(count) for level, count in levels},
        heartbeats={
            row.name: (real - row.seen_real).total_seconds() for row in session.scalars(select(Heartbeat))
        },
    )


def text(found: Figures, *, forged_webhooks: int, from_here: bool) -> bytes:
    """The figures in Prometheus' text format; how many people wait for a human only `from_here`."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Read(found, forged_webhooks, from_here))
    return generate_latest(registry)


class _Read(Collector):
    def __init__(self, found: Figures, forged: int, from_here: bool) -> None:
        self._found, self._forged, self._from_here = found, forged, from_here

    def collect(self) -> Iterator[Metric]:
        """Every metric, in a stable order."""
        yield from self._counters()
        yield self._states(
            "cism_outbox_messages", "Messages by state", "state", OutboxState, self._found.outbox
        )
        if self._from_here:
            yield from self._waiting()
        yield _one(
            "cism_oldest_due_step_seconds",
            "How long the oldest due step waits",
            self._found.oldest_due_seconds,
        )
        unsettled = self._found.outbox.get(OutboxState.UNKNOWN.value, 0)
        yield _one("cism_sends_unsettled", "Sends whose outcome is not known yet", unsettled)
        ages = GaugeMetricFamily(
            "cism_heartbeat_age_seconds", "Real time since a part was seen", labels=["part"]
        )
        for name, age in sorted(self._found.heartbeats.items()):
            ages.add_metric([name], age)
        yield ages

    def _waiting(self) -> Iterator[Metric]:
        yield self._states(
            "cism_escalations_open",
            "Escalations that no human has closed",
            "level",
            EscalationLevel,
            self._found.escalations,
        )
        yield _one("cism_queue_unread", "Items that wait for a human", self._found.unread)

    def _counters(self) -> Iterator[Metric]:
        names = {name for name, _, _ in self._found.counters} | set(_LABELS)
        for name in sorted(names):
            label, help_text = _LABELS.get(name, ("kind", "Counted by all parts together"))
            family = CounterMetricFamily(name, help_text, labels=[label])
            counted = {"true": 0, "false": 0} if name in _LABELS else {}
            counted |= {value_of: value for own, value_of, value in self._found.counters if own == name}
            for value_of, value in counted.items():
                family.add_metric([value_of], value)
            yield family
        yield CounterMetricFamily(
            "cism_webhooks_refused_total",
            "Webhooks with a wrong signature, by this process",
            value=self._forged,
        )

    def _states(
        self,
        name: str,
        help_text: str,
        label: str,
        known: type[OutboxState] | type[EscalationLevel],
        found: dict[str, int],
    ) -> Metric:
        family = GaugeMetricFamily(name, help_text, labels=[label])
        for member in known:
            family.add_metric([member.value], found.get(member.value, 0))
        return family


def _one(name: str, help_text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, help_text, value=value)
