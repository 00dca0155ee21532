"""The movable clock: shown, set once, moved to the next due moment, or over a span."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

import typer
from rich.progress import Progress

from cism import clock as real
from cism.cli import ground, reading, show
from cism.cli.show import AsJson
from cism.errors import ClockRefused
from cism.services import audit, clockwork, engine, readiness
from cism.store.db import Database, now

app = typer.Typer(help="The movable clock (CISM_CLOCK=movable).", no_args_is_help=True)
RECEIPTS_WITHIN = timedelta(seconds=5)  # contract.md: at most so long a receipt is waited for, in real time
START_WITHIN = 20.0  # seconds of real time in which a conductor that is just starting must be seen
STUCK_AFTER = 90.0  # seconds of real time without any progress
_LOOK_EVERY = 0.03


@app.command("show")
def show_(as_json: AsJson = False) -> None:
    """Say what time it is here, and when the next thing is due."""
    with ground.opened() as db:
        _tell(db, as_json=as_json)


@app.command("set")
def set_(
    instant: Annotated[datetime, typer.Argument(parser=reading.instant, metavar="INSTANT")],
    as_json: AsJson = False,
) -> None:
    """Begin at an instant, past or future; once, on an empty database."""
    with ground.opened() as db:
        with db.transaction() as session:
            clockwork.set_instant(session, instant)
            audit.write(session, "owner", "cli clock set")
        _tell(db, as_json=as_json)


@app.command("next")
def next_(as_json: AsJson = False) -> None:
    """Go to the next due moment, and return when everything that it brings has been done."""
    with ground.opened() as db:
        with db.read() as session:
            clockwork.next_moment(session)  # with nothing planned nobody needs to be there to perform it
        _await_performer(db)
        with db.transaction() as session:
            clockwork.move_to(session, clockwork.next_moment(session), "next")
        settle(db)
        _tell(db, as_json=as_json)


@app.command("advance")
def advance(
    span: Annotated[str, typer.Argument(help="A number and one of s m h d, like 72h.")],
    outage: Annotated[
        bool, typer.Option("--outage", help="At once, as if the machine had been off.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Go forward over a span, through each due moment on the way, in order."""
    length = clockwork.parse_span(span)
    with ground.opened() as db:
        if outage:
            with db.transaction() as session:
                clockwork.move_to(session, now(session) + length, "outage")
        else:
            with db.read() as session:
                clockwork.refuse_unless_movable(session)
            _await_performer(db)
            with show.progress(f"advancing {span}") as bar:
                _through(db, length, bar)
        _tell(db, as_json=as_json)


def settle(db: Database) -> None:
    """Wait until nothing is due, claimed, unsent or waiting for a receipt; refuse to wait for ever."""
    seen: tuple[Any, ...] | None = None
    since = real.monotonic()
    while True:
        with db.read() as session:
            if not engine.busy(session, RECEIPTS_WITHIN):
                return
            found = engine.due(session)
        state = (found.kinds, found.messages, found.unsettled)
        if state != seen:
            seen, since = state, real.monotonic()
        elif real.monotonic() - since > STUCK_AFTER:
            waiting = sum(found.kinds.values())
            message = (
                f"the clock was moved, but nothing was performed for {STUCK_AFTER:.0f} s: {waiting} steps "
                f"and {found.messages} messages wait; see `cism doctor`"
            )
            raise ClockRefused(message)
        real.wait(_LOOK_EVERY)


def _through(db: Database, length: timedelta, bar: Progress) -> None:
    task = bar.task_ids[0]
    with db.read() as session:
        start = now(session)
    target = start + length
    bar.update(task, total=length.total_seconds())
    settle(db)
    while (due := _next_before(db, target)) is not None:
        with db.transaction() as session:
            clockwork.move_to(session, due, "advance")
        settle(db)
        bar.update(task, completed=(due - start).total_seconds())
    with db.transaction() as session:
        clockwork.move_to(session, target, "advance")
    settle(db)


def _next_before(db: Database, target: datetime) -> datetime | None:
    with db.read() as session:
        due = engine.next_due(session)
        # what is due already and not busy waits for something else, and not for the clock
        return due if due is not None and now(session) < due <= target else None


def _await_performer(db: Database) -> None:
    """Refuse, before anything moves, where nobody is there to perform what becomes due."""
    deadline = real.monotonic() + START_WITHIN
    while not _performer(db):
        if real.monotonic() >= deadline:
            message = (
                "no conductor is running, so nothing would be performed: start `cism up`; nothing was moved"
            )
            raise ClockRefused(message)
        real.wait(_LOOK_EVERY)


def _performer(db: Database) -> bool:
    with db.read() as session:
        return readiness.performer_seen(session)


def _tell(db: Database, *, as_json: bool) -> None:
    with db.read() as session:
        found = clockwork.show(session)
    if as_json:
        show.data(found)
        return
    offset = timedelta(seconds=round(float(found["offset_seconds"] or 0)))
    following = found["next_due"] or "nothing is planned"
    show.line(
        f"now {found['now']} (real time {'+' if offset >= timedelta(0) else ''}{offset}); next {following}"
    )
