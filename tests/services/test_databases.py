"""Each test has a database of its own, and time stands where the test put it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

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
