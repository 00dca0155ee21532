"""The movable clock: real time plus an offset that every process reads from the database, moved forward
only.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from cism.domain.plan import RECURRING
from cism.errors import BadInput, ClockRefused, NothingPlanned
from cism.services import engine, nightly
from cism.store.db import Database, database_of, now, offset, real_now
from cism.store.tables import ClockMove, ClockRow, Event, Step

_SPAN = re.compile(r"(\d+(?:\.\d+)?)([smhd])", re.ASCII)
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_LONGEST = timedelta(days=36_500)


def parse_span(text: str) -> timedelta:
    """A number and one of s m h d, such as 72h."""
    match = _SPAN.fullmatch(text.strip())
    if match is None:
        message = f"{text!r} is not a span; write a number and one of s m h d, e.g. 72h"
        raise BadInput(message)
    seconds = float(match[1]) * _UNITS[match[2]]
    if seconds > _LONGEST.total_seconds():
        message = f"{text!r} is too long: at most {_LONGEST.days}d at once"
        raise BadInput(message)
    return timedelta(seconds=seconds)


def show(session: Session) -> dict[str, str | float | None]:
    """Now, the offset in seconds, and the next planned moment."""
    following = engine.next_due(session)
    return {
        "now": stamp(now(session)),
        "offset_seconds": offset(session),
        "next_due": stamp(following) if following else None,
    }


def stamp(moment: datetime) -> str:
    """ISO 8601 with Z."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def refuse_unless_movable(session: Session) -> None:
    """Only an installation that was started so may move its clock."""
    if not database_of(session).movable:
        message = "the clock is real; start with CISM_CLOCK=movable (a trial without real phones) to move it"
        raise ClockRefused(message)


def ever_moved(session: Session) -> bool:
    """Whether this database ever left real time."""
    row = session.get(ClockRow, 1)
    return bool(row and row.ever_moved)


def refuse_real_clock(db: Database) -> None:
    """A database whose clock ever moved holds times that were never real: it refuses the real clock."""
    if db.movable:
        return
    with db.read() as session:
        moved = ever_moved(session)
    if moved:
        message = "this database's clock was moved once: set CISM_CLOCK=movable, or use another database"
        raise ClockRefused(message)


def set_instant(session: Session, instant: datetime) -> None:
    """Start at an instant, past or future; once, and only while nothing has happened."""
    refuse_unless_movable(session)
    if ever_moved(session) or session.scalar(select(Event.id).limit(1)) is not None:
        message = "`cism clock set` works once, on an empty database; use `cism clock advance` to go on"
        raise ClockRefused(message)
    _move(session, (instant - real_now(session)).total_seconds(), "set")
    session.execute(delete(Step).where(Step.kind.in_(list(RECURRING))))  # planned for another year
    session.flush()
    nightly.plan_first(session)


def move_to(session: Session, instant: datetime, kind: str) -> None:
    """Go forward to an instant; never back."""
    refuse_unless_movable(session)
    target = (instant - real_now(session)).total_seconds()
    if target <= offset(session):
        return
    _move(session, target, kind)


def next_moment(session: Session) -> datetime:
    """The next due moment, or a refusal where nothing is planned."""
    refuse_unless_movable(session)
    following = engine.next_due(session)
    if following is None:
        raise NothingPlanned
    return following


def _move(session: Session, target: float, kind: str) -> None:
    row = session.get(ClockRow, 1)
    if row is None:
        row = ClockRow(id=1, offset_seconds=0.0, ever_moved=False)
        session.add(row)
    session.add(
        ClockMove(
            moved_at_real=real_now(session),
            offset_before=row.offset_seconds,
            offset_after=target,
            kind=kind,
        )
    )
    row.offset_seconds, row.ever_moved = target, True
