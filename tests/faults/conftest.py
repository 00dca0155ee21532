"""The stock of the short part: one a session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.ground import Stock


@pytest.fixture(scope="session")
def stock(request: pytest.FixtureRequest) -> Iterator[Stock]:
    """Databases to copy; PostgreSQL is the session's own, where a case asks for it."""
    with Stock() as made:
        made.find_server = lambda: str(request.getfixturevalue("postgres_server"))
        yield made
