"""A meeting ends with its incident: nobody who was invited gets a text; their peer tells them by voice."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.plan import PlannedStep, StepKind
from cism.services import steps
from cism.store.states import SessionState
from cism.store.tables import GroupSession, Incident, Invitation, Question


def plan(session: Session, row: Incident, now: datetime) -> set[str]:
    """One call each to whoever might come to a meeting that is still ahead, before it would have begun.

    Call it before the meetings are called off: then nobody knows any more who was invited. Returns those
    helpers who have such a call to make.
    """
    found: list[PlannedStep] = []
    helpers: set[str] = set()
    for meeting in _ahead(session, row, now):
        might_come = _might_come(session, meeting)
        for item in row.affected:
            if item.person_id not in might_come or item.ended_at is not None or meeting.starts_at is None:
                continue
            helpers |= {item.peer_id} if item.peer_id else set()
            found.append(
                PlannedStep(
                    kind=StepKind.LAST_CALL,
                    due_at=now,
                    key=f"last-call:{meeting.id}:{item.id}",
                    incident_id=row.id,
                    person_id=item.person_id,
                    subject_id=item.id,
                    payload={"point": "session", "by": meeting.starts_at.isoformat()},
                )
            )
    steps.plan(session, found)
    return helpers


def _ahead(session: Session, row: Incident, now: datetime) -> list[GroupSession]:
    return list(
        session.scalars(
            select(GroupSession).where(
                GroupSession.incident_id == row.id,
                GroupSession.state == SessionState.APPROVED,
                GroupSession.starts_at > now,
            )
        )
    )


def _might_come(session: Session, meeting: GroupSession) -> set[str]:
    """Everybody who was asked, by text or by their peer, and has not said no."""
    invited = session.execute(
        select(Invitation.person_id, Invitation.state).where(Invitation.session_id == meeting.id)
    )
    asked = set(
        session.scalars(
            select(Question.person_id).where(Question.subject_id == meeting.id, Question.kind == "invitation")
        )
    )
    return {person for person, state in invited if state != "declined" and person in asked}
