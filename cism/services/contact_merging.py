"""Two incidents of one person: one text speaks for both, where it is near enough and asked about both."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from cism.domain.followup import MERGE_WITHIN
from cism.domain.incident import IncidentState
from cism.domain.plan import StepState
from cism.services import choice
from cism.services.contact_rules import affected
from cism.store.states import OutboxState
from cism.store.tables import AffectedPerson, Incident, Outbox, Person, Question, Step


def check_in(session: Session, step: Step, row: Incident, item: AffectedPerson, person: Person) -> bool:
    """Two incidents at once: one check-in within 48 h speaks for both, unless it was declined.

    One from before the second event, or from its first hours, asked about the other alone.
    """
    first = choice.protocol_of(row).contact("f1")
    # by the due moment and to the minute: points lie whole days apart, and milliseconds must not decide
    since = step.due_at - MERGE_WITHIN + timedelta(minutes=1)
    if item.exposure_end is not None and first is not None and first.window is not None:
        since = max(since, item.exposure_end + first.window[0])
    recent = session.scalar(
        select(Question)
        .where(
            Question.person_id == person.id,
            Question.kind == "check_in",
            Question.asked_at >= since,
            Question.incident_id != row.id,
            Question.state.in_(["open", "answered", "expired"]),
        )
        .order_by(Question.asked_at.desc())
        .limit(1)
    )
    if recent is None or recent.answer == "0":
        return False
    recent.merged = sorted({*(recent.merged or []), row.id})
    return True


def opt_in(session: Session, row: Incident, person: Person, now: datetime) -> bool:
    """Two incidents whose last check-ins were one: the question that is open asks about both."""
    asked = session.scalar(
        select(Question).where(
            Question.person_id == person.id,
            Question.kind == "opt_in",
            Question.state == "open",
            Question.asked_at > now - MERGE_WITHIN,
            Question.incident_id != row.id,
        )
    )
    if asked is None:
        return False
    asked.merged = sorted({*(asked.merged or []), row.id})
    return True


def hand_over(session: Session, row: Incident, person_id: str | None = None) -> int:
    """One of several incidents ends, or ends for `person_id`: a question that speaks for others goes on as
    theirs, with what waits for its answer. What the person says to it still counts; returns how many.
    """
    query = select(Question).where(
        Question.incident_id == row.id,
        Question.kind.in_(["check_in", "opt_in"]),
        Question.state == "open",
    )
    if person_id is not None:
        query = query.where(Question.person_id == person_id)
    return sum(_to_another(session, question) for question in session.scalars(query).all())


def _to_another(session: Session, question: Question) -> int:
    others = [session.get_one(Incident, one) for one in question.merged or []]
    items = {one.id: affected(session, one.id, question.person_id) for one in others}
    still = [
        item
        for one in others
        if one.state is IncidentState.OPEN and (item := items[one.id]) is not None and item.ended_at is None
    ]
    if not still:
        return 0
    question.incident_id, question.subject_id = still[0].incident_id, still[0].id
    question.merged = [item.incident_id for item in still[1:]]
    session.execute(
        update(Step)
        .where(Step.subject_id == question.id, Step.state == StepState.PLANNED)
        .values(incident_id=question.incident_id)
    )
    session.execute(
        update(Outbox)
        .where(Outbox.question_id == question.id, Outbox.state == OutboxState.PENDING)
        .values(incident_id=question.incident_id)
    )
    session.flush()
    return 1
