"""However long the history: what is asked again and again reads no table of it from end to end.

Times depend on the machine and its load; the plan of a query does not. SQLite tells how it will read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from cism.domain.plan import StepKind, StepState
from cism.services import (
    breaker,
    claims,
    clock_steps,
    delivery,
    engine,
    overdue,
    readiness,
    redaction,
    stalled,
    trust,
)
from cism.store.states import OutboxState
from cism.store.tables import Outbox, Person, Step, new_id
from tests.services.world import World

_LONG = ("outbox", "step", "event", "inbound", "audit")
# what waits or moves is short, however long the history; a scan of these is none of the table
_SHORT = ("outbox_ready", "outbox_moving", "step_due")
_OFTEN: dict[str, Callable[[Session], object]] = {
    "look": engine.due,
    "claim": lambda session: claims.claim(session, rate=None),
    "unsettled": delivery._unsettled,
    "stalled": stalled.due,
    "redactable": redaction.due,
    "overdue": overdue.read,
    "doctor": readiness.of_database,
    "clock": clock_steps.follow,
    "receipt": lambda session: trust.receipt(session, session.scalars(select(Person.id)).first() or ""),
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Any) -> World:
    import shutil

    path = tmp_path_factory.mktemp("plans") / "cism.db"
    shutil.copyfile(sqlite_template, path)
    made = World(f"sqlite:///{path}")
    made.log("THREAT", "jordan:A", severity="S2", ended_at=made.now())
    made.act(_a_history)
    return made


def _a_history(session: Session) -> None:
    first = session.query(Outbox).first()
    assert first is not None
    names = [column.name for column in Outbox.__table__.columns]
    row = {name: getattr(first, name) for name in names}
    past = {"state": OutboxState.DELIVERED, "sent_real": first.made_at, "redacted_at": first.made_at}
    people = [person.id for person in session.query(Person)]
    for number in range(2000):
        own = {"id": new_id(), "key": new_id(), "sid": new_id(), "claimed_at": first.made_at}
        own["person_id"] = people[number % len(people)]
        session.add(Outbox(**{**row, **past, **own}))
        done = {"state": StepState.DONE, "due_at": first.made_at, "done_at": first.made_at}
        session.add(Step(kind=StepKind.CONTACT, key=new_id(), tries=0, payload={}, **done))
    session.flush()
    session.connection().exec_driver_sql("ANALYZE")


def read_whole(world: World, work: Callable[[Session], object]) -> list[str]:
    """The long tables that are read from end to end, each with the statement."""

    def is_whole(line: str) -> bool:
        words = line.split()
        return words[0] == "SCAN" and words[1] in _LONG and not set(words) & set(_SHORT)

    return [f"{line}: {statement}" for line, statement in plans(world, work) if is_whole(line)]


def plans(world: World, work: Callable[[Session], object]) -> list[tuple[str, str]]:
    """How each statement of this work would be read, line by line, with the statement."""
    found: list[tuple[str, str]] = []

    def explain(
        connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool
    ) -> None:
        parameters = parameters[0] if many else parameters
        if not statement.lstrip().startswith(("SELECT", "UPDATE", "WITH")):
            return
        cursor = connection.connection.driver_connection.cursor()
        for line in cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall():
            found.append((str(line[3]), statement))

    event.listen(world.db.engine, "before_cursor_execute", explain)
    try:
        with world.db.thrown_away() as session:
            work(session)
    finally:
        event.remove(world.db.engine, "before_cursor_execute", explain)
    return found


@pytest.mark.parametrize("name", _OFTEN)
def test_what_is_asked_often_reads_no_history(world: World, name: str) -> None:
    assert read_whole(world, _OFTEN[name]) == []


def test_a_query_that_reads_a_whole_history_is_seen(world: World) -> None:
    assert read_whole(world, lambda session: session.query(Outbox).filter(Outbox.attempts > 3).all())


def test_what_a_phone_got_lately_is_counted_without_all_that_it_ever_got(world: World) -> None:
    def count(session: Session) -> object:
        return breaker._handed(session, {person.id for person in session.query(Person)}, world.now())

    read = [line for line, statement in plans(world, count) if "sum(CASE" in statement]
    assert "SEARCH outbox USING INDEX outbox_lately (person_id=? AND claimed_at>?)" in read
