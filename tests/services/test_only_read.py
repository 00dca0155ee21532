"""A database that may only be read, as a standby is: nothing is saved, and that is what is said."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from cism.errors import StorageUnavailable
from cism.services import engine
from cism.store.db import Database


def _beat_on_a_standby(db: Database) -> None:
    with db.transaction() as session:
        session.execute(text("SET TRANSACTION READ ONLY"))
        engine.beat(session, "anybody")


def test_nothing_is_saved_and_said_so_where_postgresql_may_only_be_read(
    postgres_url: str,
) -> None:
    db = Database(postgres_url)
    try:
        with pytest.raises(StorageUnavailable, match="Not saved: the database may not be written"):
            _beat_on_a_standby(db)
        with db.transaction() as session:
            engine.beat(session, "anybody")
    finally:
        db.close()
