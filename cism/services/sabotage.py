"""Breaks one promise on purpose, so that whoever judges from outside can be seen to notice.

`CISM_BREAK_PROMISE` switches it on, and only where time is invented and no real phone is reached; settings
refuse it otherwise. Every hook is one line in the product, and does nothing while nothing is to be broken.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session, object_session

from cism.domain.plan import StepKind
from cism.store.db import database_of
from cism.store.states import OutboxState
from cism.store.tables import Outbox, Person, Step, new_id
from notifications.messages import MessageKind, is_care

_ONE_IN: Final = 5
_AHEAD: Final = timedelta(minutes=30)
_DISTURBS: Final = time(3)
_COPIED: Final = (
    "kind",
    "person_id",
    "language",
    "payload",
    "lane",
    "incident_id",
    "question_id",
    "not_before",
    "made_at",
)


def breaks(session: Session, promise: str) -> bool:
    """Whether this promise is to be broken here."""
    db = database_of(session)
    return db.break_promise == promise and db.movable and db.on_wall


def spoils(session: Session, row: Any, held_back: dict[str, Any] | None) -> dict[str, Any] | None:
    """`lost`: a care text in five is taken for delivered; `quiet`: no hour holds a text back."""
    if breaks(session, "quiet") and held_back is not None and "not_before" in held_back:
        return None
    if breaks(session, "lost") and held_back is None and is_care(MessageKind(row.kind)):
        return None if int(row.id, 16) % _ONE_IN else {"state": OutboxState.DELIVERED}
    return held_back


def doubles(session: Session, ids: Iterable[str]) -> None:
    """`double`: a check-in that is about to leave is put once more, under a new key."""
    if not breaks(session, "double"):
        return
    for row in session.scalars(select(Outbox).where(Outbox.id.in_(list(ids)))).all():
        if row.kind == MessageKind.CHECK_IN and not row.key.endswith("#2"):
            again = Outbox(
                id=new_id(), key=f"{row.key}#2", state=OutboxState.PENDING, attempts=0, redacted=False
            )
            for name in _COPIED:
                setattr(again, name, getattr(row, name))
            session.add(again)


def has_come(session: Session, now: datetime) -> ColumnElement[bool]:
    """Whether a step's moment has come; `early`: for a check-in half an hour before it has."""
    come = Step.due_at <= now
    if not breaks(session, "early"):
        return come
    return or_(come, (Step.kind == StepKind.CONTACT) & (Step.due_at <= now + _AHEAD))


def due(session: Session, at: datetime, zone: str) -> datetime:
    """`quiet`: what is due on a day is due at three in the night before."""
    if not breaks(session, "quiet"):
        return at
    place = ZoneInfo(zone)
    return datetime.combine(at.astimezone(place).date(), _DISTURBS, tzinfo=place).astimezone(at.tzinfo)


def opens(person: Person) -> bool:
    """`quiet`: this hour is open to this person, whatever it is."""
    session = object_session(person)
    return session is not None and breaks(session, "quiet")


def ends_ladder(session: Session) -> bool:
    """`unacked`: after the first rung nobody else is asked."""
    return breaks(session, "unacked")
