"""The audit log: append-only, no content, each row chained to the one before by a keyed MAC.

A mark beside the log says under a MAC which row is the last, so that a cut tail is seen too. Not seen from
inside this database is whoever puts log and mark back as they were once, or deletes the mark with the tail.
"""

from __future__ import annotations

import hashlib
import hmac
import json

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from cism.store.db import database_of, installation_key, now
from cism.store.tables import Audit, Mark

_HEAD = "audit head"
_LOCK = 7_210_428  # any constant: rows are chained one after the other


def write(
    session: Session, actor: str, act: str, object_id: str | None = None, *, allowed: bool = True
) -> None:
    """Record who did or read what; `actor` is an opaque id or a system name, never a person's name."""
    if not database_of(session).is_sqlite:
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    session.flush()
    last = session.scalar(select(Audit.mac).order_by(Audit.id.desc()).limit(1)) or ""
    row = Audit(at=now(session), actor=actor, act=act, object_id=object_id, allowed=allowed, mac="")
    row.mac = _mac(installation_key(session, "audit"), last, row)
    session.add(row)
    session.flush()
    _remember_head(session, row)


def verify(session: Session) -> tuple[int, int | None]:
    """Rows read, and the id of the first row that was altered, removed or put elsewhere (None: all whole).

    Where the tail was cut it is the id of the row that is the last by the mark.
    """
    key, last, read = installation_key(session, "audit"), "", 0
    for row in session.scalars(select(Audit).order_by(Audit.id)):
        read += 1
        if not hmac.compare_digest(row.mac, _mac(key, last, row)):
            return read, row.id
        last = row.mac
    return read, _cut(session, key, last)


def _remember_head(session: Session, row: Audit) -> None:
    key = installation_key(session, "audit")
    value = f"{row.id}:{_head_mac(key, row.id, row.mac)}"
    mark = session.get(Mark, _HEAD)
    if mark is None:
        session.add(Mark(name=_HEAD, value=value))
    else:
        mark.value = value
    session.flush()


def _cut(session: Session, key: bytes, last: str) -> int | None:
    """The id of the row that ought to be the last and is not; a log from before there were marks has none."""
    mark = session.get(Mark, _HEAD)
    if mark is None:
        return None
    told, _, mac = mark.value.partition(":")
    whole = told.isdecimal() and hmac.compare_digest(mac, _head_mac(key, int(told), last))
    return None if whole else int(told) if told.isdecimal() else 0


def _head_mac(key: bytes, row_id: int, last: str) -> str:
    return hmac.new(key, f"head:{row_id}:{last}".encode(), hashlib.sha256).hexdigest()


def _mac(key: bytes, last: str, row: Audit) -> str:
    fields = [last, row.at.isoformat(), row.actor, row.act, row.object_id, row.allowed]
    return hmac.new(key, json.dumps(fields).encode(), hashlib.sha256).hexdigest()
