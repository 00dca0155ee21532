"""Each test has a database of its own, and time stands where the test put it."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, inspect, select

from cism.services import events
from cism.store import migrate
from cism.store.db import Database, now
from cism.store.tables import Event
from tests.conftest import START, FakeClock


@pytest.mark.parametrize("turn", [1, 2])
def test_a_test_finds_a_migrated_database_and_nothing_of_other_tests(db: Database, turn: int) -> None:
    migrate.check(db)
    with db.transaction() as session:
        assert session.scalars(select(Event)).all() == []
        events.record(session, f"turn.{turn}", now(session))


def test_product_time_is_the_tests_own_clock(db: Database, clock: FakeClock) -> None:
    clock.advance(hours=5)
    with db.read() as session:
        assert now(session) == START + timedelta(hours=5)


def test_tables_made_at_once_are_those_that_the_migrations_lead_to(db: Database) -> None:
    made = Database("sqlite://")
    try:
        migrate.create(made)
        assert shape(made.engine) == shape(db.engine) or not db.is_sqlite
    finally:
        made.close()


def shape(engine: Engine) -> dict[str, object]:
    """Every table with its columns, indexes and unique constraints."""
    found = inspect(engine)
    return {
        name: (
            sorted((str(col["name"]), str(col["type"]), col["nullable"]) for col in found.get_columns(name)),
            sorted((str(one["name"]), tuple(one["column_names"])) for one in found.get_indexes(name)),
            sorted(tuple(one["column_names"]) for one in found.get_unique_constraints(name)),
        )
        for name in found.get_table_names()
        if name != "alembic_version"
    }


def test_a_new_file_of_a_database_is_its_owner_s_alone_and_so_is_the_log_beside_it(tmp_path: Path) -> None:
    """Also in a folder that was there before: another user of the machine reads nothing."""
    before = os.umask(0o022)
    try:
        fresh = Database(f"sqlite:///{tmp_path}/fresh.db")
        migrate.upgrade(fresh)
        modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    finally:
        os.umask(before)
        fresh.close()
    assert {"fresh.db", "fresh.db-wal"} <= set(modes)
    assert set(modes.values()) == {0o600}
