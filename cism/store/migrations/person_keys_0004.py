"""What migration 0004 does to sealed values: from the installation's keys to each person's own, and back.

A migration outlives the code around it, so tables and columns are named here and not taken from `tables`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, time
from typing import Any, Final

import sqlalchemy as sa
from alembic import op

from cism.store import person_keys, seal
from cism.store.person_keys import Held

_CHUNK: Final = 1_000
_SEALED_BEFORE: Final = {  # table: its primary key, who a row is about, and what of it was sealed already
    "person": ("id", "id", ("roster_id", "name", "phone", "email")),
    "question": ("id", "person_id", ("answer",)),
    "escalation": ("id", "person_id", ("handed_to",)),
    "inbound": ("sid", "person_id", ("from_number", "body")),
    "outbox": ("id", "person_id", ("to_number", "payload")),
    "phone_call": ("id", "person_id", ("to_number",)),
}
_CLEAR_BEFORE: Final = ("unit", "station", "rank", "zone", "sleep_start", "sleep_end")
_OF_UNITS: Final = (
    "group_session",
    "id",
    "id",
    ("group_key",),
)  # in clear before; under the installation's keys
_GONE: Final = {  # what is put where a value's key was destroyed and the column takes no NULL
    "roster_id": "removed",
    "name": "removed",
    "from_number": "",
    "payload": "{}",
    "unit": "",
    "station": "",
    "rank": "",
    "zone": "UTC",
    "sleep_start": "21:00:00",
    "sleep_end": "08:00:00",
}
_KEYS: Final = sa.table(
    "person_key",
    sa.column("ref", sa.String),
    sa.column("person_id", sa.String),
    sa.column("wrapped", sa.Text),
    sa.column("made_real", sa.DateTime(timezone=True)),
)
_NIGHTS: Final = sa.table(
    "person", sa.column("id", sa.String), sa.column("sleep_start", sa.Text), sa.column("sleep_end", sa.Text)
)
_SHORT: Final = ("unit", "station", "rank", "zone")
_TIMES: Final = ("sleep_start", "sleep_end")
Change = Callable[[Mapping[str, Any], str, str], str | None]


def add() -> None:
    """A key for each person; what is about them is sealed with it, also what was in clear until now."""
    op.create_table(
        "person_key",
        sa.Column("ref", sa.String(16), primary_key=True),
        sa.Column("person_id", sa.String(20), nullable=False, unique=True),
        sa.Column("wrapped", sa.Text(), nullable=True),
        sa.Column("made_real", sa.DateTime(timezone=True), nullable=False),
    )
    _add_records()
    with op.batch_alter_table("group_session") as batch:
        batch.alter_column("group_key", existing_type=sa.String(120), type_=sa.Text())
    with op.batch_alter_table("person") as batch:
        for name in _SHORT:
            batch.alter_column(name, existing_type=sa.String(60), type_=sa.Text())
        for name in _TIMES:
            batch.alter_column(
                name, existing_type=sa.Time(), type_=sa.Text(), postgresql_using=f"{name}::text"
            )
    _draw(op.get_bind())
    _seal_for_people(op.get_bind())


def _add_records() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "vault_key",
        sa.Column("id", sa.String(8), primary_key=True),
        sa.Column("since_real", moment, nullable=False),
        sa.Column("cleared_real", moment, nullable=True),
        sa.Column("retired_real", moment, nullable=True),
    )
    op.create_table(
        "backup_made",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("file", sa.String(400), nullable=False),
        sa.Column("made_real", moment, nullable=False),
        sa.Column("gone_real", moment, nullable=True),
    )
    op.create_table(
        "erasure",
        sa.Column("person_id", sa.String(20), primary_key=True),
        sa.Column("erased_real", moment, nullable=False),
        sa.Column("done_real", moment, nullable=True),
    )


def drop() -> None:
    """Back to what 0003 knew."""
    _seal_for_all(op.get_bind())
    nights = _sleep_windows(op.get_bind())  # SQLite's CAST makes 8 of 08:00
    with op.batch_alter_table("group_session") as batch:
        batch.alter_column("group_key", existing_type=sa.Text(), type_=sa.String(120))
    with op.batch_alter_table("person") as batch:
        for name in _SHORT:
            batch.alter_column(name, existing_type=sa.Text(), type_=sa.String(60))
        for name in _TIMES:
            batch.alter_column(
                name, existing_type=sa.Text(), type_=sa.Time(), postgresql_using=f"{name}::time"
            )
    _put_back(op.get_bind(), nights)
    for name in ("person_key", "vault_key", "backup_made", "erasure"):
        op.drop_table(name)


def _draw(connection: sa.Connection) -> None:
    """A key for everybody."""
    at = datetime.now(UTC)  # noqa: TID251 - a migration has no clock but the machine's
    for ids in _chunks(connection, "person", "id", ("id",)):
        rows = []
        for row in ids:
            ref, wrapped = person_keys.draw()
            rows.append({"ref": ref, "person_id": row["id"], "wrapped": wrapped, "made_real": at})
        connection.execute(sa.insert(_KEYS), rows)


def _seal_for_people(connection: sa.Connection) -> None:
    """Whatever is about a person goes under that person's key."""
    keys = {key.person_id: key for key in _held(connection)}

    def again(row: Mapping[str, Any], name: str, owner: str) -> str | None:
        key = keys.get(row[owner] or "")
        return row[name] if key is None else key.seal(seal.current().open(row[name]))

    def first(row: Mapping[str, Any], name: str, owner: str) -> str | None:
        plain = str(row[name])
        if name.startswith("sleep"):
            plain = time.fromisoformat(plain).isoformat()
        return keys[row[owner]].seal(plain)

    for table, (key, owner, names) in _SEALED_BEFORE.items():
        _rewrite(connection, table, key, owner, names, again)
    _rewrite(connection, "person", "id", "id", _CLEAR_BEFORE, first)
    _rewrite(connection, *_OF_UNITS, lambda row, name, _owner: seal.current().seal(row[name]))


def _seal_for_all(connection: sa.Connection) -> None:
    """Back under the installation's keys, and in clear what was in clear."""
    keys = {key.ref: key for key in _held(connection)}

    def plain(row: Mapping[str, Any], name: str, _owner: str) -> str | None:
        value = str(row[name])
        kind, _, rest = value.partition(".")
        if kind != "p1":
            return _GONE.get(name) if value == person_keys.LEFT else seal.current().open(value)
        ref, _, body = rest.partition(".")
        found = keys[ref].open(body)
        return _GONE.get(name) if found is None else found

    def again(row: Mapping[str, Any], name: str, owner: str) -> str | None:
        found = plain(row, name, owner)
        return None if found is None else seal.current().seal(found)

    for table, (key, owner, names) in _SEALED_BEFORE.items():
        _rewrite(connection, table, key, owner, names, again)
    _rewrite(connection, "person", "id", "id", _CLEAR_BEFORE, plain)
    _rewrite(connection, *_OF_UNITS, lambda row, name, _owner: seal.current().open(row[name]))


def _sleep_windows(connection: sa.Connection) -> list[dict[str, Any]]:
    """Everybody's, once they are in clear again."""
    found = connection.execute(sa.select(_NIGHTS.c.id, _NIGHTS.c.sleep_start, _NIGHTS.c.sleep_end))
    return [
        {"b_id": one, "b_from": time.fromisoformat(start), "b_to": time.fromisoformat(end)}
        for one, start, end in found
    ]


def _put_back(connection: sa.Connection, nights: list[dict[str, Any]]) -> None:
    """Write them into columns that hold times of day again."""
    clock = {
        "sleep_start": sa.bindparam("b_from", type_=sa.Time()),
        "sleep_end": sa.bindparam("b_to", type_=sa.Time()),
    }
    if nights:
        connection.execute(
            sa.update(_NIGHTS).where(_NIGHTS.c.id == sa.bindparam("b_id")).values(clock), nights
        )


def _held(connection: sa.Connection) -> list[Held]:
    rows = connection.execute(sa.select(_KEYS.c.ref, _KEYS.c.person_id, _KEYS.c.wrapped))
    return [Held(ref, person_id, wrapped) for ref, person_id, wrapped in rows]


def _rewrite(
    connection: sa.Connection, table: str, key: str, owner: str, names: tuple[str, ...], change: Change
) -> None:
    target = sa.table(table, *(sa.column(name) for name in dict.fromkeys((key, *names))))
    update = (
        sa.update(target)
        .where(target.c[key] == sa.bindparam("b_key"))
        .values({name: sa.bindparam(f"b_{name}") for name in names})
    )
    for rows in _chunks(connection, table, key, tuple(dict.fromkeys((key, owner, *names)))):
        values = [
            {"b_key": row[key]}
            | {f"b_{name}": None if row[name] is None else change(row, name, owner) for name in names}
            for row in rows
        ]
        connection.execute(update, values)


def _chunks(
    connection: sa.Connection, table: str, key: str, names: tuple[str, ...]
) -> Iterator[Sequence[Mapping[str, Any]]]:
    """All rows in the order of their key, some at a time."""
    source = sa.table(table, *(sa.column(name) for name in names))
    last = ""
    while True:
        query = sa.select(source).where(source.c[key] > last).order_by(source.c[key]).limit(_CHUNK)
        rows = [dict(row) for row in connection.execute(query).mappings()]
        if not rows:
            return
        yield rows
        last = rows[-1][key]
