"""A helper says that nobody is to ask them for a while: leave or rest, no reason is asked or kept.

What they have stays theirs until they hand it back (`passing_on`).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from cism.errors import AlreadyDone, BadInput
from cism.store.staff_tables import Away
from cism.store.tables import Person

REST: Final = timedelta(days=14)  # design: as long as the rest after a grave incident
LONGEST: Final = timedelta(days=366)  # design: whoever is away for longer is on leave on the roster


def until(session: Session, person_id: str, now: datetime) -> datetime | None:
    """Until when this person is asked for nothing; None for whoever may be asked."""
    return of_many(session, [person_id], now).get(person_id)


def of_many(session: Session, person_ids: Collection[str] | None, now: datetime) -> dict[str, datetime]:
    """The same of several by id, only those who are away; of everybody for None."""
    query = select(Away.person_id, Away.until).where(Away.until > now)
    if person_ids is not None:
        query = query.where(Away.person_id.in_(person_ids))
    return {row.person_id: row.until for row in session.execute(query)}


def say(session: Session, person: Person, moment: datetime, now: datetime) -> None:
    """They are asked for nothing before `moment`; said again, the new one counts.

    Raises BadInput for a moment that has passed, or lies more than a year ahead.
    """
    if not now < moment <= now + LONGEST:
        message = "Choose a day from tomorrow on, within a year. A longer leave belongs on the roster."
        raise BadInput(message)
    session.merge(Away(person_id=person.id, since=now, until=moment))
    session.flush()


def come_back(session: Session, person: Person, now: datetime) -> None:
    """They may be asked again, from now on. Raises AlreadyDone where they may be asked already."""
    if until(session, person.id, now) is None:
        raise AlreadyDone
    session.execute(delete(Away).where(Away.person_id == person.id))


def forget(session: Session, now: datetime) -> None:
    """What is over is kept no longer."""
    session.execute(delete(Away).where(Away.until <= now))
