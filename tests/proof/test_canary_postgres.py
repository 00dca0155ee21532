"""The marked department on PostgreSQL: its files on disk after a checkpoint, its own log (WAL) among them.

Two days in which all happens that happens in ninety: what a server writes down does not depend on how often.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from sqlalchemy import text

from cism.store.db import Database
from tests.proof import canaries, ninety_days
from tests.stories.clock import StoryClock
from tests.stories.harness import Story
from tests.stories.servers import servers

pytestmark = pytest.mark.timeout(900)
_PLANTED = "Annzebrine Postgresquaggamark"


@pytest.fixture
def lived(postgres_url: str, tmp_path: Path) -> Iterator[Story]:
    with ExitStack() as stack:
        clock = StoryClock()
        db = Database(postgres_url, clock=clock, movable=True)
        stack.callback(db.close)
        story = Story(db, clock, stack.enter_context(servers(db, tmp_path)), ninety_days.marked_cast())
        stack.callback(story.close, judge=False)
        found = ninety_days.live(story, 2, ninety_days.IN_TWO_DAYS)
        assert {"check_in", "escalation", "crisis_answer"} <= found.kinds, found.kinds
        yield story


def test_no_file_of_postgresql_tells_a_name_a_number_a_word_or_an_answer(lived: Story) -> None:
    marks = ninety_days.canaries(lived.cast)
    incident = lived.incidents[0]
    places = _files(lived.db)
    assert any("/pg_wal/" in place for place in places)
    assert any(incident.encode() in content for place, content in places.items() if "/base/" in place)
    assert sorted({(hit.place, hit.canary, hit.form) for hit in canaries.search(places, marks)}) == []
    with lived.db.engine.begin() as connection:
        connection.execute(text("CREATE TABLE planted (words text)"))
        connection.execute(text("INSERT INTO planted VALUES (:words)"), {"words": _PLANTED})
        connection.execute(text("DELETE FROM planted"))
    found = {hit.place.split("/")[-2] for hit in canaries.search(_files(lived.db), [_PLANTED])}
    assert "pg_wal" in found, "a row that is gone stands in the server's own log"
    assert len(found) > 1, "and in its table, until that is vacuumed"


def _files(db: Database) -> dict[str, bytes]:
    """This database's own files, what the cluster shares, its log and what it said, as they lie on disk."""
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("CHECKPOINT"))
        folder = Path(str(connection.scalar(text("SHOW data_directory"))))
        if not folder.is_dir() or not os.access(folder, os.R_OK):
            pytest.skip("the server's files are not on this machine, or not ours to read")
        own = connection.scalar(text("SELECT oid FROM pg_database WHERE datname = current_database()"))
    found = [folder / "base" / str(own), *(folder / name for name in ("global", "pg_wal", "pg_xact", "log"))]
    paths = [path for place in found for path in sorted(place.rglob("*"))]
    paths += sorted(folder.glob("*log*")) + sorted(folder.parent.glob("log*"))
    content: dict[str, bytes] = {}
    for path in paths:
        with suppress(FileNotFoundError, IsADirectoryError):  # the server is at work: files come and go
            content[str(path)] = path.read_bytes()
    return content
