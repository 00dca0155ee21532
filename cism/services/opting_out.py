"""STOP, by text or by a button of the person's own page: it beats everything; START takes it back."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from cism.domain.consents import How, Purpose
from cism.services import consents, unsent
from cism.store.tables import Person


def stop(session: Session, person: Person, how: How, now: datetime) -> None:
    """No text goes to this person any more until they text START; once more changes nothing.

    A call that they asked for still comes, by voice.
    """
    if person.opted_out_at is not None:
        return
    person.opted_out_at = now
    said_no(session, person, how, now)
    unsent.stopped(session, person, now)


def start(session: Session, person: Person, how: How, now: datetime) -> None:
    """Their own word lifts their stop, and their no to check-ins. What thereby stands again is kept as a yes.

    It gives nothing that they never gave: that needs the words of the page.
    """
    stood = {
        purpose for purpose in Purpose if person.opted_out_at is None and consents.holds(person, purpose)
    }
    person.opted_out_at = None
    person.revoked_care = False
    for purpose in Purpose:
        if consents.holds(person, purpose) and purpose not in stood:
            consents.note(session, person, purpose, True, how, now)


def said_no(session: Session, person: Person, how: How, now: datetime) -> None:
    """To everything: kept for each purpose that they had said yes to."""
    for purpose in Purpose:
        if consents.holds(person, purpose):
            consents.note(session, person, purpose, False, how, now)
