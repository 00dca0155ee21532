"""A small department for tests of services."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.services.world import World


@pytest.fixture
def world(sqlite_url: str) -> Iterator[World]:
    """Everybody on the roster, nothing has happened, on SQLite."""
    made = World(sqlite_url)
    yield made
    made.close()


@pytest.fixture
def any_world(database_url: str) -> Iterator[World]:
    """The same, once on each kind of database."""
    made = World(database_url)
    yield made
    made.close()
