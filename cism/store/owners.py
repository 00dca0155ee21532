"""Whose a value is: at each flush what a row says about a person gets that person's key.

Which column belongs to whom stands in `cism.store.tables`; here it is carried out, so that an act which
writes a row need not know of keys at all. A person's key is drawn with the row that makes them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final, cast

from sqlalchemy import Engine, Table, event, insert, inspect, select, text, update
from sqlalchemy.orm import InstanceState, Session, UOWTransaction
from sqlalchemy.orm.attributes import flag_modified, set_attribute

from cism.store import person_keys, seal
from cism.store.person_keys import DESTROYED, Held, PersonKeys
from cism.store.tables import Base, Person, PersonKey, new_id
from cism.store.types import Personal, PersonalTime, Sealer, owned

_DRAWN: Final = "keys drawn"  # by this transaction; nobody else knows them before it commits
_KEYS: Final = cast("Table", PersonKey.__table__)


@dataclass(frozen=True, slots=True)
class Group:
    """The columns of one table that hold what is about a person, and the column that says about whom."""

    owner: str
    columns: tuple[str, ...]


def groups_of(table: Table) -> tuple[Group, ...]:
    """What one table keeps about people."""
    found: dict[str, list[str]] = {}
    for column in table.columns:
        if isinstance(column.type, Personal | PersonalTime):
            found.setdefault(column.type.owner, []).append(column.key)
    return tuple(Group(owner, tuple(columns)) for owner, columns in found.items())


@cache
def _of_class(kind: type[Base]) -> tuple[Group, ...]:
    return groups_of(cast("Table", kind.__table__))


def attend(engine: Engine) -> PersonKeys:
    """Remember the keys of this engine's database from now on; sessions are attended to from the start."""
    return person_keys.attach(engine)


def owned_rows(session: Session, table: Table, rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows for an insert past the session's objects: each value about a person with that person's key."""
    kept = [dict(row) for row in rows]
    for group in groups_of(table):
        keys = keys_of(session, {row[group.owner] for row in kept if row.get(group.owner)})
        for row in kept:
            for name in group.columns:
                if row.get(name) is not None:
                    row[name] = owned(row[name], _sealer(keys, row.get(group.owner)))
    return kept


def keys_of(session: Session, people: Collection[str]) -> dict[str, Held]:
    """The key of each of these people; drawn where somebody has none yet."""
    drawn: dict[str, Held] = session.info.setdefault(_DRAWN, {})
    remembered = person_keys.attached(session.get_bind().dialect)
    found = remembered.of(people)
    if drawn:
        found |= {one: drawn[one] for one in people if one in drawn}
    missing = sorted(set(people) - found.keys())
    if not missing:
        return found
    there = person_keys.of_people(session.connection(), missing)
    if not drawn and DESTROYED not in session.info:  # else it may be of this transaction, and lost with it
        remembered.remember(there, committed=True)
    found |= {key.person_id: key for key in there}
    return found | _draw(session, [one for one in missing if one not in found])


def destroy(session: Session, person_id: str) -> None:
    """Destroy somebody's key: nothing about them can be opened any more, and nothing more is kept."""
    session.flush()
    gone = update(_KEYS).where(_KEYS.c.person_id == person_id).values(wrapped=None)
    session.connection().execute(gone)
    session.info.setdefault(DESTROYED, set()).add(person_id)
    person_keys.attached(session.get_bind().dialect).drop({person_id})


def destroyed(session: Session) -> set[str]:
    """Everybody whose key was destroyed."""
    return set(session.scalars(select(PersonKey.person_id).where(PersonKey.wrapped.is_(None))))


def scrub(engine: Engine) -> None:
    """Let the database let go of what it still keeps of a key that was destroyed: its log, its dead rows."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if engine.dialect.name == "sqlite":
            connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
        else:
            connection.execute(text("VACUUM person_key"))


def _draw(session: Session, people: Sequence[str]) -> dict[str, Held]:
    made = {one: Held(*_fresh(one)) for one in people}
    if made:
        at = _real_time(session)
        rows = [
            {"ref": key.ref, "person_id": one, "wrapped": key.wrapped, "made_real": at}
            for one, key in made.items()
        ]
        session.connection().execute(insert(_KEYS), rows)
        session.info[_DRAWN] |= made
    return made


def _fresh(person_id: str) -> tuple[str, str, str]:
    ref, wrapped = person_keys.draw()
    return ref, person_id, wrapped


def _real_time(session: Session) -> datetime:
    found: datetime = session.info["database"].clock.now()
    return found


def _sealer(keys: Mapping[str, Held], person_id: str | None) -> Sealer:
    return seal.current() if person_id is None else keys[person_id]


def _give_owners(session: Session, _context: UOWTransaction, _instances: object) -> None:
    wanted: list[tuple[Base, str | None, Sequence[str], bool]] = []
    for row in (*session.new, *session.dirty):
        for group in _of_class(row.__class__):
            found = _to_own(row, group)
            if found is not None:
                wanted.append(found)
    if not wanted:
        return
    keys = keys_of(session, {owner for _, owner, _, _ in wanted if owner is not None})
    for row, owner, names, anew in wanted:
        sealer = _sealer(keys, owner)
        for name in names:
            set_attribute(row, name, owned(getattr(row, name), sealer))
            if anew:
                flag_modified(row, name)  # the same words, sealed with another key


def _to_own(row: Base, group: Group) -> tuple[Base, str | None, Sequence[str], bool] | None:
    """What of a row is to be sealed now, for whom, and whether it was sealed for another before."""
    state: InstanceState[Base] = inspect(row)
    if state.pending or state.transient:
        if isinstance(row, Person) and row.id is None:
            row.id = new_id()  # its key is drawn now
        changed, anew = group.columns, False
    elif group.owner in state.committed_state:
        changed, anew = group.columns, True
    else:
        changed, anew = tuple(name for name in group.columns if name in state.committed_state), False
    names = [name for name in changed if getattr(row, name) is not None]
    return (row, getattr(row, group.owner), names, anew) if names else None


def _keep_drawn(session: Session) -> None:
    if session.in_nested_transaction():
        return  # a savepoint alone: all of it may still be given up
    drawn = session.info.pop(_DRAWN, None)
    if drawn:
        person_keys.attached(session.get_bind().dialect).remember(drawn.values(), committed=True)

    gone = session.info.pop(DESTROYED, None)
    if gone:
        person_keys.attached(session.get_bind().dialect).drop(gone)


def _drop_drawn(session: Session, *_: object) -> None:
    """A savepoint or all of it was given up: which of the keys are still there, the database knows."""
    session.info.pop(_DRAWN, None)


event.listen(Session, "before_flush", _give_owners)
event.listen(Session, "after_commit", _keep_drawn)
event.listen(Session, "after_soft_rollback", _drop_drawn)
