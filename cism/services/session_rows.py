"""The rows of sessions: found, held, moved on."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.plan import PlannedStep, StepKind
from cism.errors import NotFound
from cism.services import events, people
from cism.store.states import SessionState
from cism.store.tables import AffectedPerson, GroupSession, Incident, Invitation, Step

LIVE: Final = (SessionState.PROPOSED, SessionState.APPROVED)
"""It may still be held."""


def of_incident(session: Session, incident_id: str) -> list[GroupSession]:
    """Every session of an incident, blocked ones with their reason."""
    query = select(GroupSession).where(GroupSession.incident_id == incident_id)
    return sorted(session.scalars(query), key=lambda meeting: (meeting.kind, meeting.group_key))


def get(session: Session, session_id: str) -> GroupSession:
    """One session; raises NotFound."""
    meeting = session.get(GroupSession, session_id)
    if meeting is None:
        message = f"there is no session {session_id!r}"
        raise NotFound(message)
    return meeting


def both(session: Session, step: Step) -> tuple[GroupSession, Incident]:
    """What a step is about; its incident is held until the transaction ends."""
    row = people.lock_incident(session, step.incident_id or "")
    return get(session, step.subject_id or ""), row


def locked(session: Session, session_id: str) -> tuple[GroupSession, Incident]:
    """A meeting as it stands once its incident is held: what was read before that may be decided by now."""
    meeting = get(session, session_id)
    row = people.lock_incident(session, meeting.incident_id)
    session.refresh(meeting)
    return meeting, row


def move(session: Session, meeting: GroupSession, state: SessionState, now: datetime, by: str | None) -> None:
    """From now on this is how it stands; the history keeps how it stood, and who decided."""
    events.record(
        session,
        "session.moved",
        now,
        incident_id=meeting.incident_id,
        subject_id=meeting.id,
        actor_id=by,
        before=meeting.state.value,
        after=state.value,
    )
    meeting.state = state


def step(kind: StepKind, meeting: GroupSession, due: datetime, key: str) -> PlannedStep:
    """A step about this session."""
    return PlannedStep(kind=kind, due_at=due, key=key, incident_id=meeting.incident_id, subject_id=meeting.id)


def coming(session: Session, meeting: GroupSession) -> list[str]:
    """Who said that they come."""
    return list(
        session.scalars(
            select(Invitation.person_id).where(
                Invitation.session_id == meeting.id, Invitation.state == "coming"
            )
        )
    )


def affected(row: Incident, person_id: str) -> AffectedPerson | None:
    """Their place on the list; None for whoever is not on it."""
    return next((item for item in row.affected if item.person_id == person_id), None)
