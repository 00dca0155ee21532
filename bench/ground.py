"""What every measurement stands on: a folder of its own, processes of its own, free ports on this machine.

Whatever is started here ends here, also where the measuring process is killed (`cism.cli.child`).
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from typing import Any, Self

import httpx

from cism.cli import child
from cism.cli.up import free_port
from cism.clock import monotonic, wait
from cism.settings import Settings
from flows.prefect_server import auth_string

ROOT = Path(__file__).resolve().parent.parent
_STOP_WITHIN = 10.0
_UP_WITHIN = 120.0
_OURS = ("CISM_", "PREFECT_", "TWILIO_")


class BenchError(RuntimeError):
    """A measurement could not be taken; its words say why."""


@dataclass(frozen=True, slots=True)
class Wall:
    """A phone wall that is up, and what it wrote down."""

    url: str
    http: httpx.Client

    def arrived(self, more_than: int, within: float) -> int:
        """How many texts have reached a handset; waits until it is more than so many."""
        until = monotonic() + within
        while True:
            left = until - monotonic()
            asked = {"since": more_than, "wait": max(0.0, min(20.0, left))}
            answer = self.http.get(f"{self.url}/wall/api/messages", params=asked).raise_for_status()
            last = int(answer.json()["last"])
            if last > more_than:
                return last
            if left <= 0:
                message = f"the phone wall had {more_than} texts and got no other within {within:g} s"
                raise BenchError(message)

    def accepted(self) -> list[dict[str, Any]]:
        """Every text that it took, by the instant at which it did."""
        answer = self.http.get(f"{self.url}/wall/api/export").raise_for_status()
        found: list[dict[str, Any]] = [
            item for item in answer.json()["messages"] if item["direction"] != "inbound"
        ]
        return sorted(found, key=lambda item: str(item["accepted_at"]))


class Ground:
    """Use as a context manager. It changes into its folder, so that no `.env` of another one is read."""

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="cism-bench-"))
        self.http = httpx.Client(timeout=30.0, trust_env=False)
        self._stack = ExitStack()
        self._prefect: str | None = None
        self._env = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        self._env |= {"CISM_HOME": str(self.home), "PYTHONPATH": str(ROOT), "DO_NOT_TRACK": "1"}

    def __enter__(self) -> Self:
        self._stack.callback(shutil.rmtree, self.home, ignore_errors=True)
        self._stack.callback(os.chdir, Path.cwd())
        self._stack.callback(self.http.close)
        os.chdir(self.home)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def settings(self, **given: Any) -> Settings:
        """Settings with the movable clock; `given` are fields of Settings."""
        return Settings(_env_file=None, home=self.home, clock="movable", **given)  # type: ignore[call-arg]

    @contextmanager
    def process(self, name: str, *command: str, **env: str) -> Iterator[Popen[bytes]]:
        """`python` with these arguments, until the block ends; its output is a file in the folder."""
        log = self.home / f"{name}.log"
        started = child.start([sys.executable, *command], {**self._env, **env}, log)
        try:
            yield started
        finally:
            child.stop(started, _STOP_WITHIN)

    @contextmanager
    def wall(self) -> Iterator[Wall]:
        """A fresh phone wall in a process of its own."""
        port = free_port()
        account, token = self.settings().wall_credentials()
        command = ("-m", "notifications.phone_wall", "--port", str(port), "--account-sid", account)
        with self.process(f"wall-{port}", *command, WALL_AUTH_TOKEN=token) as started:
            wall = Wall(f"http://127.0.0.1:{port}", self.http)
            self.until(lambda: self.answers(f"{wall.url}/wall/api/version"), started, "the phone wall")
            yield wall

    def prefect(self) -> str:
        """The address of the one Prefect server of this run, started on first use."""
        if self._prefect is None:
            port = free_port()
            url = f"http://127.0.0.1:{port}/api"
            part = self.process("prefect", "-m", "flows", "server", "--port", str(port))
            started = self._stack.enter_context(part)
            self.until(lambda: self.answers(f"{url}/health"), started, "Prefect's server")
            self._prefect = url
        return self._prefect

    def prefect_auth(self) -> tuple[str, str]:
        """Name and secret for Prefect's server."""
        name, _, secret = auth_string(self.home).partition(":")
        return name, secret

    @contextmanager
    def product(self, database_url: str, wall: Wall, parts: Sequence[str], **env: str) -> Iterator[str]:
        """The running product on this database, with Prefect; gives the address of its web part."""
        port, prefect = free_port(), self.prefect()
        url = f"http://127.0.0.1:{port}"
        env |= {"CISM_CLOCK": "movable", "CISM_DATABASE_URL": database_url, "CISM_WALL_URL": wall.url}
        env |= {"CISM_PUBLIC_URL": url, "PREFECT_API_URL": prefect}
        commands = {"web": ("-m", "cism.web", "--port", str(port)), "conductor": ("-m", "flows")}
        commands["worker"] = ("-m", "flows", "worker")
        ready = {"web": "cism web at", "conductor": "prefect.ready", "worker": "worker.ready"}
        with ExitStack() as stack:
            for part in parts:
                name = f"{part}-{port}"
                started = stack.enter_context(self.process(name, *commands[part], **env))
                self.until(lambda file=name, word=ready[part]: word in self.log(file), started, part)
            yield url

    def log(self, name: str) -> str:
        """What a process has written so far."""
        return (self.home / f"{name}.log").read_text(errors="replace")

    def answers(self, url: str) -> bool:
        """Whether a page is there."""
        try:
            return self.http.get(url, timeout=2.0).is_success
        except httpx.HTTPError:
            return False

    def until(self, true: Callable[[], object], process: Popen[bytes], what: str) -> None:
        """Wait for a process to be ready."""
        deadline = monotonic() + _UP_WITHIN
        while not true():
            if process.poll() is not None or monotonic() > deadline:
                told = {
                    path.name: path.read_text(errors="replace")[-400:] for path in self.home.glob("*.log")
                }
                message = f"{what} did not come up: {json.dumps(told, indent=1)}"
                raise BenchError(message)
            wait(0.05)
