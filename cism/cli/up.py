"""`cism up`: starts every part as a child process, starts again what dies, stops all in order.

The parts are data: a name and a command. Nothing of Prefect is imported here, so that pages are served
and peers are paged within seconds while Prefect's server still starts.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from cism.cli import child
from cism.clock import monotonic, wait
from cism.errors import OUTDATED, ConfigurationError
from cism.services import engine, first_run, restoring
from cism.services.languages import open_database
from cism.settings import Settings
from cism.store import migrate

_BACK_OFF = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)  # seconds before a part is started again
_STEADY = 30.0  # seconds after which its earlier deaths are forgotten
_STOP_WITHIN = 12.0
_FIRST_WITHIN = 8.0  # the second stage does not wait longer for the pages to answer
FIRST_RUN_FILE = "first-run.address"
_CISM = (sys.executable, "-c", "from cism.cli.main import app; app()")

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Part:
    """One child process. Stage 0 is started first; `port` is what it will listen on."""

    name: str
    command: tuple[str, ...]
    stage: int = 0
    port: int | None = None
    env: Mapping[str, str] = field(default_factory=dict)


def parts(settings: Settings, port: int, given: Mapping[str, str]) -> list[Part]:
    """Everything that belongs to this installation; they are stopped in this order."""
    flows = (sys.executable, "-m", "flows")
    found = [
        # not by way of our own command line, whose import would cost the first page a second
        Part(
            "web", (sys.executable, "-m", "cism.web", "--host", "127.0.0.1", "--port", str(port)), port=port
        ),
        Part("conductor", flows),
        Part("worker", (*flows, "worker"), stage=1),
    ]
    if not given.get("PREFECT_API_URL"):
        prefect = free_port()
        url = {"PREFECT_API_URL": f"http://127.0.0.1:{prefect}/api"}
        found = [Part(part.name, part.command, part.stage, part.port, url) for part in found]
        found.append(Part("prefect", (*flows, "server", "--port", str(prefect)), stage=1, port=prefect))
    if settings.backup_folder is not None:
        found.append(Part("backup", (*_CISM, "backup", "keep"), stage=1))
    if settings.uses_wall:
        wall = settings.wall_port
        found.append(Part("phones", (*_CISM, "phones", "--port", str(wall)), port=wall))
    return found


def up(settings: Settings, port: int, say: Say) -> int:
    """Migrate, then run all parts until SIGINT or SIGTERM; 0 after an orderly end, 4 where we are too old."""
    wanted = parts(settings, port, os.environ)
    for part in wanted:
        refuse_taken(part)
    db = open_database(settings)
    try:
        migrate.upgrade(db)
        restoring.notice(db)  # before a heartbeat says that somebody has this database in their hands
        with db.transaction() as session:  # a receipt in the next seconds is not to say that nothing works
            engine.beat(session, engine.STARTING)
            first = first_run.offer(session)
    finally:
        db.close()
    common = {"CISM_HOME": str(settings.home.absolute())}
    if "CISM_PUBLIC_URL" not in os.environ:
        common["CISM_PUBLIC_URL"] = f"http://127.0.0.1:{port}"
    tell(wanted, settings, port, say)
    tell_first_run(settings, port, first, say)
    return Supervisor(wanted, settings.home / "logs", say, common).run()


def tell(wanted: Sequence[Part], settings: Settings, port: int, say: Say) -> None:
    """Where everything is."""
    say(f"pages      http://127.0.0.1:{port}")
    if settings.uses_wall:
        say(f"phones     {settings.wall_url} (no Twilio is set: no real phone is reached)")
    for part in wanted:
        if part.name == "prefect":
            say(f"prefect    http://127.0.0.1:{part.port} (starting; pages go out without it)")
    say(f"logs       {settings.home / 'logs'}")
    say("Ctrl-C stops all of it.")


def tell_first_run(
    settings: Settings, port: int, secret: str | None, say: Say, *, terminal: bool | None = None
) -> None:
    """Where the first coordinator is made, while there is none: on a terminal, or else in a file of ours.

    What a service prints is kept in somebody's log, and the address is a secret.
    """
    file = settings.home / FIRST_RUN_FILE
    file.unlink(missing_ok=True)
    if secret is None:
        return
    base = settings.public_url if "public_url" in settings.model_fields_set else f"http://127.0.0.1:{port}"
    address = f"{base}/first-run/{secret}"
    if sys.stdout.isatty() if terminal is None else terminal:
        say(f"first run  {address} (opens once: make the agency and its coordinator there)")
        return
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as written:
        written.write(address + "\n")
    say(f"first run  nobody coordinates yet: open the address that stands in {file}")


class Supervisor:
    """Child processes that are to be alive until we are told to stop."""

    def __init__(
        self, wanted: Sequence[Part], logs: Path, say: Say, env: Mapping[str, str] | None = None
    ) -> None:
        """`wanted` in the order in which they are stopped; each part's output goes to a file in `logs`."""
        self._wanted = list(wanted)
        self._logs = logs
        self._say = say
        self._env = dict(env or {})
        self._stop = False
        self._alive: dict[str, tuple[subprocess.Popen[bytes], float]] = {}
        self._deaths: dict[str, int] = {}
        self._again_at: dict[str, float] = {}
        self._status = 0

    def run(self) -> int:
        """Until SIGINT or SIGTERM, or until a part finds its program older than the database."""
        before = {name: signal.signal(name, self._asked) for name in (signal.SIGINT, signal.SIGTERM)}
        try:
            self._start_in_stages()
            while not self._stop:
                self.look()
                wait(0.1)
        finally:
            self.end()
            for name, handler in before.items():
                signal.signal(name, handler)
        return self._status

    def look(self) -> None:
        """Notice who died, and start again whose time has come."""
        now = monotonic()
        for part in self._wanted:
            if part.name in self._alive:
                self._notice(part, now)
            elif self._again_at.get(part.name, 0.0) <= now:
                self._start(part)

    def end(self) -> None:
        """Stop all in order: first who takes in new work, last who carries the messages."""
        for part in self._wanted:
            process, _ = self._alive.pop(part.name, (None, 0.0))
            if process is not None:
                child.stop(process, _STOP_WITHIN)
        self._say("all stopped")

    def _start_in_stages(self) -> None:
        for part in self._wanted:
            if part.stage == 0:
                self._start(part)
        until = monotonic() + _FIRST_WITHIN
        listening = [part.port for part in self._wanted if part.stage == 0 and part.port]
        while monotonic() < until and not self._stop and not all(map(answers, listening)):
            wait(0.1)
        # look() starts the second stage, and whatever of the first has died meanwhile

    def _start(self, part: Part) -> None:
        self._logs.mkdir(parents=True, exist_ok=True, mode=0o700)
        env = {**os.environ, **self._env, **part.env}
        self._alive[part.name] = (
            child.start(part.command, env, self._logs / f"{part.name}.log"),
            monotonic(),
        )

    def _notice(self, part: Part, now: float) -> None:
        process, since = self._alive[part.name]
        if process.poll() is None:
            return
        del self._alive[part.name]
        if process.returncode == OUTDATED:
            self._say(f"{part.name} ended: the database is of a newer version. Start the newer program.")
            self._stop, self._status = True, OUTDATED
            return
        deaths = 0 if now - since > _STEADY else self._deaths.get(part.name, 0)
        pause = _BACK_OFF[min(deaths, len(_BACK_OFF) - 1)]
        self._deaths[part.name] = deaths + 1
        self._again_at[part.name] = now + pause
        self._say(f"{part.name} ended ({process.returncode}); again in {pause:g} s, see {part.name}.log")

    def _asked(self, _signal: int, _frame: FrameType | None) -> None:
        self._stop = True


def free_port() -> int:
    """A port of this machine that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int | None) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return port is None or probe.connect_ex(("127.0.0.1", port)) == 0


def refuse_taken(part: Part) -> None:
    """A port that somebody else has is an error before anything is started."""
    if part.port is None or not answers(part.port):
        return
    remedy = "choose another with --port" if part.name == "web" else "stop what listens there"
    if part.name == "phones":
        remedy += ", or set CISM_WALL_URL to another"
    message = f"port {part.port} for {part.name} is taken: {remedy}"
    raise ConfigurationError(message)
