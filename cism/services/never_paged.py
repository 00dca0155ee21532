"""A page that could not leave in its time asked nobody: its helper is as free to be asked as before."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from cism.services import events, lateness
from cism.store.states import AssignmentState, OutboxState
from cism.store.tables import Assignment, Incident, Outbox, PhoneCall, Question
from notifications.messages import MessageKind


def forget(session: Session, row: Incident, now: datetime) -> None:
    """Take back the pages of this incident that never left and whose time is over; its row is held.

    Only after an outage of our own. While a provider refuses everything for hours, whoever was to be asked
    counts as silent: in the end those in charge are told, and their phone is called. Not those pages either
    that may have left (their fate is unclear), nor where a call has asked instead.
    """
    if not lateness.is_late(lateness.owed_since(session, now), now):
        return
    for assignment, question, text in session.execute(_query(row.id, now)).all():
        text.state, text.reason = OutboxState.EXPIRED, "its moment passed"
        question.state = "expired"
        events.record(
            session,
            "assignment.moved",
            now,
            incident_id=row.id,
            subject_id=assignment.id,
            before=assignment.state.value,
            after="never asked",
        )
        session.delete(assignment)
    session.flush()


def _query(incident_id: str, now: datetime) -> Select[Assignment, Question, Outbox]:
    called = select(PhoneCall.question_id).where(
        PhoneCall.sid.is_not(None), PhoneCall.question_id.is_not(None)
    )
    return (
        select(Assignment, Question, Outbox)
        .join(Question, Question.subject_id == Assignment.id)
        .join(Outbox, Outbox.question_id == Question.id)
        .where(
            Assignment.incident_id == incident_id,
            Assignment.state == AssignmentState.ASKED,
            Question.kind == "page",
            Question.id.not_in(called),
            Outbox.kind == MessageKind.PAGE,
            Outbox.state.in_([OutboxState.PENDING, OutboxState.EXPIRED]),
            Outbox.expires_at <= now,
        )
    )
