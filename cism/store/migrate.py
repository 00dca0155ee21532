"""Bring a database to this version, or refuse one that is newer. Alembic does the work."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text

from cism.errors import ConfigurationError, DatabaseNewer, DatabaseNotReady
from cism.store import append_only as _append_only  # noqa: F401 - ties the audit log when it is made
from cism.store import on_call_tables as _on_call_tables  # noqa: F401 - tables of their own subject
from cism.store import past_tables as _past_tables  # noqa: F401
from cism.store.db import Database, installation_key
from cism.store.tables import Base, Epoch

if TYPE_CHECKING:
    # imported where it is used: it takes an eighth of a second that a rehearsal does without
    from alembic.config import Config
    from alembic.script import ScriptDirectory

_HERE = Path(__file__).parent / "migrations"
_LOCK = 7_210_427  # any constant: two processes that migrate at once go one after the other


def upgrade(db: Database) -> str:
    """Run the missing migrations; returns the version reached."""
    from alembic import command

    _move(db, lambda config: command.upgrade(config, "head"))
    _make_keys(db)
    return head()


def downgrade(db: Database, version: str) -> None:
    """Go back to an earlier version of the tables; what they have no place for is lost."""
    from alembic import command

    _move(db, lambda config: command.downgrade(config, version))


def _move(db: Database, run: Callable[[Config], None]) -> None:
    """Alone: others wait for it, or it for them, and see either the old tables or the new ones."""
    from alembic.util.exc import CommandError

    with db.storage_errors(), db.engine.connect() as connection:
        _alone(db, connection)
        config = _config()
        config.attributes["connection"] = connection
        try:
            run(config)
        except CommandError as error:
            raise DatabaseNewer from error
        if db.is_sqlite and connection.execute(text("PRAGMA foreign_key_check")).first() is not None:
            message = "the migration was not made: it would leave rows that point nowhere; report this"
            raise ConfigurationError(message)
        connection.commit()


def _alone(db: Database, connection: Connection) -> None:
    if db.is_sqlite:
        # a table that is made anew is dropped first, which would take with it, or be refused for, whatever
        # points to it
        connection.detach()  # closed at the end: nobody else is to have a connection like this
        connection.execute(text("PRAGMA foreign_keys=OFF"))
        connection.execute(text("BEGIN IMMEDIATE"))
        return
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    if connection.execute(text("SELECT to_regclass('alembic_version')")).scalar() is not None:
        # every act of a running program reads it first (`Database.same_version`)
        connection.execute(text("LOCK TABLE alembic_version IN ACCESS EXCLUSIVE MODE"))


def create(db: Database) -> None:
    """All tables at once, in a new database that is thrown away: those that the migrations lead to."""
    Base.metadata.create_all(db.engine)
    _make_keys(db)


def check(db: Database) -> None:
    """Refuse a database that is not at this version, saying which way to mend it.

    From then on each of this program's transactions sees to it that it still is.
    """
    from alembic.runtime.migration import MigrationContext

    with db.storage_errors(), db.engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    if found == head():
        db.version = found
        return
    if found is not None and found not in {script.revision for script in _scripts().walk_revisions()}:
        raise DatabaseNewer
    raise DatabaseNotReady


def head() -> str:
    """The version of this program's tables."""
    return _scripts().get_current_head() or ""


def _make_keys(db: Database) -> None:
    with db.transaction() as session:  # made here, so that no two processes ever make different ones
        installation_key(session, "index")
        if session.get(Epoch, 1) is None:
            session.add(Epoch(id=1, identity=secrets.token_hex(10), ticks=0))


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_HERE))
    return config


def _scripts() -> ScriptDirectory:
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(_config())
