"""One database, its transactions, and product time inside them."""

from __future__ import annotations

import asyncio
import secrets
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import event, select, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from cism import log
from cism.clock import Clock, RealClock
from cism.errors import DatabaseChanged, StorageFull, StorageUnavailable
from cism.key_file import KeyFile
from cism.settings import Settings
from cism.store import engines, owners, person_keys, restraints, seal
from cism.store.apart import Apart, Mark
from cism.store.tables import Agency, ClockRow, Epoch, Key, Person, new_id
from cism.store.tables import Mark as Remembered

_TRIES = 3
_VERSION = text("SELECT version_num FROM alembic_version")
_FULL = ("disk is full", "no space left", "disk full")
_ONLY_READ = "25006"  # PostgreSQL: read_only_sql_transaction
_REFUSED_BY_DISK = {"SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHMSIZE", "SQLITE_IOERR_TRUNCATE"}
_LEAST_ROOM = 65_536  # bytes: what SQLite needs beside the database before anything is written
STOP_LIST_OWES = "stop list owes"  # it could not be written: it lacks what was committed since
_TICKED = "ticked"
_HELD_ROWS = "rows held"
P = ParamSpec("P")
T = TypeVar("T")


@event.listens_for(Session, "loaded_as_persistent")
def _hold(session: Session, row: object) -> None:
    """Until the transaction ends: a session alone lets go of whatever nobody else holds, and the same few
    people are asked for again and again, with a query each for roles, certificates and conflicts.
    """
    if isinstance(row, Person | Agency):
        session.info.setdefault(_HELD_ROWS, []).append(row)


class Database:
    """Where everything true is kept."""

    def __init__(
        self, url: str, *, clock: Clock | None = None, movable: bool = False, threads: int = 8
    ) -> None:
        self.url = url
        self.clock: Clock = clock or RealClock()
        self.movable = movable
        self.public_url = "http://127.0.0.1:8080"
        self.on_wall = True  # no real phone is reached
        self.answers_help = True  # by us, not by the provider
        self.break_promise: str | None = None  # what services.sabotage spoils, for a demonstration
        self.apart: Apart | None = None  # what a restore does not touch; None: nothing is kept apart
        self.crash_at: str | None = None  # where services.crash ends this process, for a trial
        self.version: str | None = None  # of the tables, once they were found to be this program's
        self.outdated = False  # they are no longer
        self.when_outdated: Callable[[], object] = bool  # called once that is noticed, from any thread
        self.engine = engines.make(url)
        self.keys = owners.attend(self.engine)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self._folder = engines.folder_of(self.engine)  # where SQLite needs room
        self.pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="db")

    @classmethod
    def from_settings(cls, settings: Settings) -> Database:
        """The database of this installation, with its keys loaded."""
        keys = settings.keys()
        seal.use(seal.Keyring(keys, None if settings.vault_keys else KeyFile(settings.key_path)))
        if settings.url.startswith("sqlite:///"):
            Path(settings.url.removeprefix("sqlite:///")).parent.mkdir(
                parents=True, exist_ok=True, mode=0o700
            )
        db = cls(settings.url, movable=settings.clock == "movable")
        db.public_url, db.on_wall = settings.public_url, settings.uses_wall
        db.answers_help = settings.help_answer == "cism"
        db.apart = Apart(settings.make_home(), settings.stop_list_file)
        db.break_promise, db.crash_at = settings.break_promise, settings.crash_at
        return db

    @contextmanager
    def _session(self) -> Iterator[Session]:
        """What all three below have in common."""
        seal.refresh()
        self.keys.forget(after=person_keys.FORGOTTEN_AFTER)
        with self.storage_errors(), Session(self.engine, expire_on_commit=False) as session:
            session.info["database"] = self
            with person_keys.through(session):
                yield session

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """One writing transaction; commits at the end, or leaves nothing behind."""
        with self._session() as session:
            with session.begin():
                if self.is_sqlite:
                    # a deferred transaction that reads and then writes fails at once when another writes
                    session.execute(text("BEGIN IMMEDIATE"))
                self.same_version(session)
                yield session
                written = self._before_commit(session)
            self._after_commit(session, written)

    def same_version(self, session: Session) -> None:
        """Refuse where the tables are no longer those that this program was started on.

        One row, read in the transaction that is about to act. A migration waits for its readers, and they for
        it, so that no act begins on one version of the tables and ends on another.
        """
        if self.version is None or session.execute(_VERSION).scalar() == self.version:
            return
        if not self.outdated:
            self.outdated = True
            log.event("database.changed", expected=self.version)
            self.when_outdated()
        raise DatabaseChanged

    def _before_commit(self, session: Session) -> str | None:
        """The stop list is written first: it may hold what was never committed, and never lacks what was."""
        if self.apart is None:
            return None
        session.flush()
        entries = restraints.touched(session)
        if not entries:
            return None
        tick(session)  # a database without this stop is known for one that went back
        tx, at = new_id(), real_now(session).isoformat()
        chunks = [entries[i : i + restraints.PER_LINE] for i in range(0, len(entries), restraints.PER_LINE)]
        written = [self.apart.append(tx, at, chunk) for chunk in chunks]
        if not all(written):
            # a stop that is refused because a second disk is away would be a text to somebody who said stop
            log.event("stop_list.not_written")
            session.merge(Remembered(name=STOP_LIST_OWES, value=at))
        return tx

    def _after_commit(self, session: Session, written: str | None) -> None:
        if self.apart is None:
            return
        if written is not None:
            self.apart.append(written, self.clock.now().isoformat(), (), done=True)
        ticked: Mark | None = session.info.pop(_TICKED, None)
        if ticked is not None and not self.apart.remember(ticked):
            log.event("mark.not_written")

    @contextmanager
    def read(self) -> Iterator[Session]:
        """One reading transaction; what is changed in it is thrown away."""
        with self._session() as session:
            if self.is_sqlite:
                session.execute(text("BEGIN"))
            yield session
            session.rollback()

    @contextmanager
    def thrown_away(self) -> Iterator[Session]:
        """One writing transaction of which nothing is kept: a dry run, which waits for its turn to write."""
        with self._session() as session:
            if self.is_sqlite:
                session.execute(text("BEGIN IMMEDIATE"))
            yield session
            session.rollback()

    @contextmanager
    def storage_errors(self) -> Iterator[None]:
        """Say honestly that something was not saved."""
        try:
            yield
        except DBAPIError as error:
            reason = str(error.orig).lower()
            if any(words in reason for words in _FULL) or self._no_room(error):
                raise StorageFull from error
            if getattr(error.orig, "sqlite_errorname", None) in _REFUSED_BY_DISK:
                message = (
                    "Not saved: the disk takes no more, by a limit or a fault. Give it room, send it again."
                )
                raise StorageFull(message) from error
            if "readonly database" in reason or getattr(error.orig, "sqlstate", None) == _ONLY_READ:
                message = (
                    "Not saved: the database may not be written; give us its file and its folder, or a "
                    "server that is no standby"
                )
                raise StorageUnavailable(message) from error
            if isinstance(error, OperationalError) or error.connection_invalidated:
                if "no such table" in reason:
                    raise
                raise StorageUnavailable from error
            raise

    def _no_room(self, error: DBAPIError) -> bool:
        """SQLite calls a disk too full for its journal an I/O error, or a file that cannot be opened."""
        name = str(getattr(error.orig, "sqlite_errorname", ""))
        if self._folder is None or not name.startswith(("SQLITE_IOERR", "SQLITE_CANTOPEN")):
            return False
        return self._folder.exists() and shutil.disk_usage(self._folder).free < _LEAST_ROOM

    def close(self) -> None:
        """Let go of connections and threads."""
        self.pool.shutdown(wait=True)
        self.engine.dispose()


async def in_transaction(
    db: Database, act: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """Run one act in a transaction of its own, off the event loop."""

    def work() -> T:
        with db.transaction() as session:
            return act(session, *args, **kwargs)

    def whole() -> T:
        for _ in range(_TRIES):
            try:
                return work()
            except StorageUnavailable as error:
                if not _was_deadlock(error):
                    raise
        return work()

    return await asyncio.get_running_loop().run_in_executor(db.pool, whole)


def _was_deadlock(error: StorageUnavailable) -> bool:
    """Two transactions waited for each other, and this one was thrown away: doing it again is right."""
    cause = getattr(error.__cause__, "orig", None)
    return getattr(cause, "sqlstate", None) in {"40P01", "40001"}


def database_of(session: Session) -> Database:
    """The database a session belongs to."""
    found: Database = session.info["database"]
    return found


def tick(session: Session) -> None:
    """Count one more moment of this database's life; the mark kept apart is written once it is committed.

    Before anything leaves and every few seconds, so that a database from before it is known for one.
    """
    if database_of(session).apart is None:
        return
    row = session.execute(select(Epoch).where(Epoch.id == 1).with_for_update()).scalar_one()
    row.ticks += 1
    session.info[_TICKED] = Mark(row.identity, row.ticks)


def now(session: Session) -> datetime:
    """Product time, read inside the transaction: PostgreSQL's own clock, or this machine's for SQLite."""
    db = database_of(session)
    real = real_now(session)
    if not db.movable:
        return real
    return real + timedelta(seconds=offset(session))


def real_now(session: Session) -> datetime:
    """Real time, by the database's clock where it has one."""
    db = database_of(session)
    if db.is_sqlite or not isinstance(db.clock, RealClock):
        return db.clock.now()
    found: datetime = session.execute(text("SELECT clock_timestamp()")).scalar_one()
    return found.astimezone(db.clock.now().tzinfo)


def offset(session: Session) -> float:
    """Seconds by which product time is ahead of real time."""
    found = session.execute(select(ClockRow.offset_seconds).where(ClockRow.id == 1)).scalar()
    return float(found or 0.0)


def installation_key(session: Session, name: str) -> bytes:
    """A secret of the installation, made on first use and remembered for the process."""
    db = database_of(session)
    cache: dict[str, bytes] = db.__dict__.setdefault("_installation_keys", {})
    if name not in cache:
        row = session.get(Key, name)
        if row is None:
            row = Key(name=name, value=secrets.token_hex(32))
            session.add(row)
            session.flush()
            return bytes.fromhex(row.value)  # not remembered: this transaction may still be thrown away
        cache[name] = bytes.fromhex(row.value)
    return cache[name]


def find_hash(session: Session, domain: str, value: str) -> str:
    """The keyed hash by which a sealed value is found."""
    return seal.keyed_hash(installation_key(session, "index"), domain, value)
