"""The append-only record of every move: ids and enum values alone, never content."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from cism.store.tables import Event


def record(
    session: Session,
    kind: str,
    now: datetime,
    *,
    incident_id: str | None = None,
    subject_id: str | None = None,
    actor_id: str | None = None,
    before: str | None = None,
    after: str | None = None,
) -> None:
    """Write one row; it commits with the move that it tells of."""
    session.add(
        Event(
            at=now,
            kind=kind,
            incident_id=incident_id,
            subject_id=subject_id,
            actor_id=actor_id,
            before=before,
            after=after,
        )
    )
