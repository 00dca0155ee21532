"""What helpers are told about offers: to make them, to do them, and that a person was taken over."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from cism.services import words
from cism.services.links import link_for
from cism.store.tables import Incident, Person, Question
from notifications import messages as m


def offers_due(
    session: Session, reader: Person, question: Question, count: int, by: datetime, now: datetime
) -> None:
    """So many offers are to be made by then; which, stands behind the link."""
    message = m.OffersDue(
        agency=words.agency_of(session, reader, question),
        code=question.code or "",
        count=count,
        by=words.deadline(by, now, reader),
        link=link_for(session, reader, "offers", question.subject_id),
    )
    key = f"offers:{question.id}:{now.timestamp():.3f}"
    words.put(session, message, key, now, reader, question, question.incident_id)


def turn(session: Session, helper: Person, question: Question, by: datetime, now: datetime) -> None:
    """Will you? For whom, is told to whoever takes it."""
    message = m.Turn(
        agency=words.agency_of(session, helper, question),
        code=question.code or "",
        by=words.deadline(by, now, helper),
        link=link_for(session, helper, "turn", question.subject_id),
    )
    words.put(session, message, f"turn:{question.id}", now, helper, question, question.incident_id)


def turn_taken(
    session: Session, helper: Person, question: Question, by: datetime, now: datetime, *, again: bool = False
) -> None:
    """It is yours; `again`: by now it should have been reported."""
    message = m.TurnTaken(
        agency=words.agency_of(session, helper, question),
        code=question.code or "",
        by=words.deadline(by, now, helper),
        link=link_for(session, helper, "turn", question.subject_id),
    )
    key = f"turn-taken:{question.id}:{int(again)}:{now.timestamp():.3f}"
    words.put(session, message, key, now, helper, question, question.incident_id)


def hand_off(
    session: Session, sender: Person, row: Incident, offer_id: str, now: datetime, *, received: bool
) -> None:
    """To whoever handed somebody over: received, or theirs again; nothing else (domain.md 5)."""
    part = words.assignment_id(session, row, sender)
    message = m.HandOff(
        agency=words.agency_name(session, row.agency),
        code=words.code_of(session, part) if part else "",
        received=received,
    )
    key = f"hand-off:{offer_id}:{int(received)}:{now.timestamp():.3f}"
    words.put(session, message, key, now, sender, None, row.id)
