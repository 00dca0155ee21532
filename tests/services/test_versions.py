"""A program and its tables are of one version: seen before each act, and kept with all that is in them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import time, timedelta

import pytest
from sqlalchemy import func, inspect, select, text

from bench import people, surge
from cism.errors import DatabaseChanged, DatabaseNewer
from cism.services import clockwork, engine
from cism.store import migrate, person_keys
from cism.store.db import Database, now
from cism.store.tables import Event, Step

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
