"""A process can be told where to die, and only where nobody waits for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from cism.errors import ConfigurationError
from cism.services import crash
from cism.services.crash import Point
from cism.settings import Settings, load
from cism.store.db import Database


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Who was killed, instead of us."""
    found: list[int] = []
    monkeypatch.setattr(os, "kill", lambda pid, signal: found.extend([pid, signal]))
    crash._passed.clear()
    yield found
    crash._passed.clear()


def test_with_the_real_clock_or_a_real_provider_it_refuses_to_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CISM_CRASH_AT", "send.answered:3")
    with pytest.raises(ConfigurationError, match="CISM_CRASH_AT kills the process on purpose"):
        load()
    monkeypatch.setenv("CISM_CLOCK", "movable")
    assert load().crash_at == "send.answered:3"
    monkeypatch.setenv("CISM_TWILIO_ACCOUNT_SID", "AC" + "1" * 32)
    monkeypatch.setenv("CISM_TWILIO_AUTH_TOKEN", "2" * 32)
    monkeypatch.setenv("CISM_TWILIO_FROM", "+12125550100")
    monkeypatch.setenv("CISM_TWILIO_BASE_URL", "http://127.0.0.1:1")
    with pytest.raises(ConfigurationError, match="the phone wall alone"):
        load()


@pytest.mark.parametrize("text", ["", "send", "send.answered:0", "send.answered:x", "SEND.ANSWERED"])
def test_what_is_no_point_and_count_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a point and a count"):
        Settings(_env_file=None, clock="movable", crash_at=text)  # type: ignore[call-arg]


def test_it_dies_at_the_nth_passing_of_that_point_and_at_no_other(
    movable_db: Database, killed: list[int]
) -> None:
    movable_db.crash_at = "send.answered:2"
    for point in (*Point, Point.SEND_BEGUN):
        crash.passing(movable_db, point)
    assert killed == []
    with movable_db.transaction() as session:
        crash.passing(session, Point.SEND_ANSWERED)
    assert killed == [os.getpid(), 9]


def test_nobody_dies_on_the_real_clock_before_a_real_provider_or_where_nothing_was_said(
    db: Database, killed: list[int]
) -> None:
    for db.crash_at, db.movable, db.on_wall in ((None, True, True), ("send.begun", False, True)):
        crash.passing(db, Point.SEND_BEGUN)
    db.crash_at, db.movable, db.on_wall = "send.begun", True, False
    crash.passing(db, Point.SEND_BEGUN)
    assert killed == []
