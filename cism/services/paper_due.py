"""That a paper is to leave: noted by the night's step, done by whoever has the time to seal it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from cism.store.tables import Mark

MARK = "paper due"


def ask(session: Session, now: datetime) -> None:
    """It is night; sealing takes longer than a transaction may."""
    row = session.get(Mark, MARK)
    if row is None:
        session.add(Mark(name=MARK, value=now.isoformat()))
    else:
        row.value = now.isoformat()


def asked(session: Session, now: datetime) -> bool:
    """Whether one is to leave by now."""
    row = session.get(Mark, MARK)
    return row is not None and datetime.fromisoformat(row.value) <= now


def done(session: Session) -> None:
    """It has left, or nobody wants one."""
    row = session.get(Mark, MARK)
    if row is not None:
        session.delete(row)
