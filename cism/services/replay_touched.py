"""Whom a transaction of a replay touches: only they are looked at in the ledger afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from cism.domain.plan import StepState
from cism.store.tables import Escalation, QueueItem, Step


@dataclass(slots=True)
class Touched:
    """Ids of incidents and of people; how many answers and people on a list there were."""

    incidents: set[str] = field(default_factory=set)
    persons: set[str] = field(default_factory=set)
    answers: int = 0
    people: int = 0


def about_to(session: Session, now: datetime) -> Touched:
    """Whom the steps concern that are due now."""
    rows = session.execute(
        select(Step.incident_id, Step.person_id, Step.subject_id).where(
            Step.state == StepState.PLANNED, Step.due_at <= now, Step.retry_real.is_(None)
        )
    ).all()
    found = Touched(incidents={row.incident_id for row in rows if row.incident_id})
    loose = [row.subject_id for row in rows if row.incident_id is None and row.subject_id]
    if loose:
        about = select(Escalation.person_id).where(Escalation.id.in_(loose))
        read = select(QueueItem.person_id).where(or_(QueueItem.id.in_(loose)))
        found.persons = {id_ for id_ in (*session.scalars(about), *session.scalars(read)) if id_}
    return found
