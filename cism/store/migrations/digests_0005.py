"""What migration 0005 does to bare hashes of what could be guessed: they come under the installation's key.

A migration outlives the code around it, so tables and columns are named here and not taken from `tables`.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

from cism.store import seal

_BARE: Final = (  # table, its primary key, the column, and the domain under which it is hashed from now on
    ("outbox", ("id",), "body_digest", "body"),
    ("stray_send", ("sid",), "body_digest", "body"),
    ("idempotency_key", ("caller", "key"), "body_hash", "report"),
)


def add() -> None:
    """A hash of a bare hash finds what that one found. Codes, good for minutes, are dropped."""
    connection = op.get_bind()
    sealed = connection.execute(sa.text("SELECT value FROM installation_key WHERE name = 'index'")).scalar()
    if sealed is not None:  # else nobody was ever written down here
        index = bytes.fromhex(seal.current().open(sealed))
        for table, keys, column, domain in _BARE:
            _rehash(connection, index, table, keys, column, domain)
    connection.execute(sa.text("UPDATE link SET code_hash = NULL"))


def drop() -> None:
    """No way back from a keyed hash: an older program finds nothing by it, and asks a human."""
    op.get_bind().execute(sa.text("UPDATE link SET code_hash = NULL"))


def _rehash(
    connection: sa.Connection, index: bytes, table: str, keys: tuple[str, ...], column: str, domain: str
) -> None:
    named = sa.table(table, *(sa.column(name) for name in (*keys, column)))
    update = (
        sa.update(named)
        .where(*(named.c[key] == sa.bindparam(f"b_{key}") for key in keys))
        .values({column: sa.bindparam("b_hash")})
    )
    found = connection.execute(sa.select(named).where(named.c[column].is_not(None))).mappings()
    rows = [
        {f"b_{key}": row[key] for key in keys} | {"b_hash": seal.keyed_hash(index, domain, row[column])}
        for row in found
    ]
    if rows:
        connection.execute(update, rows)
