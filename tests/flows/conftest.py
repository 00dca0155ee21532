"""One real Prefect server for all tests marked `prefect`, and parts of the engine as processes."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from cism.clock import monotonic, wait
from cism.store.db import Database
from flows.prefect_server import auth_string
from tests.fakes import engine as fake

Start = Callable[..., "subprocess.Popen[bytes]"]


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def eventually(true: Callable[[], object], within: float, what: str) -> float:
    """Wait until something holds; returns the seconds it took."""
    begun = monotonic()
    while not true():
        if monotonic() - begun > within:
            pytest.fail(f"not within {within} s: {what}")
        wait(0.01)
    return monotonic() - begun


class PrefectServer:
    """A server of our own kind, in a folder of its own."""

    def __init__(self, home: Path) -> None:
        self.home, self.port = home, free_port()
        self.url = f"http://127.0.0.1:{self.port}/api"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers; a server that does not come up fails the test."""
        env = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        with (self.home / "server.log").open("ab") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "flows", "server", "--port", str(self.port)],
                env={**env, "CISM_HOME": str(self.home)},
                stdout=out,
                stderr=out,
            )
        eventually(self.answers, 120, "Prefect's server is up")

    def answers(self) -> bool:
        """Whether it is up."""
        assert self._process is not None
        assert self._process.poll() is None, (self.home / "server.log").read_text()
        try:
            return self.get("/health").is_success
        except httpx.HTTPError:
            return False

    def kill(self) -> None:
        """SIGKILL."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def wipe(self) -> None:
        """Forget everything it knew."""
        for file in (self.home / "prefect").glob("prefect.db*"):
            file.unlink()

    def get(self, path: str) -> httpx.Response:
        """Ask it something."""
        return httpx.get(self.url + path, auth=self.auth(), timeout=60, trust_env=False)

    def ask(self, path: str, body: dict[str, object]) -> list[dict[str, object]]:
        """A filter query."""
        answer = httpx.post(self.url + path, json=body, auth=self.auth(), timeout=60, trust_env=False)
        answer.raise_for_status()
        found: list[dict[str, object]] = answer.json()
        return found

    def auth(self) -> tuple[str, str]:
        name, _, secret = auth_string(self.home).partition(":")
        return name, secret


@pytest.fixture(scope="package")  # it ends with them: beside other tests it would take a fifth of a core
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    """The one server that these tests share."""
    server = PrefectServer(tmp_path_factory.mktemp("prefect"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[PrefectServer]:
    """A server that the test may kill."""
    server = PrefectServer(tmp_path / "prefect-home")
    server.home.mkdir()
    server.start()
    yield server
    server.kill()
    shutil.rmtree(server.home)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    """The small engine's database."""
    database = Database(f"sqlite:///{tmp_path / 'small.db'}")
    fake.make(database)
    yield database
    database.close()


@pytest.fixture
def start(db: Database) -> Iterator[Start]:
    """Starts parts as processes, and ends them."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(part: str, server: PrefectServer, *more: str) -> subprocess.Popen[bytes]:
        env = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        env |= {"CISM_HOME": str(server.home), "PREFECT_API_URL": server.url}
        command = [sys.executable, "-m", "tests.flows.part", part, db.url, *more]
        process = subprocess.Popen(command, env=env, stderr=subprocess.PIPE)
        started.append(process)
        return process

    yield begin
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.communicate()
