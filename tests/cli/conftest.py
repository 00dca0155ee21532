"""The command line in this process, on a database of its own, and a stand-in for the conductor."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from typer.testing import CliRunner, Result

from cism.cli.main import app
from cism.services import engine
from cism.store.db import Database, now, real_now
from cism.store.states import OutboxState
from cism.store.tables import Outbox
from tests.conftest import VAULT_KEY

ROSTER = Path(__file__).parents[2] / "cism" / "data" / "sample_roster.csv"
LODD = Path(__file__).parents[2] / "cism" / "data" / "real_incidents_lodd.csv"


@dataclass
class Cli:
    """Runs command lines and reads what they leave behind."""

    url: str
    home: Path
    set_env: Callable[[str, str], None]

    def run(self, *arguments: str) -> Result:
        """One command line, whatever becomes of it."""
        return CliRunner().invoke(app, list(arguments))

    def ok(self, *arguments: str) -> str:
        """What it says, when it must end well and say nothing on standard error."""
        result = self.run(*arguments)
        assert (result.exit_code, result.stderr) == (0, ""), result.output
        return result.stdout

    def json(self, *arguments: str) -> Any:
        """Its JSON, when it must end well."""
        return json.loads(self.ok(*arguments, "--json"))

    def refused(self, *arguments: str, status: int = 1) -> str:
        """The one line on standard error of a command line that must be refused."""
        result = self.run(*arguments)
        assert result.exit_code == status, result.output
        assert result.stderr.count("\n") == 1, result.stderr
        assert result.stderr.strip()
        return result.stderr.strip()

    @contextmanager
    def database(self) -> Iterator[Session]:
        """A transaction on the same database."""
        db = Database(self.url, movable=True)
        try:
            with db.transaction() as session:
                yield session
        finally:
            db.close()

    def conductor(self) -> None:
        """Let a conductor be seen that does nothing."""
        with self.database() as session:
            engine.beat(session, "conductor")

    def roster(self) -> None:
        """Import the sample roster."""
        self.ok("roster", "import", str(ROSTER))

    def incident(self, *more: str) -> str:
        """Log one and return its reference."""
        affected = ("--affected", "P110:A", "--affected", "P111:B")
        found = self.json("log", "--type", "OIS_SHOOTER", "--agency", "metro-pd", *affected, *more)
        return str(found["ref"])


@pytest.fixture
def cli(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The command line on a fresh, migrated database with a movable clock."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CISM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CISM_DATABASE_URL", database_url)
    monkeypatch.setenv("CISM_VAULT_KEYS", base64.urlsafe_b64encode(VAULT_KEY).decode())
    monkeypatch.setenv("CISM_CLOCK", "movable")
    return Cli(database_url, tmp_path / "home", monkeypatch.setenv)


class Performer:
    """Performs what is due and says that every text arrived, as the conductor and a provider would."""

    def __init__(self, url: str) -> None:
        self.db = Database(url, movable=True)
        self.seen: list[tuple[str, str]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="performer")

    def start(self) -> None:
        """Begin; the heartbeat is there when this returns."""
        with self.db.transaction() as session:
            engine.beat(session, "conductor")
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stop.set()
        self._thread.join()
        self.db.close()

    def _run(self) -> None:
        while not self._stop.wait(0.01):
            with self.db.transaction() as session:
                engine.run_due(session)
                for row in session.scalars(select(Outbox).where(*_ready(session))):
                    row.state, row.sent_real = OutboxState.DELIVERED, real_now(session)
                    self.seen.append((row.kind, now(session).isoformat()))


def _ready(session: Session) -> tuple[Any, ...]:
    return engine.outbox_ready(now(session), real_now(session))


@pytest.fixture
def performer(cli: Cli) -> Iterator[Performer]:
    """A conductor's stand-in at work."""
    one = Performer(cli.url)
    one.start()
    yield one
    one.stop()
