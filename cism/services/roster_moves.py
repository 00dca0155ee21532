"""What a coordinator does to one person of the roster between two files: moving them on, taking them off."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain import roster_cells
from cism.domain.consents import How, Purpose
from cism.domain.incident import IncidentState
from cism.domain.people import PersonStatus
from cism.errors import AlreadyDone, BadInput, NotAllowed
from cism.services import (
    agencies,
    consents,
    contact_answers,
    copies,
    events,
    legal_holds,
    lives,
    outbox,
    people,
    questions,
    sign_ins,
    stepping_back,
    steps,
)
from cism.store import owners
from cism.store.db import find_hash
from cism.store.states import QueueState
from cism.store.tables import AffectedPerson, Escalation, Incident, Person, QueueItem

REMOVED = "removed"
ON_THEIR_WISH = "asked_by_voice"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPlace:
    """Where somebody goes. Unit, station and superior are the new ones; None of them is known otherwise."""

    agency: str
    roster_id: str | None = None
    unit: str = ""
    station: str = ""
    reports_to: str | None = None


def set_status(
    session: Session, person: Person, status: PersonStatus, *, by: str | None, now: datetime
) -> None:
    """Somebody is on leave, is back, has left, or has died; all that follows from it happens now."""
    if person.status is status:
        message = f"this person is {status.value} already"
        raise AlreadyDone(message)
    if person.status is PersonStatus.DECEASED:
        message = (
            "this person is deceased on the roster; a mistake is taken back with `cism roster not-deceased`"
        )
        raise NotAllowed(message)
    lives.set_status(session, person, status, by=by, now=now)


def transfer(session: Session, person: Person, new: NewPlace, *, by: str | None, now: datetime) -> None:
    """Another agency employs them: they stay the same person, with all that they consented to or stopped.

    What was promised goes on: check-ins, anniversaries, an open escalation. Whoever commands them now does
    not look after them, and nobody in their new chain keeps doing so.
    """
    agencies.get(session, new.agency)
    roster_id = new.roster_id or person.roster_id
    _refuse_taken(session, person, new.agency, roster_id)
    before = {person.id: lives.place(person)}
    person.reports_to = _superior(session, new)
    person.agency, person.roster_id = new.agency, roster_id
    person.roster_hash = find_hash(session, "roster", f"{new.agency}\0{roster_id}")
    person.unit, person.station = new.unit, new.station
    events.record(
        session,
        "person.transferred",
        now,
        subject_id=person.id,
        actor_id=by,
        before=before[person.id].agency,
        after=new.agency,
    )
    lives.follow(session, before, now)


def remove(session: Session, person: Person, *, by: str | None, now: datetime, again: bool = False) -> None:
    """They want nothing to do with it, or have left for good: contacts end, and their key is destroyed.

    The row stays, and nothing about them can be read in it or elsewhere, so that no later file gives back
    what they took back. `again`: after a restore, when what they wrote had been read before.
    """
    _refuse_needed(session, person, again=again)
    if person.status in {PersonStatus.ACTIVE, PersonStatus.LEAVE}:
        lives.set_status(session, person, PersonStatus.RETIRED, by=by, now=now)
    stepping_back.stop_serving(session, person, now)
    for incident_id in _looked_after_in(session, person):
        contact_answers.end_contacts(session, incident_id, person.id, REMOVED, now)
    for purpose in Purpose:
        if consents.holds(person, purpose):
            consents.note(session, person, purpose, False, How.ATTESTED, now)
    person.revoked_pages = person.revoked_care = True
    outbox.cancel(session, reason=REMOVED, person_id=person.id)
    steps.cancel(session, reason=REMOVED, now=now, person_id=person.id)
    questions.close(session, state="superseded", now=now, person_id=person.id)
    sign_ins.forget(session, person.id)
    person.phone_hash = person.phone_confirmed_at = None
    owners.destroy(session, person.id)
    person.name, person.roster_id = REMOVED, REMOVED
    person.phone = person.email = None
    person.unit = person.station = person.rank = ""
    copies.erased(session, person.id)
    events.record(session, "person.removed", now, subject_id=person.id, actor_id=by)


def end_contacts(session: Session, row: Incident, person: Person, *, by: str | None, now: datetime) -> None:
    """One person wants no more of this incident's contacts, and said so to somebody: no text confirms it."""
    if row.state is not IncidentState.OPEN:
        message = f"the incident is {row.state.value.replace('_', ' ')} already"
        raise AlreadyDone(message)
    item = next((one for one in row.affected if one.person_id == person.id), None)
    if item is None:
        message = "this person is not on the incident's list"
        raise BadInput(message)
    if item.ended_at is not None:
        message = "this person's contacts have ended already"
        raise AlreadyDone(message)
    contact_answers.end_contacts(session, row.id, person.id, ON_THEIR_WISH, now)
    events.record(session, "contacts.end_entered", now, incident_id=row.id, subject_id=item.id, actor_id=by)


def _refuse_needed(session: Session, person: Person, *, again: bool) -> None:
    if session.scalar(
        select(Escalation.id).where(Escalation.person_id == person.id, Escalation.closed_at.is_(None))
    ):
        message = "somebody is being found for this person right now: end that first, then remove them"
        raise NotAllowed(message)
    if not again and legal_holds.holds_person(session, person.id):
        message = (
            "a legal hold keeps what is about this person (`cism hold list`): until it is lifted, say "
            "`cism roster status ID retired`, and nothing more goes to them"
        )
        raise NotAllowed(message)
    unread = select(QueueItem.id).where(
        QueueItem.person_id == person.id,
        QueueItem.state == QueueState.OPEN,
        QueueItem.inbound_sid.is_not(None),
    )
    if not again and session.scalar(unread.limit(1)):
        message = "a text of theirs is unread: handle it first (`cism queue list`), then remove them"
        raise NotAllowed(message)


def _refuse_taken(session: Session, person: Person, agency: str, roster_id: str) -> None:
    try:
        roster_cells.person_id(roster_id)
    except roster_cells.CellError as error:
        message = f"the new id {error}"
        raise BadInput(message) from error
    here = people.by_roster_id(session, agency, roster_id)
    if here is not None and here.id == person.id:
        message = f"this person is {agency}:{roster_id} already"
        raise AlreadyDone(message)
    if here is not None:
        message = f"{agency}:{roster_id} is somebody else: give another id with --id"
        raise BadInput(message)


def _superior(session: Session, new: NewPlace) -> str | None:
    if new.reports_to is None:
        return None
    found = people.by_roster_id(session, new.agency, new.reports_to)
    if found is None:
        message = f"nobody {new.reports_to!r} is on the roster of {new.agency}"
        raise BadInput(message)
    return found.id


def _looked_after_in(session: Session, person: Person) -> list[str]:
    query = select(AffectedPerson.incident_id).where(
        AffectedPerson.person_id == person.id, AffectedPerson.ended_at.is_(None)
    )
    return list(session.scalars(query.order_by(AffectedPerson.incident_id)))
