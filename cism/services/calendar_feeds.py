"""A person's own turns and sessions as a calendar behind a secret address: off until they make one.

Titles are neutral: whoever sees the phone or the calendar's server learns that somebody is on call or
assigned, and nothing of an incident, a kind of session, a person or a place.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Final

from icalendar import Calendar as ICalendar
from icalendar import Event
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from cism.domain.people import PersonStatus
from cism.errors import NotFound
from cism.services import on_call
from cism.store.on_call_tables import CalendarFeed
from cism.store.states import AssignmentState, SessionState
from cism.store.tables import Assignment, GroupSession, Person

BEFORE, AHEAD = timedelta(days=14), timedelta(days=90)  # design: what somebody still looks up, and plans by
ON_CALL, ASSIGNED = "On call", "Assigned"
_ON_CALL_ES, _ASSIGNED_ES = "De guardia", "Asignado"
_AGAIN: Final = timedelta(hours=1)  # how often a calendar program is to ask
_GONE: Final = frozenset({PersonStatus.DECEASED, PersonStatus.RETIRED})


def make(session: Session, person: Person, now: datetime) -> str:
    """A fresh secret for this person's address, which ends the one before. It is shown once."""
    revoke(session, person.id)
    secret = secrets.token_urlsafe(32)
    session.add(CalendarFeed(person_id=person.id, hash=_hash(secret), made_at=now))
    session.flush()
    return secret


def revoke(session: Session, person_id: str) -> None:
    """The address opens nothing any more."""
    session.execute(delete(CalendarFeed).where(CalendarFeed.person_id == person_id))


def made_at(session: Session, person_id: str) -> datetime | None:
    """Since when this person has an address; None where they have none."""
    return session.scalar(select(CalendarFeed.made_at).where(CalendarFeed.person_id == person_id))


def owner(session: Session, secret: str) -> Person:
    """Whose address this is. Raises NotFound, also where the person is no longer there."""
    row = session.scalar(select(CalendarFeed).where(CalendarFeed.hash == _hash(secret)))
    person = session.get(Person, row.person_id) if row is not None else None
    if person is None or person.status in _GONE:
        raise NotFound
    return person


def calendar(session: Session, person: Person, now: datetime) -> bytes:
    """The calendar as a file."""
    spanish = person.language.startswith("es")
    made = ICalendar()
    made.add("prodid", "-//on call//EN")
    made.add("version", "2.0")
    made.add("x-wr-calname", _ON_CALL_ES if spanish else ON_CALL)
    made.add("refresh-interval", _AGAIN, parameters={"VALUE": "DURATION"})
    for turn in on_call.own_turns(session, person.id, now - BEFORE, now + AHEAD):
        title = _ON_CALL_ES if spanish else ON_CALL
        made.add_component(_event(person, title, turn.start, turn.end, turn.role.value, now))
    for row in _sessions(session, person, now):
        if row.starts_at is not None:
            end = row.ends_at or row.starts_at + timedelta(hours=1)
            title = _ASSIGNED_ES if spanish else ASSIGNED
            made.add_component(_event(person, title, row.starts_at, end, row.id, now))
    return bytes(made.to_ical())


def _sessions(session: Session, person: Person, now: datetime) -> list[GroupSession]:
    """Sessions that will take place, and that this person leads or serves in."""
    serves = select(Assignment.incident_id).where(
        Assignment.peer_id == person.id, Assignment.state == AssignmentState.ACCEPTED
    )
    query = (
        select(GroupSession)
        .where(
            GroupSession.state == SessionState.APPROVED,
            GroupSession.starts_at > now - BEFORE,
            GroupSession.starts_at < now + AHEAD,
            (GroupSession.leader_id == person.id) | GroupSession.incident_id.in_(serves),
        )
        .order_by(GroupSession.starts_at, GroupSession.id)
    )
    return list(session.scalars(query))


def _event(person: Person, title: str, start: datetime, end: datetime, what: str, now: datetime) -> Event:
    """One entry; its name tells nothing, and is the same as long as it begins at the same time."""
    made = Event()
    name = hashlib.sha256(f"{person.id} {what} {start.isoformat()}".encode()).hexdigest()[:32]
    made.add("uid", f"{name}@on-call.invalid")
    made.add("dtstamp", now)
    made.add("dtstart", start)
    made.add("dtend", end)
    made.add("summary", title)
    made.add("class", "PRIVATE")
    return made


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
