"""Consents given and taken back, each for one purpose and one number, with when, how and in which words."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.consents import How, Purpose, wording
from cism.services import events, outbox
from cism.store.tables import Consent, Person


def note(session: Session, person: Person, purpose: Purpose, given: bool, how: How, now: datetime) -> None:
    """Keep that it was given or taken back for the number of this moment."""
    session.add(
        Consent(
            person=person,
            purpose=purpose.value,
            phone_hash=person.phone_hash,
            given=given,
            how=how.value,
            wording=wording(person.language) if how is How.PAGE else how.value,
            at=now,
        )
    )


def give(session: Session, person: Person, purpose: Purpose, how: How, now: datetime) -> None:
    """The person's own yes: it lifts their own no, and never a STOP: only START from the phone does."""
    if holds(person, purpose):
        return
    setattr(person, f"consent_{purpose.value}", True)
    setattr(person, f"revoked_{purpose.value}", False)
    note(session, person, purpose, True, how, now)
    events.record(session, f"consent.{purpose.value}", now, subject_id=person.id, after="given")


def take_back(session: Session, person: Person, purpose: Purpose, how: How, now: datetime) -> None:
    """The person's own no: what is unsent for this purpose does not leave, and no roster gives it again."""
    setattr(person, f"revoked_{purpose.value}", True)
    note(session, person, purpose, False, how, now)
    outbox.cancel(session, reason="consent revoked", person_id=person.id, care_only=purpose is Purpose.CARE)
    events.record(session, f"consent.{purpose.value}", now, subject_id=person.id, after="revoked")


def holds(person: Person, purpose: Purpose) -> bool:
    """Whether it is given and not taken back."""
    given: bool = getattr(person, f"consent_{purpose.value}")
    revoked: bool = getattr(person, f"revoked_{purpose.value}")
    return given and not revoked


def history(session: Session, person_id: str) -> list[Consent]:
    """All of it, newest first."""
    query = select(Consent).where(Consent.person_id == person_id).order_by(Consent.id.desc())
    return list(session.scalars(query))
