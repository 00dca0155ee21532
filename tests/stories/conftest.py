"""A story for each test: on SQLite unless the test asks for PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from cism.store.db import Database
from tests.stories.clock import StoryClock
from tests.stories.harness import Story
from tests.stories.roster import Cast
from tests.stories.servers import servers

MakeStory = Callable[[Cast], Story]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Let the fixture know whether the test itself went well."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    if report.when == "call":
        item.stash[_WENT_WELL] = report.passed


_WENT_WELL = pytest.StashKey[bool]()


@pytest.fixture
def story_url(sqlite_url: str) -> str:
    """The database of a story; a module that wants PostgreSQL overrides this."""
    return sqlite_url


@pytest.fixture
def tell(story_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[MakeStory]:
    """Start a story with a cast; it is judged when the test ends."""
    with ExitStack() as stack:
        told: list[Story] = []

        def start(cast: Cast) -> Story:
            clock = StoryClock()
            db = Database(story_url, clock=clock, movable=True)
            stack.callback(db.close)
            told.append(Story(db, clock, stack.enter_context(servers(db, tmp_path)), cast))
            return told[-1]

        yield start
        went_well = request.node.stash.get(_WENT_WELL, False)
        for story in told:
            story.close(judge=went_well)
