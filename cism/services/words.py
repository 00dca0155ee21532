"""What messages are made of: an agency's name, its lines, deadlines, codes; and the way into the outbox."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.services import outbox
from cism.store.tables import Agency, Assignment, Incident, Person, Question
from notifications import messages as m

EMERGENCY_NUMBER = "911"
NO_LINE = "call or text 988"


def put(
    session: Session,
    message: m.Message,
    key: str,
    now: datetime,
    person: Person | None,
    question: Question | None = None,
    incident_id: str | None = None,
    *,
    to_number: str | None = None,
    not_before: datetime | None = None,
    expires_at: datetime | None = None,
) -> None:
    """Queue a message; the first text that somebody ever gets says who we are."""
    if person is not None and person.first_text_at is None:
        agency = session.get(Agency, person.agency)
        opening = m.first_contact(message, attested=bool(agency and agency.command_blind))
        if opening is not message:  # the code of a sign-in does not say it, so that the next text still must
            message, person.first_text_at = opening, now
    outbox.put(
        session,
        message,
        key=key,
        now=now,
        person=person,
        to_number=to_number,
        question=question,
        incident_id=incident_id,
        not_before=not_before,
        expires_at=expires_at,
    )


def agency_name(session: Session, key: str) -> str:
    """How an agency calls itself in texts."""
    agency = session.get(Agency, key)
    return agency.display if agency else key


def agency_of(session: Session, helper: Person, question: Question) -> str:
    """The agency that a question is about, by name; the helper's own where it is about none."""
    row = session.get(Incident, question.incident_id) if question.incident_id else None
    return agency_name(session, row.agency if row else helper.agency)


def deadline(at: datetime, now: datetime, person: Person) -> str:
    """A deadline on the reader's own clock."""
    return m.by_text(at, now, person.zone)


def lines(session: Session, agency_key: str) -> tuple[str, str]:
    """The duty phone and the crisis line of an agency."""
    agency = session.get(Agency, agency_key)
    if agency is None:
        return "", NO_LINE
    return agency.duty_phone or "", agency.crisis_line


def others_open(session: Session, person: Person, question: Question) -> bool:
    """Whether anything else is open, so that a bare digit would not be enough."""
    return (
        session.scalar(
            select(Question.id).where(
                Question.person_id == person.id, Question.state == "open", Question.id != question.id
            )
        )
        is not None
    )


def code_of(session: Session, subject_id: str) -> str:
    """The newest code of the questions about one thing."""
    found = session.scalar(
        select(Question.code)
        .where(Question.subject_id == subject_id, Question.code.is_not(None))
        # who serves knows the code of the assignment, not the page's any more
        .order_by(Question.kind != "assignment", Question.asked_at.desc())
    )
    return found or ""


def assignment_id(session: Session, row: Incident, helper: Person) -> str | None:
    """The part that a helper has in an incident, if any."""
    return session.scalar(
        select(Assignment.id).where(Assignment.incident_id == row.id, Assignment.peer_id == helper.id)
    )


def by_when(at: datetime, now: datetime, zone: str) -> str:
    """A deadline on the reader's own clock."""
    return m.by_text(at, now, zone)


def zone_of(session: Session, agency_key: str) -> str:
    """Where most people of an agency live."""
    zones = Counter(session.scalars(select(Person.zone).where(Person.agency == agency_key)))
    return min(zones, key=lambda zone: (-zones[zone], zone), default="UTC")
