"""A program and its tables are of one version: seen before each act, and kept with all that is in them."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from datetime import time, timedelta

import pytest
from sqlalchemy import func, inspect, select, text

from bench import people, surge
from cism.errors import DatabaseChanged, DatabaseNewer
from cism.services import clockwork, engine, settling
from cism.store import migrate, person_keys
from cism.store.db import Database, find_hash, now
from cism.store.tables import Event, IdempotencyKey, Outbox, Step

_FIRST_OF_ALL, _BEFORE = "0001", "0002"


def _newer(db: Database) -> None:
    """As a newer program's migration leaves it."""
    with db.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'later'"))


@pytest.fixture
def checked(db: Database) -> Database:
    """As every part and command has it after its start."""
    migrate.check(db)
    return db


def test_a_program_whose_tables_were_changed_takes_nothing_more_and_says_so_once(checked: Database) -> None:
    told: list[bool] = []
    checked.when_outdated = lambda: told.append(True)
    with checked.transaction() as session:
        engine.beat(session, "before")
    _newer(checked)
    for _ in range(2):
        with pytest.raises(DatabaseChanged, match="start the newer one"), checked.transaction() as session:
            pytest.fail("an act began")
    assert checked.outdated
    assert told == [True]
    with pytest.raises(DatabaseNewer):
        migrate.check(checked)


def test_a_look_notices_it_too(checked: Database) -> None:
    _newer(checked)
    with pytest.raises(DatabaseChanged), checked.read() as session:
        checked.same_version(session)


def test_who_never_asked_for_a_version_is_not_held_to_one(db: Database) -> None:
    """Rehearsals have tables without a version."""
    _newer(db)
    with db.transaction() as session:
        engine.beat(session, "anybody")


def test_a_migration_waits_for_an_act_under_way(checked: Database, database_url: str) -> None:
    """No act begins on one version of the tables and ends on another."""
    other = Database(database_url)
    migration = threading.Thread(target=migrate.upgrade, args=(other,))
    try:
        with checked.transaction() as session:
            migration.start()
            migration.join(0.4)
            assert migration.is_alive()
            engine.beat(session, "under way")
        migration.join(10)
        assert not migration.is_alive()
    finally:
        other.close()


@pytest.fixture
def full(movable_db: Database) -> Iterator[Database]:
    """People, incidents, steps, questions and messages of a day."""
    with movable_db.transaction() as session:
        people.settle_in(session, people.roster_file(6, 8))
        surge.log_waiting(session, 8)
        clockwork.move_to(session, now(session) + _a_day(), "test")
        while engine.run_due(session).steps:
            continue
        assert session.scalar(select(func.count()).select_from(Step))
        assert session.scalar(select(func.count()).select_from(Event))
    return movable_db


def _a_day() -> timedelta:
    return timedelta(hours=24, minutes=1)


@pytest.mark.parametrize("version", [_BEFORE, _FIRST_OF_ALL])
def test_migrations_lead_back_and_forth_and_lose_nothing_that_both_versions_know(
    full: Database, version: str
) -> None:
    before = _rows(full)
    migrate.downgrade(full, version)
    with pytest.raises(Exception, match="cism db upgrade"):
        migrate.check(full)
    between = _rows(full)
    migrate.upgrade(full)
    after = _rows(full)
    assert set(after) == set(before)
    for table, (columns, rows) in between.items():
        both = [name for name in columns if name in before[table][0]]
        assert _only(before[table], both) == _only((columns, rows), both) == _only(after[table], both), table
    assert len(between["step"][1]) > 8
    with full.transaction() as session:
        assert engine.run_due(session) is not None, "and it goes on"


def test_a_bare_hash_of_something_that_can_be_guessed_comes_under_the_installations_key(
    full: Database,
) -> None:
    """And what an older version had sent or logged is still known again by it."""
    body, report = "Hi Jordan, all good?", '["a report"]'
    migrate.downgrade(full, "0004")
    with full.engine.begin() as connection:
        bare = {name: hashlib.sha256(name.encode()).hexdigest() for name in (body, report)}
        connection.execute(text("UPDATE outbox SET body_digest = :bare"), {"bare": bare[body]})
        one = connection.execute(text("SELECT id FROM incident LIMIT 1")).scalar()
        connection.execute(
            text(
                "INSERT INTO idempotency_key (caller, key, body_hash, incident_id, made_at) "
                "VALUES ('caller', 'key', :bare, :one, '2026-03-02 15:00:00+00:00')"
            ),
            {"bare": bare[report], "one": one},
        )
    migrate.upgrade(full)
    with full.transaction() as session:
        assert set(session.scalars(select(Outbox.body_digest))) == {settling.known_by(session, body)}
        (known,) = session.scalars(select(IdempotencyKey.body_hash))
        assert known == find_hash(session, "report", bare[report])


Table = tuple[list[str], list[tuple[object, ...]]]


def _rows(db: Database) -> dict[str, Table]:
    found = {}
    with db.engine.connect() as connection:
        for table in inspect(connection).get_table_names():
            if table != "alembic_version":
                told = connection.execute(text(f'SELECT * FROM "{table}"'))  # noqa: S608
                names = list(told.keys())
                found[table] = (names, [tuple(map(_opened(db), names, row)) for row in told])
    return found


def _opened(db: Database) -> Callable[[str, object], object]:
    """What a value says, under whichever key it is sealed: sealing the same words twice looks different."""

    def of(name: str, value: object) -> object:
        if isinstance(value, str) and value.startswith(("v1.", "p1.")) and name != "wrapped":
            value = person_keys.opened(value, db.engine.dialect)
        return time.fromisoformat(str(value)) if name in {"sleep_start", "sleep_end"} else value

    return of


def _only(table: Table, columns: list[str]) -> list[str]:
    places = [table[0].index(name) for name in columns]
    return sorted(str([row[place] for place in places]) for row in table[1])
