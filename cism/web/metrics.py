"""Figures for Prometheus: counts, ages and states; nothing that tells of a person or an incident."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cism.domain.escalation import EscalationState
from cism.domain.escalation_level import EscalationLevel
from cism.services import overdue, provider_line
from cism.services.overdue import Waiting
from cism.store.db import real_now
from cism.store.states import OutboxState, QueueState
from cism.store.tables import Counter, Escalation, Heartbeat, Outbox, QueueItem

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# Seconds. Work is done within a second or two of its moment: which second that was, is nobody's business
# elsewhere. What is late by a minute is an operator's.
_TOLD_FROM: Final = 60.0
_LABELS: Final = {"cism_acts_total": ("orchestrated", "Steps taken and batches delivered")}
_OTHERS: Final = {"cism_second_way_total": ("outcome", "Urgent texts handed to a mail server")}


@dataclass(frozen=True, slots=True)
class Figures:
    """What the database says at one moment."""

    counters: list[tuple[str, str, int]] = field(default_factory=list)
    outbox: dict[str, int] = field(default_factory=dict)
    waiting: Waiting = field(default_factory=Waiting)
    unread: int = 0
    escalations: dict[str, int] = field(default_factory=dict)
    heartbeats: dict[str, float] = field(default_factory=dict)
    real: datetime = EPOCH
    provider_fails: bool = False


def read(session: Session) -> Figures:
    """Read everything in one transaction."""
    real = real_now(session)
    rows = session.execute(select(Outbox.state, func.count()).group_by(Outbox.state))
    levels = session.execute(
        select(Escalation.level, func.count())
        .where(Escalation.state != EscalationState.CLOSED)
        .group_by(Escalation.level)
    )
    return Figures(
        counters=[(row.name, row.label, row.value) for row in session.scalars(select(Counter))],
        outbox={state.value: int(count) for state, count in rows},
        waiting=overdue.read(session),
        unread=int(session.scalar(select(func.count()).where(QueueItem.state == QueueState.OPEN)) or 0),
        escalations={level.value: int(count) for level, count in levels},
        heartbeats={
            row.name: (real - row.seen_real).total_seconds() for row in session.scalars(select(Heartbeat))
        },
        real=real,
        provider_fails=provider_line.read(session).fails,
    )


def text(found: Figures, *, forged_webhooks: int, from_here: bool) -> bytes:
    """The figures in Prometheus' text format; whatever one person's text moves, only `from_here`."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Read(found, forged_webhooks, from_here))
    return generate_latest(registry)


class _Read(Collector):
    def __init__(self, found: Figures, forged: int, from_here: bool) -> None:
        self._found, self._forged, self._from_here = found, forged, from_here

    def collect(self) -> Iterator[Metric]:
        """Every metric, in a stable order."""
        if self._from_here:
            yield from self._counters()
            yield from self._messages()
            yield from self._waiting()
        yield CounterMetricFamily(
            "cism_webhooks_refused_total",
            "Webhooks with a wrong signature, by this process",
            value=self._forged,
        )
        yield from self._late()
        fails = float(self._found.provider_fails)
        yield _one("cism_second_way_open", "1 while the provider fails and urgent texts go by mail", fails)
        ages = GaugeMetricFamily(
            "cism_heartbeat_age_seconds", "Real time since a part was seen", labels=["part"]
        )
        for name, age in sorted(self._found.heartbeats.items()):
            ages.add_metric([name], age)
        yield ages

    def _messages(self) -> Iterator[Metric]:
        yield self._states(
            "cism_outbox_messages", "Messages by state", "state", OutboxState, self._found.outbox
        )
        unsettled = self._found.outbox.get(OutboxState.UNKNOWN.value, 0)
        yield _one("cism_sends_unsettled", "Sends whose outcome is not known yet", unsettled)

    def _late(self) -> Iterator[Metric]:
        waiting = self._found.waiting
        due = waiting.due_step.total_seconds()
        if not self._from_here and due < _TOLD_FROM:
            due = 0.0
        yield _one("cism_oldest_due_step_seconds", "How long the oldest due step waits", due)
        late = GaugeMetricFamily(
            "cism_overdue", "1 where something of this kind is past its time", labels=["what"]
        )
        for what, is_late in waiting.overdue.items():
            late.add_metric([what], float(is_late))
        yield late
        skew = waiting.clock_skew.total_seconds()
        yield _one("cism_clock_skew_seconds", "By how much this clock is ahead of the database's", skew)
        clock = "cism_clock_seconds", "Real time of the database, in seconds since 1970"
        yield _one(*clock, self._found.real.timestamp())

    def _ages(self) -> Iterator[Metric]:
        """Ages and counts beside the open ones: each may be of one person alone."""
        found = self._found.waiting
        for name, help_text, value in (
            ("cism_oldest_unsent_urgent_seconds", "How long an urgent text waits", found.urgent_unsent),
            ("cism_oldest_unsettled_send_seconds", "How long a send is unclear", found.unsettled),
            ("cism_queue_oldest_unread_seconds", "How long an item waits for a human", found.unread),
        ):
            yield _one(name, help_text, value.total_seconds())
        yield _one("cism_queue_overdue", "Items that no human read in time", found.unread_past)
        yield _one("cism_escalations_overdue", "Calls that no human made in time", found.escalations_past)

    def _waiting(self) -> Iterator[Metric]:
        yield from self._ages()
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
            label, help_text = (_LABELS | _OTHERS).get(name, ("kind", "Counted by all parts together"))
            family = CounterMetricFamily(name, help_text, labels=[label])
            counted = {"true": 0, "false": 0} if name in _LABELS else {}
            counted |= {value_of: value for own, value_of, value in self._found.counters if own == name}
            for value_of, value in counted.items():
                family.add_metric([value_of], value)
            yield family

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
