"""A new key of the installation, while everything runs: it seals, and what others sealed is sealed anew.

An old key is taken away only when nothing needs it: no value here, no line of the stop list, no copy of the
database that was made before. Every process looks at the file of keys when it begins a transaction, so that
nothing is written under an old key but by those that were in one when the new key came.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from cism.errors import NotAllowed
from cism.key_file import KeyFile, fresh
from cism.services import copies
from cism.store import seal
from cism.store.db import Database, database_of, real_now
from cism.store.tables import Base, VaultKey
from cism.store.types import Personal, PersonalTime, Sealed

AT_ONCE: Final = 500  # values in one transaction: on SQLite all others wait as long as it takes
SETTLES: Final = timedelta(minutes=10)  # longer than any transaction that began under the old key
_NAME: Final = 8  # signs of a key's name, after `v1.`


@dataclass(frozen=True, slots=True)
class Place:
    """One column of sealed values, as the bytes lie there."""

    table: sa.TableClause
    keys: tuple[str, ...]
    column: str

    @property
    def value(self) -> sa.ColumnClause[str]:
        """The sealed value."""
        return self.table.c[self.column]


@dataclass(frozen=True, slots=True)
class Standing:
    """What still needs one key. `waits`: why it cannot be taken away, None where it can."""

    key: str
    newest: bool
    values: int
    lines: int
    waits: str | None


def places() -> list[Place]:
    """Every column that the installation's keys may have sealed a value of."""
    found = []
    for table in Base.metadata.sorted_tables:
        keys = tuple(column.name for column in table.primary_key)
        for column in table.columns:
            wrapped = (table.name, column.name) == ("person_key", "wrapped")
            if wrapped or isinstance(column.type, Sealed | Personal | PersonalTime):
                names = dict.fromkeys((*keys, column.name))
                clause = sa.table(table.name, *(sa.column(name) for name in names))
                found.append(Place(clause, keys, column.name))
    return found


def begin(db: Database, file: KeyFile) -> bool:
    """Put a new key in front, unless an earlier rotation is not finished; whether there is a new one."""
    ring = seal.current()
    with db.transaction() as session:
        if any(found.values or found.lines for found in standing(session) if not found.newest):
            return False
        _note(session, ring.newest)
    file.write([fresh(), *file.keys()])
    ring.refresh()
    with db.transaction() as session:
        _note(session, ring.newest)
    return True


def seal_anew(db: Database) -> Iterator[int]:
    """Seal with the newest key what others sealed, some values in each transaction; how many, each time."""
    for place in places():
        while True:
            with db.transaction() as session:
                done = _some(session, place)
            if not done:
                break
            yield done
    if db.apart is not None:
        db.apart.seal_anew()
    with db.transaction() as session:
        _note(session, seal.current().newest)
        for found in standing(session):
            row = session.get(VaultKey, found.key)
            if row is not None and not found.newest and not found.values and not found.lines:
                row.cleared_real = row.cleared_real or real_now(session)


def standing(session: Session) -> list[Standing]:
    """Each key of the list, and what still needs it."""
    ring, values = seal.current(), _values(session)
    apart = database_of(session).apart
    lines = apart.keys_of_lines() if apart is not None else Counter()
    found = []
    for name in ring.names:
        newest = name == ring.newest
        waits = None if newest else _waits(session, name, values[name], lines[name])
        found.append(Standing(name, newest, values[name], lines[name], waits))
    return found


def retire(db: Database, file: KeyFile) -> list[str]:
    """Take away the keys that nothing needs; which. Raises NotAllowed where something needs all of them."""
    with db.transaction() as session:
        found = standing(session)
        going = {one.key for one in found if not one.newest and one.waits is None}
        if not going:
            reasons = "; ".join(f"{one.key}: {one.waits}" for one in found if one.waits)
            message = f"no key can be taken away: {reasons or 'there is one key alone'}"
            raise NotAllowed(message)
        listed = file.keys()
        file.write([key for key in listed if seal.key_id(key) not in going])
        for name in going:
            _note(session, name).retired_real = real_now(session)
    seal.refresh()
    return sorted(going)


def _waits(session: Session, name: str, values: int, lines: int) -> str | None:
    if values:
        return f"{values} values are sealed with it: `cism keys rotate` goes on with them"
    if lines:
        return f"{lines} lines of the stop list are sealed with it: see `cism doctor`"
    row, newest = session.get(VaultKey, name), session.get(VaultKey, seal.current().newest)
    if row is None or row.cleared_real is None or newest is None:
        return "it was not looked through yet: `cism keys rotate` does"
    if real_now(session) < max(newest.since_real, row.cleared_real) + SETTLES:
        return "somebody may still be writing with it: wait ten minutes"
    kept = copies.kept_before(session, row.cleared_real)
    if kept:
        return f"{len(kept)} backups need it, the last is {kept[-1]}: see `cism erasures`"
    return None


def _note(session: Session, name: str) -> VaultKey:
    row = session.get(VaultKey, name)
    if row is None:
        row = VaultKey(id=name, since_real=real_now(session))
        session.add(row)
        session.flush()
    return row


def _values(session: Session) -> Counter[str]:
    found: Counter[str] = Counter()
    for place in places():
        name = sa.func.substr(place.value, 4, _NAME)
        query = sa.select(name, sa.func.count()).where(place.value.like("v1.%")).group_by(name)
        for key, count in session.execute(query):
            found[key] += count
    return found


def _some(session: Session, place: Place) -> int:
    """Seal some values of one column anew; what changed meanwhile is somebody else's, and newer."""
    newest = f"v1.{seal.current().newest}.%"
    query = (
        sa.select(place.table).where(place.value.like("v1.%"), place.value.not_like(newest)).limit(AT_ONCE)
    )
    rows = [dict(row) for row in session.execute(query).mappings()]
    _write(session, place, rows)
    return len(rows)


def _write(session: Session, place: Place, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    update = sa.update(place.table).where(
        *(place.table.c[name] == sa.bindparam(f"k_{name}") for name in place.keys),
        place.value == sa.bindparam("old"),
    )
    session.connection().execute(
        update.values({place.column: sa.bindparam("new")}), [_anew(place, row) for row in rows]
    )


def _anew(place: Place, row: dict[str, Any]) -> dict[str, Any]:
    old = row[place.column]
    ring = seal.current()
    return {f"k_{name}": row[name] for name in place.keys} | {"old": old, "new": ring.seal(ring.open(old))}
