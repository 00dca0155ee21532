"""What people are told about themselves: one short function a message."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from cism.services import words
from cism.services.links import CARE, link_for
from cism.store.tables import GroupSession, Incident, Person, Question
from notifications import messages as m

WITH_PAGE = frozenset({"f30", "f90", "f180", "fA"})
"""Check-ins that bring the address of the private page: before day 30 its questions would mean nothing."""


def invitation(
    session: Session,
    person: Person,
    question: Question,
    meeting: GroupSession,
    helper: Person | None,
    now: datetime,
) -> None:
    """Will you come? It names nobody else."""
    row = session.get_one(Incident, meeting.incident_id)
    message = m.Invitation(
        agency=words.agency_name(session, row.agency),
        name=m.short_name(person.name),
        helper=m.short_name(helper.name) if helper else "",
        when=m.when_text(meeting.starts_at or now, now, person.zone),
        code=(question.code or "") if words.others_open(session, person, question) else "",
    )
    key = f"invite:{meeting.id}:{person.id}"
    words.put(session, message, key, now, person, question, row.id, expires_at=meeting.starts_at)


def invitation_accepted(
    session: Session, person: Person, question: Question, meeting: GroupSession, now: datetime
) -> None:
    """When, and the place behind the link."""
    message = m.InvitationAccepted(
        agency=words.agency_name(session, person.agency),
        when=m.when_text(meeting.starts_at or now, now, person.zone),
        link=link_for(session, person, "invitation", meeting.id),
    )
    words.put(
        session,
        message,
        f"coming:{question.id}:{now.timestamp():.3f}",
        now,
        person,
        None,
        meeting.incident_id,
    )


def check_in(
    session: Session,
    person: Person,
    question: Question,
    row: Incident,
    helper: Person | None,
    now: datetime,
    *,
    reminder: bool = False,
    expires_at: datetime | None = None,
) -> None:
    """How are you? Or the one reminder of that."""
    agency, name = words.agency_name(session, row.agency), m.short_name(person.name)
    told_by = m.short_name(helper.name) if helper else ""
    message: m.Message
    if reminder:
        message = m.CheckInReminder(agency=agency, name=name, helper=told_by)
    else:
        link = link_for(session, person, CARE, None) if question.point in WITH_PAGE else ""
        message = m.CheckIn(agency=agency, name=name, helper=told_by, link=link)
    key = f"{'again' if reminder else 'checkin'}:{question.id}"
    words.put(session, message, key, now, person, question, row.id, expires_at=expires_at)


def contacts_ended(session: Session, person: Person, question: Question, now: datetime) -> None:
    """After 0: ended, and how to return."""
    message = m.ContactsEnded(
        agency=words.agency_name(session, person.agency), name=m.short_name(person.name)
    )
    words.put(session, message, f"ended:{question.id}", now, person, None, question.incident_id)


def opt_in(
    session: Session,
    person: Person,
    question: Question,
    row: Incident,
    helper: Person | None,
    now: datetime,
) -> None:
    """Shall we keep in touch?"""
    message = m.OptIn(
        agency=words.agency_name(session, row.agency),
        name=m.short_name(person.name),
        helper=m.short_name(helper.name) if helper else "",
        code=(question.code or "") if words.others_open(session, person, question) else "",
    )
    words.put(session, message, f"optin:{question.id}", now, person, question, row.id)


def opt_in_done(
    session: Session, person: Person, question: Question, row: Incident, now: datetime, *, kept: bool
) -> None:
    """We keep in touch; or it ends, and how to return."""
    agency, name = words.agency_name(session, row.agency), m.short_name(person.name)
    message = m.OptInDone(agency=agency, name=name) if kept else m.ContactsEnded(agency=agency, name=name)
    words.put(session, message, f"optdone:{question.id}", now, person, None, row.id)


def confirm_phone(session: Session, person: Person, question: Question, now: datetime) -> None:
    """Is this your number?"""
    message = m.ConfirmPhone(
        agency=words.agency_name(session, person.agency),
        name=m.short_name(person.name),
        code=question.code or "",
    )
    words.put(session, message, f"confirm:{question.id}", now, person, question)


def phone_confirmed(session: Session, person: Person, now: datetime, key: str) -> None:
    """Confirmed, and this is what always works."""
    message = m.PhoneConfirmed(
        agency=words.agency_name(session, person.agency), name=m.short_name(person.name)
    )
    words.put(session, message, f"confirmed:{key}", now, person)


def direct(
    session: Session,
    message: m.Message,
    *,
    key: str,
    now: datetime,
    person: Person | None,
    to_number: str | None = None,
    not_before: datetime | None = None,
) -> None:
    """An answer to what somebody just wrote; to a bare number where nobody is known by it."""
    words.put(session, message, key, now, person, to_number=to_number, not_before=not_before)
