"""Somebody was set deceased by mistake: what was ended for them comes back, and a human calls them first."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.incident import IncidentState
from cism.domain.people import PersonStatus
from cism.errors import AlreadyDone
from cism.services import calls, events, held, lives, queue
from cism.store.tables import AffectedPerson, Incident, Person


def take_back(session: Session, person: Person, *, by: str | None, now: datetime) -> None:
    """They live, and are active again; no roster file does this, only somebody who says so of one person.

    Their number counts as unconfirmed: whoever texted from it meanwhile was read as a stranger, and may be
    one. Until they confirm it, a peer calls where a text would have gone, and somebody calls them now.
    Raises AlreadyDone where nobody said that they died.
    """
    if person.status is not PersonStatus.DECEASED:
        message = f"this person is {person.status.value}: there is no death to take back"
        raise AlreadyDone(message)
    person.phone_confirmed_at = None
    _look_after_again(session, person, now)
    held.resume(session, person.id, lives.DECEASED, now)
    lives.set_status(session, person, PersonStatus.ACTIVE, by=by, now=now)
    queue.add(session, "call_needed", now=now, within=calls.CALL_WITHIN, person=person)


def _look_after_again(session: Session, person: Person, now: datetime) -> None:
    """In every response that goes on; who had ended their contacts themselves stays ended."""
    found = session.scalars(
        select(AffectedPerson)
        .join(Incident, Incident.id == AffectedPerson.incident_id)
        .where(
            AffectedPerson.person_id == person.id,
            AffectedPerson.ended_reason == lives.DECEASED,
            Incident.state == IncidentState.OPEN,
        )
    )
    for item in found.all():
        item.ended_at = item.ended_reason = None
        events.record(
            session, "contacts.resumed", now, incident_id=item.incident_id, subject_id=item.id, after="alive"
        )
    session.flush()
