"""Bring a database to this version, or refuse one that is newer. Alembic does the work."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import text

from cism.errors import DatabaseNewer, DatabaseNotReady
from cism.store.db import Database, installation_key
from cism.store.tables import Base, Epoch, new_id

if TYPE_CHECKING:
    # imported where it is used: it takes an eighth of a second that a rehearsal does without
    from alembic.config import Config
    from alembic.script import ScriptDirectory

_HERE = Path(__file__).parent / "migrations"
_LOCK = 7_210_427  # any constant: two processes that migrate at once go one after the other


def upgrade(db: Database) -> str:
    """Run the missing migrations; returns the version reached."""
    from alembic import command
    from alembic.util.exc import CommandError

    with db.storage_errors(), db.engine.connect() as connection:
        if db.is_sqlite:
            connection.execute(text("BEGIN IMMEDIATE"))
        else:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        config = _config()
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise DatabaseNewer from error
        connection.commit()
    _make_keys(db)
    return head()


def create(db: Database) -> None:
    """All tables at once, in a new database that is thrown away: those that the migrations lead to."""
    Base.metadata.create_all(db.engine)
    _make_keys(db)


def check(db: Database) -> None:
    """Refuse a database that is not at this version, saying which way to mend it."""
    from alembic.runtime.migration import MigrationContext

    with db.storage_errors(), db.engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    if found == head():
        return
    if found is not None and found not in {script.revision for script in _scripts().walk_revisions()}:
        raise DatabaseNewer
    raise DatabaseNotReady


def head() -> str:
    """The version of this program's tables."""
    return _scripts().get_current_head() or ""


def _make_keys(db: Database) -> None:
    with db.transaction() as session:  # made here, so that no two processes ever make different ones
        for name in ("index", "audit"):
            installation_key(session, name)
        if session.get(Epoch, 1) is None:
            session.add(Epoch(id=1, identity=new_id(), ticks=0))


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_HERE))
    return config


def _scripts() -> ScriptDirectory:
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(_config())
