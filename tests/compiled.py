"""Statements are compiled once for all databases of a test run, not once for each.

Every test has a database of its own, so an engine of its own, and SQLAlchemy keeps what it compiled for each
dialect object apart: most of a short test would be compiling. All dialects of one kind are alike here: one
server, one driver, the same settings.
"""

from __future__ import annotations

from sqlalchemy import event
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.util import LRUCache

_COMPILED = LRUCache(4000)


def once() -> None:
    """From now on, in this process."""
    for kind in (SQLiteDialect_pysqlite, PGDialect_psycopg):
        kind.__eq__ = _alike
        kind.__hash__ = _of_its_kind
    event.listen(Engine, "engine_connect", _share)


def _share(connection: Connection) -> None:
    connection.engine.update_execution_options(compiled_cache=_COMPILED)


def _alike(one: object, other: object) -> bool:
    return type(one) is type(other)


def _of_its_kind(one: object) -> int:
    return hash(type(one))
