"""Real parts are killed, stopped, left alone; the watchdog's mail arrives at a real mail server, or none."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.smtp import SmtpSink
from tests.flows.conftest import eventually
from tests.watchdog.installation import AFTER, ANSWER, HEARTBEAT, Installation, Watchdog, descendants

SLACK = 45.0  # seconds for two busy cores: looks, a mail, processes that start


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    """One that is not started yet."""
    (tmp_path / "home").mkdir()
    made = Installation(tmp_path / "home")
    yield made
    made.end()


@pytest.fixture
def parts(installation: Installation) -> Installation:
    """Phones, pages and conductor, each on its own as under a machine's supervisor; ready."""
    installation.migrate()
    for part in ("phones", "web", "conductor"):
        installation.start(part)
    eventually(installation.ready, 60, "the installation is ready")
    return installation


@pytest.fixture
def watchdog(installation: Installation, sink: SmtpSink, tmp_path: Path) -> Iterator[Watchdog]:
    """Started once the installation is ready."""
    eventually(installation.ready, 90, "the installation is ready")
    made = Watchdog(installation, sink, tmp_path)
    yield made
    if made.process.poll() is None:
        made.process.kill()
        made.process.wait()


@pytest.fixture
def up(installation: Installation) -> Installation:
    """All of `cism up`, with its own Prefect server."""
    installation.start("up")
    return installation


def test_all_of_cism_up_is_killed_and_the_coordinator_is_paged_within_the_limit(
    up: Installation, watchdog: Watchdog
) -> None:
    os.kill(by_command(up.parts["up"].pid, "-m\0flows\0"), signal.SIGKILL)
    watchdog.quiet(HEARTBEAT + AFTER)  # a conductor that `cism up` starts again is nobody's trouble
    all_parts = 6  # the supervisor, pages, conductor, worker, Prefect's server, phones
    eventually(lambda: len(descendants(up.parts["up"].pid)) >= all_parts, 60, "all of it is up")
    killed = up.kill("up")
    eventually(lambda: not any(map(alive, killed)), 60, "all of it is dead")
    said, took = watchdog.page(within=AFTER + SLACK)
    assert "the engine needs you" in said
    assert "does not answer" in said
    assert "cism up" in said
    assert "paper" in said
    assert took >= AFTER - 1
    watchdog.quiet(3)
    assert watchdog.end() == 0


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def test_a_conductor_or_pages_that_are_killed_are_paged_and_being_back_is_told_once(
    parts: Installation, watchdog: Watchdog
) -> None:
    watchdog.quiet(HEARTBEAT + AFTER)  # nothing is wrong: nothing is sent for longer than any page would take
    parts.kill("conductor")
    said, took = watchdog.page(within=HEARTBEAT + AFTER + SLACK)
    assert "The conductor is not heard" in said
    assert "does not answer" not in said
    assert took >= AFTER
    parts.start("conductor")
    eventually(parts.heard, 90, "the conductor is back")
    said, _ = watchdog.page(within=2 * AFTER + SLACK)
    assert "is well again" in said
    watchdog.quiet(2)
    parts.kill("web")
    said, _ = watchdog.page(within=AFTER + SLACK)
    assert "does not answer" in said
    assert "The conductor" not in said


def test_a_conductor_or_pages_that_hang_are_paged_though_their_processes_are_there(
    parts: Installation, watchdog: Watchdog
) -> None:
    parts.signal("conductor", signal.SIGSTOP)
    said, _ = watchdog.page(within=HEARTBEAT + AFTER + SLACK)
    assert "The conductor is not heard" in said
    assert "must be killed" in said
    parts.signal("conductor", signal.SIGCONT)
    said, _ = watchdog.page(within=5 + 2 * AFTER + SLACK)
    assert "is well again" in said
    parts.signal("web", signal.SIGSTOP)
    said, _ = watchdog.page(within=2 * ANSWER + AFTER + SLACK)
    assert "does not answer" in said
    assert all(alive(part.pid) for part in parts.parts.values())


def by_command(parent: int, words: str) -> int:
    """The one child whose command line ends with these words."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    (found,) = [
        int(pid) for pid in children if Path(f"/proc/{pid}/cmdline").read_bytes().endswith(words.encode())
    ]
    return found
