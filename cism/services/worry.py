"""A helper is worried about somebody they look after (7): a clinician goes on from there."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from cism.domain.escalation import EscalationLevel
from cism.services import escalations, notify, people, queue
from cism.store.tables import Person, Question

_WHOM_WITHIN = timedelta(minutes=30)  # a worry that names nobody: a human asks whom it is about


def about(
    session: Session, helper: Person, question: Question, now: datetime, *, inbound_sid: str | None = None
) -> None:
    """Open an escalation about whom the question is about, even if that question is long over."""
    subject = people.get(session, question.about_id) if question.about_id else None
    if subject is None:
        subject = _only_person_of(session, question)
    if subject is None:
        # of several only the helper can say who: a clinician asks them, at once
        row = queue.add(
            session, "worry", now=now, within=_WHOM_WITHIN, person=helper, inbound_sid=inbound_sid
        )
        queue.escalate(session, row, now)
    else:
        escalations.open_for(
            session,
            person=subject,
            agency=subject.agency,
            level=EscalationLevel.URGENT,
            reason="worry",
            now=now,
            incident_id=question.incident_id,
        )
    notify.noted(session, helper, question, now, goes_on=True)


def _only_person_of(session: Session, question: Question) -> Person | None:
    """Whom a worry about a whole assignment means, where the helper looks after exactly one person."""
    found = people.looked_after(session, question.person_id, question.incident_id)
    return found[0] if len(found) == 1 else None
