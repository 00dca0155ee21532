"""Calls that a helper cannot keep, who is gone or stands on the list too: the next rung is asked."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from cism.domain.escalation import EscalationState
from cism.services import events, notify, people, questions, rungs, steps
from cism.store.tables import Escalation, Incident, Person, Question


def given_up(session: Session, helper: Person, now: datetime) -> None:
    """A helper who is gone has what they took no longer, and what they were asked passes to the next."""
    _hand_on(session, Escalation.acked_by == helper.id, Question.person_id == helper.id, now=now)


def stand_back(session: Session, row: Incident, now: datetime) -> None:
    """Whoever is on a list handles nobody on it: what they took or were asked passes on (domain.md 11.17)."""
    here = {item.person_id for item in row.affected}
    taken = Escalation.acked_by.in_(here) & Escalation.person_id.in_(here)
    asked = Question.person_id.in_(here) & Question.about_id.in_(here)
    for question in _hand_on(session, taken, asked, now=now):
        notify.handed_back(session, people.get(session, question.person_id), question, now)


def _hand_on(
    session: Session, taken: ColumnElement[bool], asked: ColumnElement[bool], *, now: datetime
) -> list[Question]:
    """Escalations that were taken open again, questions that are open close; those questions."""
    acked = select(Escalation.id).where(taken, Escalation.state == EscalationState.ACKED)
    for escalation_id in session.scalars(acked).all():
        row = rungs.locked(session, escalation_id)
        events.record(session, "escalation.given_up", now, subject_id=row.id, before="acked", after="open")
        helper_id, row.state = row.acked_by, EscalationState.OPEN
        row.acked_by = row.acked_at = None
        steps.cancel(session, reason="given up", now=now, subject_id=row.id)
        rungs.plan_rung(session, row, row.rung + 1, now, but=helper_id)
    open_ones = select(Question).where(
        asked, Question.kind.in_(("escalation", "welfare")), Question.state == "open"
    )
    found = list(session.scalars(open_ones))
    for question in found:
        rungs.cannot_be_told(session, question, now)
        questions.close(
            session, state="expired", now=now, subject_id=question.subject_id, person_id=question.person_id
        )
    return found
