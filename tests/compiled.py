"""Statements are compiled once for all databases of a test run, not once for each.

Every test has a database of its own, so an engine of its own, and SQLAlchemy keeps what it compiled for each
dialect object apart: most of a short test would be compiling. Two databases that are open at the same time
stay apart, as in the product: what was compiled for one knows the keys of people of that one. Whoever opens
a database takes the place of one that was closed, and finds what was compiled there.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import count
from typing import Any

from sqlalchemy import event
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.util import LRUCache

from cism.store.db import Database

_COMPILED: LRUCache[Any, Any] = LRUCache(4000)
_PLACE = "_place"
_places: dict[type, dict[int, object]] = defaultdict(dict)
"""Of each kind: by the number of the place the dialect that has it now; None where it is free."""
_first: dict[tuple[type, int], object] = {}  # kept: a weak dictionary of the product's has it as its key


def once() -> None:
    """From now on, in this process."""
    for kind in (SQLiteDialect_pysqlite, PGDialect_psycopg):
        kind.__eq__ = _alike  # type: ignore[method-assign]
        kind.__hash__ = _hash  # type: ignore[method-assign, assignment]
    event.listen(Engine, "engine_connect", _share)
    close = Database.close

    def close_and_leave(db: Database) -> None:
        close(db)
        leave(db.engine.dialect)

    Database.close = close_and_leave  # type: ignore[method-assign, assignment]


def place(dialect: object) -> int:
    """The place of a dialect; it takes one that is free when it is asked for first."""
    found: int | None = vars(dialect).get(_PLACE)
    if found is None:
        kind = type(dialect)
        found = next(number for number in count() if _places[kind].get(number) is None)
        vars(dialect)[_PLACE] = found
        _places[kind][found] = dialect
        _first.setdefault((kind, found), dialect)
    return found


def leave(dialect: object) -> None:
    """Its database was closed; the next one may have its place."""
    taken = _places[type(dialect)]
    if taken.get(place(dialect)) is dialect:
        taken[place(dialect)] = None


def _share(connection: Connection) -> None:
    dialect = connection.dialect
    holder = _places[type(dialect)].get(place(dialect))
    assert holder is None or holder is dialect, "this database was closed, and another has its place"
    connection.engine.update_execution_options(compiled_cache=_COMPILED)


def _alike(one: object, other: object) -> bool:
    return type(one) is type(other) and place(one) == place(other)


def _hash(one: object) -> int:
    return hash((type(one), place(one)))
