"""What goes on once a human has closed an escalation: held check-ins, and the words that led to it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.escalation import EscalationState
from cism.domain.plan import PlannedStep, StepKind, StepState
from cism.services import queue_rows, steps
from cism.store.states import QueueState
from cism.store.tables import Escalation, Person, QueueItem, Step

HELD = "held: a human is being found"


def closed(session: Session, row: Escalation, helper: Person, now: datetime) -> None:
    """The human who closed it has read the words; check-ins go on unless their moment has passed."""
    if row.person_id is None:
        return
    waiting = session.scalars(
        select(QueueItem).where(
            QueueItem.person_id == row.person_id,
            QueueItem.state == QueueState.OPEN,
            QueueItem.received_at <= now,
            QueueItem.kind.in_(["free_text", "help", "crisis"]),
        )
    )
    for item in list(waiting):
        queue_rows.mark_handled(session, item, helper.id, now)
    still = session.scalar(
        select(Escalation.id).where(
            Escalation.person_id == row.person_id, Escalation.state != EscalationState.CLOSED
        )
    )
    if still is None:
        release(session, row.person_id, HELD, now)


def release(session: Session, person_id: str, outcome: str, now: datetime) -> int:
    """Plan again what was held for that reason, unless its moment has passed."""
    held = session.scalars(
        select(Step).where(
            Step.person_id == person_id,
            Step.state == StepState.DONE,
            Step.outcome == outcome,
            Step.kind.in_([StepKind.CONTACT, StepKind.OPT_IN]),
        )
    )
    again = []
    for step in held:
        if step.expires_at is not None and step.expires_at <= now:
            continue
        step.outcome = f"{outcome}; released"[:60]
        again.append(
            PlannedStep(
                kind=step.kind,
                due_at=now,
                expires_at=step.expires_at,
                key=f"{step.key}>{int(now.timestamp())}",
                incident_id=step.incident_id,
                person_id=step.person_id,
                subject_id=step.subject_id,
                payload=step.payload,
            )
        )
    return steps.plan(session, again)
