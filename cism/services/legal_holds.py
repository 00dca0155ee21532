"""Legal holds: records that retention leaves as they are, because a court or counsel asked for it.

Of one incident: everything that belongs to it, and everything about whoever is on its list. Of a class:
all of it. A hold keeps records; it opens none: who may see what does not change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from cism.domain.retention import HoldReason, Kept, LiftReason
from cism.errors import AlreadyDone, NotFound
from cism.services import events
from cism.store.tables import AffectedPerson, LegalHold


@dataclass(frozen=True, slots=True)
class Held:
    """What is held for one class."""

    whole: bool
    incidents: frozenset[str]
    persons: frozenset[str]

    def free(
        self,
        incident: InstrumentedAttribute[str | None] | None,
        person: InstrumentedAttribute[str | None] | None,
    ) -> list[ColumnElement[bool]]:
        """The conditions under which a row is held by nothing."""
        found: list[ColumnElement[bool]] = []
        if incident is not None and self.incidents:
            found.append(or_(incident.is_(None), incident.not_in(self.incidents)))
        if person is not None and self.persons:
            found.append(or_(person.is_(None), person.not_in(self.persons)))
        return found


def held(session: Session, kept: Kept) -> Held:
    """What the open holds keep of one class."""
    rows = [row for row in open_holds(session) if row.kept in {None, kept}]
    incidents = frozenset(row.incident_id for row in rows if row.incident_id is not None)
    listed = select(AffectedPerson.person_id).where(AffectedPerson.incident_id.in_(incidents))
    persons = frozenset(session.scalars(listed)) if incidents else frozenset[str]()
    return Held(any(row.incident_id is None for row in rows), incidents, persons)


def holds_person(session: Session, person_id: str) -> bool:
    """Whether an open hold keeps anything about somebody."""
    found = [held(session, kept) for kept in Kept] if open_holds(session) else []
    return any(one.whole or person_id in one.persons for one in found)


def open_holds(session: Session) -> Sequence[LegalHold]:
    """Those that are not lifted, oldest first."""
    query = select(LegalHold).where(LegalHold.lifted_at.is_(None))
    return session.scalars(query.order_by(LegalHold.set_at, LegalHold.id)).all()


def begin(
    session: Session,
    *,
    incident_id: str | None,
    kept: Kept | None,
    reason: HoldReason,
    by: str | None,
    now: datetime,
) -> LegalHold:
    """Hold records from now on; raises AlreadyDone where the very same is held already."""
    for row in open_holds(session):
        if (row.incident_id, row.kept) == (incident_id, kept):
            message = f"these are held already, since {row.set_at:%Y-%m-%d}, as {row.id}"
            raise AlreadyDone(message)
    made = LegalHold(incident_id=incident_id, kept=kept, reason=reason, set_at=now, set_by=by)
    session.add(made)
    session.flush()
    events.record(session, "hold.set", now, subject_id=made.id, actor_id=by, after=reason.value)
    return made


def lift(session: Session, hold_id: str, *, reason: LiftReason, by: str | None, now: datetime) -> LegalHold:
    """End a hold; retention goes on in the next night. Raises NotFound, AlreadyDone."""
    row = session.get(LegalHold, hold_id, with_for_update=True)
    if row is None:
        message = f"there is no hold {hold_id!r}; `cism hold list` lists them"
        raise NotFound(message)
    if row.lifted_at is not None:
        message = "this hold was lifted already; nothing was changed"
        raise AlreadyDone(message)
    row.lifted_at, row.lifted_by, row.lift_reason = now, by, reason
    events.record(session, "hold.lifted", now, subject_id=row.id, actor_id=by, after=reason.value)
    return row
