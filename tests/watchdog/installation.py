"""A real installation, as its own processes, that a test may kill; and a real watchdog beside it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import httpx

from cism.clock import monotonic, wait
from cism.settings import Settings
from cism.store import migrate
from cism.store.db import Database
from cism_watchdog.reading import parse
from tests.fakes.smtp import SmtpSink
from tests.flows.conftest import eventually, free_port
from tests.test_house import ROOT

AFTER, HEARTBEAT, ANSWER = 3.0, 15.0, 6.0  # seconds: this watchdog's patience; a conductor is heard each five
CISM = (sys.executable, "-c", "from cism.cli.main import app; app()")


def descendants(pid: int) -> list[int]:
    """A process and all that it started, and those started."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text()
        except OSError:  # it has ended meanwhile
            continue
        parents[int(folder.name)] = int(stat.rpartition(")")[2].split()[1])
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


class Installation:
    """Real processes over one folder; no Prefect where a test does without, so that it starts in seconds."""

    def __init__(self, home: Path) -> None:
        self.home, self.port, wall = home, free_port(), free_port()
        keep = {
            name: value for name, value in os.environ.items() if not name.startswith(("CISM_", "PREFECT_"))
        }
        self.env = keep | {
            "CISM_HOME": str(home),
            "CISM_WALL_URL": f"http://127.0.0.1:{wall}",
            "CISM_PUBLIC_URL": f"http://127.0.0.1:{self.port}",
        }
        self.parts: dict[str, subprocess.Popen[bytes]] = {}
        self._commands = {
            "up": (*CISM, "up", "--port", str(self.port)),
            "web": (sys.executable, "-m", "cism.web", "--port", str(self.port)),
            "conductor": (sys.executable, "-m", "flows"),
            "phones": (*CISM, "phones", "--port", str(wall)),
        }

    @property
    def url(self) -> str:
        """Where its pages are."""
        return f"http://127.0.0.1:{self.port}"

    def migrate(self) -> None:
        """Make its database."""
        db = Database.from_settings(Settings(home=self.home, _env_file=None))  # type: ignore[call-arg]
        migrate.upgrade(db)
        db.close()

    def start(self, part: str, **env: str) -> None:
        """Start a part."""
        with (self.home / f"{part}.log").open("ab") as out:
            command = list(self._commands[part])
            self.parts[part] = subprocess.Popen(command, env=self.env | env, stdout=out, stderr=out, cwd=ROOT)

    def signal(self, part: str, what: signal.Signals) -> None:
        """Send a signal to one part."""
        self.parts[part].send_signal(what)

    def kill(self, part: str) -> list[int]:
        """SIGKILL to a part and to every process it started, all at once; returns whom it was sent to."""
        victims = descendants(self.parts[part].pid)
        for pid in victims:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.parts.pop(part).wait()
        return victims

    def ready(self) -> bool:
        """Whether it says that it is able to work."""
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def heard(self) -> bool:
        """Whether its conductor was heard a moment ago."""
        try:
            told = httpx.get(f"{self.url}/metrics", timeout=5, trust_env=False).text
        except httpx.HTTPError:
            return False
        return parse(told).get('cism_heartbeat_age_seconds{part="conductor"}', HEARTBEAT) < HEARTBEAT / 2

    def end(self) -> None:
        """Leave nothing behind."""
        for part in list(self.parts):
            self.kill(part)


class Watchdog:
    """The real program, as a process of its own."""

    def __init__(self, installation: Installation, sink: SmtpSink, home: Path) -> None:
        self.sink, self._log, self._seen = sink, home / "watchdog.log", 0
        env = {
            "PATH": os.environ["PATH"],
            "WATCHDOG_URL": installation.url,
            "WATCHDOG_SMTP_HOST": "127.0.0.1",
            "WATCHDOG_SMTP_PORT": str(sink.port),
            "WATCHDOG_SMTP_TLS": "none",
            "WATCHDOG_MAIL_FROM": "watchdog@example.org",
            "WATCHDOG_MAIL_TO": "duty@example.org",
            "WATCHDOG_STATE": str(home / "watchdog.json"),
            "WATCHDOG_EVERY_SECONDS": "0.5",
            "WATCHDOG_AFTER_SECONDS": str(AFTER),
            "WATCHDOG_WELL_AFTER_SECONDS": "1",
            "WATCHDOG_ANSWER_SECONDS": str(ANSWER),
            "WATCHDOG_HEARTBEAT_SECONDS": str(HEARTBEAT),
        }
        command = [sys.executable, "-m", "cism_watchdog"]
        with self._log.open("wb") as out:
            self.process = subprocess.Popen(command, env=env, stderr=out, cwd=ROOT)

    def page(self, within: float) -> tuple[str, float]:
        """The words of the next page, and the seconds until it came."""
        took = eventually(lambda: len(self.sink.mails) > self._seen, within, f"a page; {self._log}")
        mail = self.sink.mails[self._seen]
        self._seen += 1
        return f"{mail.message['Subject']}\n{mail.text}", took

    def quiet(self, seconds: float) -> None:
        """Nothing is sent for so long."""
        until = monotonic() + seconds
        while monotonic() < until:
            assert len(self.sink.mails) == self._seen, self.sink.mails[-1].text
            wait(0.1)

    def end(self) -> int:
        """Ask it to stop; its exit status."""
        self.process.terminate()
        return self.process.wait(60)
