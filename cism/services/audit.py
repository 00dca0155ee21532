"""The audit log: append-only, no content, each row chained to the one before by a keyed MAC."""

from __future__ import annotations

import hashlib
import hmac
import json

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from cism.store.db import database_of, installation_key, now
from cism.store.tables import Audit

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


def verify(session: Session) -> tuple[int, int | None]:
    """Rows read, and the id of the first row that was altered, removed or put elsewhere (None: all whole)."""
    key, last, read = installation_key(session, "audit"), "", 0
    for row in session.scalars(select(Audit).order_by(Audit.id)):
        read += 1
        if not hmac.compare_digest(row.mac, _mac(key, last, row)):
            return read, row.id
        last = row.mac
    return read, None


def _mac(key: bytes, last: str, row: Audit) -> str:
    fields = [last, row.at.isoformat(), row.actor, row.act, row.object_id, row.allowed]
    return hmac.new(key, json.dumps(fields).encode(), hashlib.sha256).hexdigest()
