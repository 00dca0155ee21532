"""Copies of the database while it runs, and putting one in its place.

The vault keys are in no copy: with them beside it a backup is everybody's secrets, without them it is noise.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, inspect, select
from sqlalchemy.engine import URL, make_url

from cism.clock import RealClock
from cism.errors import BadInput, NotAllowed, StorageUnavailable
from cism.services import copies, postgres_tools, restoring
from cism.settings import Settings
from cism.store import migrate, seal
from cism.store.db import Database, installation_key, tick
from cism.store.tables import Epoch, Person

PART = "backup"  # its heartbeat: when the last one was made
_PAGES = 2_000  # of SQLite's at once: writers wait no longer than these take


def name_at(moment: datetime) -> str:
    """The file name of a backup: when it was made, and nothing else."""
    return moment.strftime(copies.NAMED)


def named(target: Path) -> Path:
    """The file that a backup goes to: in a folder, one of its own."""
    return target / name_at(RealClock().now()) if target.is_dir() else target


def make(settings: Settings, target: Path) -> Path:
    """Write one consistent copy while everything runs; mode 0600; the name is there only once it is whole.

    Raises BadInput for a target that is there already, ConfigurationError where a tool is missing.
    """
    target = named(target)
    if target.exists():
        message = f"{target} is there already: a backup is never written over"
        raise BadInput(message)
    unfinished = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        _copy_of(settings)(unfinished)
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        unfinished.rename(target)
    finally:
        unfinished.unlink(missing_ok=True)
    return target


def restore(settings: Settings, source: Path, *, over: bool) -> Path | None:
    """Put a backup in the place of the database, which from then on counts as restored.

    Refuses while a part runs, and a database that has people in it unless `over`; where the old file was
    moved to (SQLite), or None. Raises NotAllowed, BadInput, ConfigurationError.
    """
    if not source.is_file():
        message = f"{source}: there is no such file"
        raise BadInput(message)
    _refuse_in_use(settings, over=over)
    url = make_url(settings.url)
    aside = None
    if url.get_backend_name() == "sqlite":
        aside = _put_sqlite(url, source)
    else:
        postgres_tools.restore(url, source)
    db = Database.from_settings(settings)
    try:
        migrate.upgrade(db)
        with db.transaction() as session:
            installation_key(
                session, "index"
            )  # sealed: refused here where the keys are not those of the backup
        mark_restored(db)
    finally:
        db.close()
    return aside


def mark_restored(db: Database) -> None:
    """This database counts as restored from now on, whatever the mark kept apart says."""
    marks = db.apart.marks() if db.apart else []
    with db.transaction() as session:
        row = session.get_one(Epoch, restoring.EPOCH_ROW, with_for_update=True)
        row.ticks = max([row.ticks, *(mark.ticks for mark in marks if mark.identity == row.identity)])
        restoring.begin(session)
        tick(session)


def keep_newest(folder: Path, count: int) -> int:
    """Delete all but the newest backups that were made here; how many went."""
    old = sorted(folder.glob(copies.PATTERN))[:-count]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def _copy_of(settings: Settings) -> Callable[[Path], None]:
    url = make_url(settings.url)
    if url.get_backend_name() == "sqlite":
        return lambda target: _sqlite_copy(Path(url.database or ""), target)
    return lambda target: postgres_tools.dump(url, target)


def _sqlite_copy(source: Path, target: Path) -> None:
    if not source.exists():
        message = f"there is no database at {source} yet"
        raise BadInput(message)
    with (
        contextlib.closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True, timeout=15)) as here,
        contextlib.closing(sqlite3.connect(target)) as there,
    ):
        here.backup(there, pages=_PAGES)
        if there.execute("PRAGMA quick_check").fetchone() != ("ok",):
            message = "the copy is damaged, and so may be the database: look at the disk"
            raise StorageUnavailable(message)


def _put_sqlite(url: URL, source: Path) -> Path | None:
    _refuse_foreign(source)
    target = Path(url.database or "")
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    os.close(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        _sqlite_copy(source, fresh)
        aside = _aside(target)
        fresh.rename(target)
    finally:
        fresh.unlink(missing_ok=True)
    return aside


def _aside(target: Path) -> Path | None:
    """The old file and what belongs to it; it may be all that is left of the last minutes."""
    if not target.exists():
        return None
    aside = target.with_name(f"{target.name}.before-{RealClock().now():%Y%m%dT%H%M%S}Z")
    for tail in ("", "-wal", "-shm"):
        part = target.with_name(target.name + tail)
        if part.exists():
            part.rename(aside.with_name(aside.name + tail))
    return aside


def _refuse_foreign(source: Path) -> None:
    """A file that is no backup of ours, or was sealed with other keys: refused before anything is moved."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as file:
            sealed = file.execute("SELECT value FROM installation_key").fetchone()
    except sqlite3.DatabaseError:
        message = f"{source} is no backup of this program; a PostgreSQL backup needs CISM_DATABASE_URL"
        raise BadInput(message) from None
    if sealed is not None:
        seal.current().open(sealed[0])


def _refuse_in_use(settings: Settings, *, over: bool) -> None:
    url = make_url(settings.url)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        return
    db = Database.from_settings(settings)
    try:
        with db.read() as session:
            tables = inspect(session.get_bind()).get_table_names()
            if not {"heartbeat", "person"} <= set(tables):
                return
            if restoring.in_use(session):
                message = "this installation runs, or ran within the last minute: stop every part of it first"
                raise NotAllowed(message)
            people = session.scalar(select(func.count()).select_from(Person)) or 0
    finally:
        db.close()
    if people and not over:
        message = f"the database here has {people} people in it: say --over to put the backup in its place"
        raise NotAllowed(message)
