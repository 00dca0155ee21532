"""Taking somebody off an incident's list, and putting them back, without a word to them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from cism.domain.incident import IncidentState
from cism.errors import AlreadyDone, NotFound
from cism.services import (
    activation,
    contact_answers,
    contact_merging,
    contact_plan,
    events,
    outbox,
    people,
    response,
    steps,
)
from cism.store.tables import AffectedPerson, GroupSession, Incident, Invitation

REMOVED = "removed"


def remove(
    session: Session, incident_id: str, person_id: str, *, by: str | None, now: datetime
) -> AffectedPerson:
    """Named by mistake: nothing more goes to them about it, and no explanation; an open escalation goes on.

    They stay out of its team all the same: somebody once thought they had been there. Raises NotFound where
    they are not on the list, AlreadyDone where their contacts have ended, NotAllowed for whoever is on it.
    """
    row = people.lock_incident(session, incident_id)
    response.refuse_affected(row, by)
    item = next((one for one in row.affected if one.person_id == person_id), None)
    if item is None:
        message = "they are not on this incident's list; `cism incident REF` shows who is"
        raise NotFound(message)
    if item.ended_at is not None:
        message = "this incident's contacts with them have ended already"
        raise AlreadyDone(message)
    contact_merging.hand_over(session, row, person_id)
    contact_answers.end_contacts(session, row.id, person_id, REMOVED, now)
    outbox.cancel(session, reason=REMOVED, incident_id=row.id, person_id=person_id)
    meetings = select(GroupSession.id).where(GroupSession.incident_id == row.id)
    session.execute(
        delete(Invitation).where(
            Invitation.person_id == person_id, Invitation.session_id.in_(meetings.scalar_subquery())
        )
    )
    item.peer_id = None
    events.record(session, "affected.removed", now, incident_id=row.id, subject_id=person_id, actor_id=by)
    session.flush()
    if row.state is IncidentState.OPEN:
        activation.look(session, row, now)
    return item


def put_back(session: Session, row: Incident, item: AffectedPerson, now: datetime) -> bool:
    """Named once more after they were taken off: what was to come comes again. A decline stays a decline."""
    if item.ended_reason != REMOVED:
        return False
    item.ended_at = item.ended_reason = None
    events.record(session, "affected.added", now, incident_id=row.id, subject_id=item.person_id)
    session.flush()
    person = people.snapshot(people.get(session, item.person_id))
    steps.plan(session, contact_plan.again_steps(session, row, item, person, now, {REMOVED}))
    return True
