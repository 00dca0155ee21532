"""Trap 22: no log, at whatever level, tells a name, a number, a roster id or what somebody wrote."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cism import log
from cism.services.handlers import HANDLERS
from cism.store.tables import Step
from tests.services.world import World
from tests.stories.places import metro

WORDS = "Zebra-word nobody else writes"


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """Everything that is logged: our own events as we write them, and all others down to DEBUG."""
    stream = io.StringIO()
    root, ours, theirs = logging.getLogger(), logging.getLogger("cism"), logging.getLogger("sqlalchemy")
    before = (root.level, list(ours.handlers), ours.propagate, ours.level, theirs.level)
    everything = logging.StreamHandler(stream)
    everything.setFormatter(logging.Formatter("%(name)s %(message)s %(exc_text)s"))
    root.addHandler(everything)
    root.setLevel(logging.DEBUG)
    theirs.setLevel(logging.DEBUG)  # as somebody who looks for a fault would
    log.setup("DEBUG")
    for handler in ours.handlers:
        assert isinstance(handler, logging.StreamHandler)
        handler.setStream(stream)
    yield stream
    root.removeHandler(everything)
    root.setLevel(before[0])
    ours.handlers, ours.propagate = before[1], before[2]
    ours.setLevel(before[3])
    theirs.setLevel(before[4])


def canaries(world: World) -> list[str]:
    found = [WORDS, WORDS.lower()]
    for key, row in world.cast.rows.items():
        found += [row["phone"], row["phone"].removeprefix("+1"), row["name"], f'"{key}"']
    return found


def told(text: str, world: World) -> list[str]:
    return [canary for canary in canaries(world) if canary in text]


def test_a_whole_response_leaves_nothing_personal_in_any_log(
    sqlite_url: str, written: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(sqlite_url, metro("jordan", "sam"))
    world.log("THREAT", "jordan:A", "sam:B", severity="S3", ended_at=world.now())
    world.answer("page")
    world.advance(hours=26)
    world.text("jordan", WORDS)
    world.text("sam", f"3 {WORDS}")
    world.answer("escalation")

    def fails(_session: Session, step: Step, _now: object) -> str:
        message = f"{WORDS} to {world.cast.phone('jordan')} ({step.person_id})"
        raise ValueError(message)

    for kind in HANDLERS:  # each step that comes now breaks with everything in its exception's text
        monkeypatch.setitem(HANDLERS, kind, fails)
    world.advance(days=3)
    text = written.getvalue()
    assert "ValueError" in text
    assert told(text, world) == []
    world.close()


def test_a_canary_in_a_log_is_found(sqlite_url: str, written: io.StringIO) -> None:
    world = World(sqlite_url, metro("jordan"))
    logging.getLogger("somebody.else").debug("sent to %s", world.cast.phone("jordan"))
    log.event("planted", words=WORDS)
    found = told(written.getvalue(), world)
    assert WORDS in found
    assert world.cast.phone("jordan") in found
    world.close()


def test_an_error_of_the_database_library_does_not_repeat_what_was_to_be_written(sqlite_url: str) -> None:
    """Somebody may print it; on PostgreSQL the server's own text still names the row, and is never logged."""
    world = World(sqlite_url, metro("jordan"))
    with pytest.raises(IntegrityError) as caught:
        world.act(_broken_row)
    assert WORDS not in str(caught.value)
    world.close()


def _broken_row(session: Session) -> None:
    session.add(Step(kind=None, key=WORDS))
    session.flush()
