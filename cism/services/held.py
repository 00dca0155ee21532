"""Check-ins that wait for a human: kept as done with their reason, planned again when it is over."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.incident import IncidentState
from cism.domain.plan import PlannedStep, StepKind, StepState
from cism.services import steps
from cism.store.tables import Incident, Step

ESCALATION = "held: a human is being found"
ZERO = "held: a human asks first"
KIN = "held: next of kin not told yet"
SILENCED = "no texts to this number"
WAITING = frozenset({ESCALATION, ZERO, KIN})


def release(session: Session, person_id: str, outcome: str, now: datetime) -> int:
    """Plan again what was held for that reason, unless its moment has passed.

    Of several check-ins of one incident the latest alone: two are never stacked.
    """
    held = session.scalars(
        select(Step)
        .where(
            Step.person_id == person_id,
            Step.state == StepState.DONE,
            Step.outcome == outcome,
            Step.kind.in_([StepKind.CONTACT, StepKind.OPT_IN, StepKind.INVITE]),
        )
        .order_by(Step.due_at)
    )
    latest: dict[tuple[str | None, StepKind], Step] = {}
    for step in held.all():
        step.outcome = f"{outcome}; over"[:60]
        if step.expires_at is None or step.expires_at > now:
            # each meeting has an invitation of its own
            about = step.subject_id if step.kind is StepKind.INVITE else step.incident_id
            latest[about, step.kind] = step
    return steps.plan(session, [again(step, now, f">{now.timestamp():.3f}") for step in latest.values()])


def resume(session: Session, person_id: str, reason: str, now: datetime) -> int:
    """Plan again what was cancelled for that reason, in every response that still goes on.

    Of several moments of one incident that have passed, and still are of use, the latest alone.
    """
    cancelled = session.scalars(
        select(Step)
        .join(Incident, Incident.id == Step.incident_id)
        .where(
            Step.person_id == person_id,
            Step.state == StepState.CANCELLED,
            Step.outcome == reason,
            Step.kind.in_([StepKind.CONTACT, StepKind.OPT_IN]),
            Incident.state == IncidentState.OPEN,
        )
        .order_by(Step.due_at)
    )
    found: dict[tuple[str | None, StepKind, datetime], Step] = {}
    for step in cancelled.all():
        step.outcome = f"{reason}; over"[:60]
        if step.expires_at is None or step.expires_at > now:
            found[step.incident_id, step.kind, max(step.due_at, now)] = step
    mark = f">{now.timestamp():.3f}"
    return steps.plan(session, [again(step, due, mark) for (_, _, due), step in found.items()])


def again(step: Step, due: datetime, mark: str) -> PlannedStep:
    """The same step once more; its key stays short however often."""
    base = step.key.partition("@")[0].partition(">")[0]
    return PlannedStep(
        kind=step.kind,
        due_at=due,
        expires_at=step.expires_at,
        key=base + mark,
        incident_id=step.incident_id,
        person_id=step.person_id,
        subject_id=step.subject_id,
        payload=step.payload,
    )
