"""What is not held: the team is told, and whoever wanted to come is called by their peer."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from cism.domain.plan import PlannedStep, StepKind
from cism.services import notify, questions, session_rows, session_team, steps
from cism.store.states import SessionState
from cism.store.tables import AffectedPerson, GroupSession, Incident, Invitation


def call_off(session: Session, row: Incident, meeting: GroupSession, why: str, now: datetime) -> None:
    """One meeting is not held, and why; an approved one's team is told."""
    told = meeting.state is SessionState.APPROVED
    meeting.reason = why
    session_rows.move(session, meeting, SessionState.CANCELLED, now, None)
    if told:
        for helper, _ in session_team.of(session, row, meeting, now):
            notify.session_off(session, helper, meeting, now)
    call_each(session, row, meeting, now)
    steps.cancel(session, reason=why, now=now, subject_id=meeting.id)
    questions.close(session, state="expired", now=now, subject_id=meeting.id)
    session.execute(delete(Invitation).where(Invitation.session_id == meeting.id))


def call_off_all(session: Session, row: Incident, now: datetime) -> None:
    """The incident ended: what was proposed or approved does not take place."""
    for meeting in session.scalars(select(GroupSession).where(GroupSession.incident_id == row.id)):
        if meeting.state in session_rows.LIVE:
            session_rows.move(session, meeting, SessionState.CANCELLED, now, None)
            session.execute(delete(Invitation).where(Invitation.session_id == meeting.id))


def call_each(session: Session, row: Incident, meeting: GroupSession, now: datetime) -> None:
    """Whoever wanted to come is called by their peer; before it would have begun, where that is to come."""
    found = [
        call(row, session_rows.affected(row, person_id), meeting, now, "called")
        for person_id in session_rows.coming(session, meeting)
    ]
    steps.plan(session, [item for item in found if item is not None])


def call(
    row: Incident, item: AffectedPerson | None, meeting: GroupSession, now: datetime, why: str
) -> PlannedStep | None:
    """A call of their peer; None for whoever is not on the list any more."""
    if item is None:
        return None
    ahead = meeting.starts_at is not None and meeting.starts_at > now
    payload = {"point": "session"}
    if ahead and meeting.starts_at is not None:
        payload["by"] = meeting.starts_at.isoformat()
    return PlannedStep(
        kind=StepKind.PEER_TASK,
        due_at=now,
        key=f"session-{why}:{meeting.id}:{item.id}",
        incident_id=row.id,
        person_id=item.person_id,
        subject_id=item.id,
        payload=payload,
    )
