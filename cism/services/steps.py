"""Rows for every future act: planning them twice adds nothing, and what is cancelled says why."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Final, cast

from sqlalchemy import ColumnElement, Table, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from cism.domain.plan import PlannedStep, StepKind, StepState
from cism.store.tables import Step, new_id

OVER: Final = "incident is over"  # the outcome of a step that fell due when its incident had ended
_TABLE = cast("Table", Step.__table__)
# RETURNING, because a driver need not count the rows of an insert
_INSERT: Final = {
    "postgresql": postgresql.insert(_TABLE)
    .on_conflict_do_nothing(index_elements=["key"])
    .returning(_TABLE.c.id),
    "sqlite": sqlite.insert(_TABLE).on_conflict_do_nothing(index_elements=["key"]).returning(_TABLE.c.id),
}


def plan(session: Session, steps: Iterable[PlannedStep]) -> int:
    """Write the steps that are not there yet; returns how many were new."""
    rows: list[dict[str, object]] = [
        {
            "id": new_id(),
            "kind": step.kind,
            "key": step.key,
            "due_at": step.due_at,
            "expires_at": step.expires_at,
            "incident_id": step.incident_id,
            "person_id": step.person_id,
            "subject_id": step.subject_id,
            "payload": dict(step.payload),
            "state": StepState.PLANNED,
            "tries": 0,
        }
        for step in steps
    ]
    added = 0
    for row in rows:
        added += insert_once(session, row)
    return added


def insert_once(session: Session, row: dict[str, object]) -> int:
    """Insert unless the key exists; 1 or 0."""
    session.flush()  # what the row points to may be new
    return len(session.connection().execute(_INSERT[session.get_bind().dialect.name], row).all())


def cancel(
    session: Session,
    *,
    reason: str,
    now: datetime,
    incident_id: str | None = None,
    person_id: str | None = None,
    subject_id: str | None = None,
    kinds: Collection[StepKind] | None = None,
) -> int:
    """Cancel planned steps that match everything given; at least one of the ids must be."""
    where: list[ColumnElement[bool]] = [Step.state == StepState.PLANNED]
    if incident_id is not None:
        where.append(Step.incident_id == incident_id)
    if person_id is not None:
        where.append(Step.person_id == person_id)
    if subject_id is not None:
        where.append(Step.subject_id == subject_id)
    if len(where) == 1:
        message = "refusing to cancel every step of everybody"
        raise ValueError(message)
    if kinds is not None:
        where.append(Step.kind.in_(list(kinds)))
    result = session.execute(
        update(Step).where(*where).values(state=StepState.CANCELLED, outcome=reason, done_at=now)
    )
    return int(result.rowcount)  # type: ignore[attr-defined]


def cancel_one(step: Step, reason: str, now: datetime) -> None:
    """Cancel one planned step."""
    step.state, step.outcome, step.done_at = StepState.CANCELLED, reason, now


def hasten(session: Session, kind: StepKind, key: str, now: datetime) -> None:
    """One planned step, by its key, need not wait any longer."""
    step = session.scalar(
        select(Step).where(Step.key == key, Step.kind == kind, Step.state == StepState.PLANNED)
    )
    if step is not None:
        step.due_at = min(step.due_at, now)


def planned(session: Session, *, incident_id: str | None = None, person_id: str | None = None) -> list[Step]:
    """What is still to come, in order."""
    query = select(Step).where(Step.state == StepState.PLANNED).order_by(Step.due_at)
    if incident_id is not None:
        query = query.where(Step.incident_id == incident_id)
    if person_id is not None:
        query = query.where(Step.person_id == person_id)
    return list(session.scalars(query))


def of_incident(session: Session, incident_id: str, kind: StepKind) -> list[Step]:
    """Planned steps of one kind of one incident."""
    return [step for step in planned(session, incident_id=incident_id) if step.kind is kind]


def of_subject(session: Session, subject_id: str, kind: StepKind) -> list[Step]:
    """Planned steps of one kind about one thing."""
    query = select(Step).where(
        Step.state == StepState.PLANNED, Step.subject_id == subject_id, Step.kind == kind
    )
    return list(session.scalars(query))
