"""The audit log: append-only, no content, each row chained to the one before by a keyed MAC.

The MAC's key comes from the vault keys and lies in no database: each MAC names its key, so that old rows
hold when keys rotate. A mark beside the log says under a MAC which row is the last, so that a cut tail is
seen. Whoever puts log and mark back as they were once is found by a head that was kept elsewhere
(`cism.services.audit_heads`).
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from cism.store import seal
from cism.store.db import database_of, now
from cism.store.tables import Audit, Key, Mark

_HEAD: Final = "audit head"
_OURS: Final = "audit\0"
_LOCK: Final = 7_210_428  # any constant: rows are chained one after the other
_RETIRED: Final = "audit:"  # and the name of a vault key: what it made MACs with, sealed by a newer one
_AT_ONCE: Final = 1_000  # rows read into memory together


def write(
    session: Session, actor: str, act: str, object_id: str | None = None, *, allowed: bool = True
) -> None:
    """Record who did or read what; `actor` is an opaque id or a system name, never a person's name."""
    write_each(session, actor, [(act, object_id)], allowed=allowed)


def write_each(
    session: Session, actor: str, acts: Sequence[tuple[str, str | None]], *, allowed: bool = True
) -> None:
    """Record several acts of one moment, in their order: one row each, with the log held once for all."""
    if not acts:
        return
    if not database_of(session).is_sqlite:
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    session.flush()
    last = session.scalar(select(Audit.mac).order_by(Audit.id.desc()).limit(1)) or ""
    _keep_retired(session, last)
    at = now(session)
    for act, object_id in acts:
        last = mac_of(_of_row(last, at, actor, act, object_id, allowed))
        row = Audit(at=at, actor=actor, act=act, object_id=object_id, allowed=allowed, mac=last)
        session.add(row)
        session.flush()  # one by one: a row's place in the log is its id
    _remember_head(session, row)


def verify(session: Session, known: Mapping[int, tuple[int, str]] | None = None) -> tuple[int, int | None]:
    """Rows read, and the id of the first row that was altered, removed or put elsewhere (None: all whole).

    `known` is what heads that were kept elsewhere say: how many rows there were, and the last one's id and
    MAC. A chain that was made anew as a whole, or that ends before a head, differs from them. Where the tail
    was cut it is the id of the row that ought to be the last.
    """
    holds, last, read = judge(session), "", 0
    rows = select(Audit.id, Audit.at, Audit.actor, Audit.act, Audit.object_id, Audit.allowed, Audit.mac)
    expected = dict(known or {})
    for row in session.execute(rows.order_by(Audit.id)).yield_per(_AT_ONCE):
        read += 1
        told = _of_row(last, row.at, row.actor, row.act, row.object_id, row.allowed)
        if not holds(told, row.mac) or expected.pop(read, (row.id, row.mac)) != (row.id, row.mac):
            return read, row.id
        last = row.mac
    missing = [row_id for row_id, _ in expected.values()]
    return read, min(missing) if missing else _cut(session, holds, last)


def _of_row(last: str, at: datetime, actor: str, act: str, object_id: str | None, allowed: bool) -> str:
    """What a row's MAC is made of."""
    return json.dumps([last, at.isoformat(), actor, act, object_id, allowed])


def mac_of(told: str) -> str:
    """A MAC of the audit log, and of nothing else that the same key makes MACs of."""
    return seal.current().mac(_OURS + told)


def judge(session: Session) -> Callable[[str, str], bool]:
    """Whether a MAC holds: by the key that it names, in use or retired, or by the key of the first logs."""
    ring, first = seal.current(), session.get(Key, "audit")
    retired = {
        row.name.removeprefix(_RETIRED): bytes.fromhex(row.value)
        for row in session.scalars(select(Key).where(Key.name.startswith(_RETIRED)))
    }

    def holds(told: str, mac: str) -> bool:
        name, dot, given = mac.partition(".")
        if not dot:
            key = bytes.fromhex(first.value) if first is not None else None
            return key is not None and hmac.compare_digest(mac, _hex(key, told))
        key = ring.mac_key(name) or retired.get(name)
        return key is not None and hmac.compare_digest(given, _hex(key, _OURS + told))

    return holds


def _keep_retired(session: Session, last: str) -> None:
    """The first row under a new key: what the old one made MACs with is kept, sealed, to check old rows."""
    name, dot, _ = last.partition(".")
    ring = seal.current()
    if not dot or name == ring.newest or session.get(Key, _RETIRED + name) is not None:
        return
    key = ring.mac_key(name)
    if key is not None:
        session.add(Key(name=_RETIRED + name, value=key.hex()))


def _remember_head(session: Session, row: Audit) -> None:
    value = f"{row.id}:{mac_of(_of_head(row.id, row.mac))}"
    mark = session.get(Mark, _HEAD)
    if mark is None:
        session.add(Mark(name=_HEAD, value=value))
    else:
        mark.value = value
    session.flush()


def _cut(session: Session, holds: Callable[[str, str], bool], last: str) -> int | None:
    """The id of the row that ought to be the last and is not; a log from before there were marks has none."""
    mark = session.get(Mark, _HEAD)
    if mark is None:
        return 0 if "." in last else None
    told, _, mac = mark.value.partition(":")
    whole = told.isdecimal() and holds(_of_head(int(told), last), mac)
    return None if whole else int(told) if told.isdecimal() else 0


def _of_head(row_id: int, last: str) -> str:
    return f"head:{row_id}:{last}"


def _hex(key: bytes, told: str) -> str:
    return hmac.new(key, told.encode(), hashlib.sha256).hexdigest()
