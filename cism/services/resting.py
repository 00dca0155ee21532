"""A peer who was affected rests; it ends early when they and a clinician say so (domain.md 6)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.access import Act, may_do
from cism.domain.selection import SelectionPolicy
from cism.errors import AlreadyDone, NotAllowed
from cism.services import events
from cism.store.tables import AffectedPerson, Person


def say_ready(session: Session, peer: Person, by: Person, now: datetime) -> bool:
    """The peer says that they can serve again, or a clinician agrees; True once both have.

    Raises AlreadyDone for a peer who does not rest, NotAllowed for anybody else's word.
    """
    own = by.id == peer.id
    if not own and not may_do([item.role for item in by.roles], Act.AGREE_READY, same_agency=True):
        message = "only the peer, and a clinician, say that a peer can serve again"
        raise NotAllowed(message)
    found = _resting(session, peer, now)
    if not found:
        message = "this peer does not rest after an incident of their own"
        raise AlreadyDone(message)
    for item in found:
        if own:
            item.ready_self_at = now
        else:
            item.ready_clinician_at = now
        after = "self" if own else "clinician"
        events.record(session, "peer.ready", now, subject_id=peer.id, actor_id=by.id, after=after)
    return all(item.ready_self_at and item.ready_clinician_at for item in found)


def waiting_for_clinician(session: Session, by: Person, now: datetime) -> list[Person]:
    """Peers of the agency who said that they can serve again, and wait for a clinician's word."""
    query = (
        select(AffectedPerson, Person)
        .join(Person, Person.id == AffectedPerson.person_id)
        .where(
            Person.agency == by.agency,
            Person.id != by.id,
            AffectedPerson.ready_self_at.is_not(None),
            AffectedPerson.ready_clinician_at.is_(None),
        )
        .order_by(AffectedPerson.ready_self_at)
    )
    policy = SelectionPolicy()
    found = {
        person.id: person
        for item, person in session.execute(query)
        if policy.rest_until(item.exposure_end or item.added_at) > now
    }
    return list(found.values())


def _resting(session: Session, peer: Person, now: datetime) -> list[AffectedPerson]:
    rows = session.scalars(select(AffectedPerson).where(AffectedPerson.person_id == peer.id))
    policy = SelectionPolicy()
    return [item for item in rows if policy.rest_until(item.exposure_end or item.added_at) > now]
