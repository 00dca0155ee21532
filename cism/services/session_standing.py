"""How a meeting stands beside its state: not put to a clinician yet, or over and not reported."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.plan import StepKind, StepState
from cism.services.sessions import FOLLOW_UP_AFTER
from cism.store.states import SessionState
from cism.store.tables import Step


def to_put(session: Session, incident_ids: Collection[str]) -> dict[str, datetime]:
    """When a clinician is asked about meetings, by their ids; only those about which none was asked yet."""
    query = select(Step.subject_id, Step.due_at).where(
        Step.incident_id.in_(incident_ids),
        Step.kind == StepKind.PROPOSE_SESSION,
        Step.state == StepState.PLANNED,
    )
    return {subject_id or "": due for subject_id, due in session.execute(query)}


def unreported(state: SessionState, ends_at: datetime | None, now: datetime) -> bool:
    """Whether it was to be over by now, and nobody has said that it was held."""
    return state is SessionState.APPROVED and ends_at is not None and ends_at < now


def report_late(ends_at: datetime | None, now: datetime) -> bool:
    """Whether its leader was to have said so by now: calls after it have begun, as if it had been held."""
    return ends_at is not None and ends_at + FOLLOW_UP_AFTER < now
