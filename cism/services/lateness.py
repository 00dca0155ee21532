"""When what is being done now was due: after an outage that lies in the past, and some texts say so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from cism.store.tables import Step

SAYS_SO_AFTER = timedelta(minutes=5)  # design: less than this is a busy provider and no outage
OWED = "owed"  # in the payload of a step that was put off: when it should first have happened


@contextmanager
def of_step(session: Session, step: Step) -> Iterator[None]:
    """While this is open, whatever is put into the outbox was due when the step was."""
    told = step.payload.get(OWED)
    with since_then(session, datetime.fromisoformat(told) if told else step.due_at):
        yield


@contextmanager
def since_then(session: Session, moment: datetime) -> Iterator[None]:
    """While this is open, whatever is put into the outbox was due at `moment`."""
    session.info[OWED] = moment
    try:
        yield
    finally:
        session.info.pop(OWED, None)


def owed_since(session: Session, now: datetime) -> datetime:
    """When what is being done now was due; `now` itself where nothing is late."""
    moment: datetime = session.info.get(OWED, now)
    return min(moment, now)


def is_late(owed_at: datetime | None, now: datetime) -> bool:
    """Whether what was due then is so late that whoever reads it should know."""
    return owed_at is not None and now - owed_at > SAYS_SO_AFTER
