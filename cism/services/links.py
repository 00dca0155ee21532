"""Short-lived addresses for one person and one purpose. Opening one needs a code sent to the enrolled
phone.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.errors import NotFound, NotSignedIn
from cism.services import outbox
from cism.store.db import database_of, real_now
from cism.store.tables import Link, Person
from notifications import messages as m

LIFETIME = timedelta(minutes=15)
TRIES = 5
_PRESSED_TWICE = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Opened:
    """Whose link it is and what it is for."""

    person_id: str
    purpose: str
    subject_id: str | None


def link_for(session: Session, person: Person, purpose: str, subject_id: str | None) -> str:
    """A new address; only its hash is kept. It names nobody and nothing."""
    secret = secrets.token_urlsafe(9)
    session.add(
        Link(
            hash=_hash(secret),
            person_id=person.id,
            purpose=purpose,
            subject_id=subject_id,
            expires_real=real_now(session) + LIFETIME,
        )
    )
    return f"{database_of(session).public_url}/a/{secret}"


def sign_in_address(session: Session) -> str:
    """Where a person signs in."""
    return f"{database_of(session).public_url}/sign-in"


def send_code(session: Session, secret: str, now: datetime) -> bool:
    """Text a one-time code to the enrolled phone; a new one each time, an expired link is renewed like
    this. False for a button that was pressed twice: the code that is on its way must stay the right one.
    """
    row = _row(session, secret)
    sent = row.expires_real - LIFETIME
    if row.code_hash is not None and real_now(session) - sent < _PRESSED_TWICE:
        return False
    person = session.get_one(Person, row.person_id)
    code = f"{secrets.randbelow(1_000_000):06d}"
    row.code_hash, row.code_tries = _hash(code), 0
    row.opened_hash = None  # whoever opened it before gives the new code too
    row.expires_real = real_now(session) + LIFETIME
    message = m.LinkCode(secret=code, minutes=int(LIFETIME.total_seconds() // 60))
    key = f"code:{row.hash[:20]}:{real_now(session).timestamp():.3f}"
    outbox.put(session, message, key=key, now=now, person=person, expires_at=now + LIFETIME)
    return True


def open_with(session: Session, secret: str, code: str) -> str | None:
    """Check the code; returns a browser secret that keeps the page open until the link expires.

    None where the code does not fit or its time is over: a value and no error, because the try that was
    counted must be committed.
    """
    row = _row(session, secret)
    row.code_tries += 1
    if row.expires_real <= real_now(session) or row.code_tries > TRIES or row.code_hash is None:
        return None
    if not hmac.compare_digest(row.code_hash, _hash(code)):
        return None
    browser = secrets.token_urlsafe(24)
    row.opened_hash, row.code_hash = _hash(browser), None
    return browser


def opened(session: Session, secret: str, browser: str | None) -> Opened:
    """What may be shown to the browser that gave the code."""
    row = _row(session, secret)
    good = browser is not None and row.opened_hash is not None
    if not good or not hmac.compare_digest(row.opened_hash or "", _hash(browser or "")):
        raise NotSignedIn
    if row.expires_real <= real_now(session):
        message = "this link has expired; ask for a new code"
        raise NotSignedIn(message)
    return Opened(row.person_id, row.purpose, row.subject_id)


def _row(session: Session, secret: str) -> Link:
    row = session.scalar(select(Link).where(Link.hash == _hash(secret)))
    if row is None:
        message = "this link is not known; use the newest text, or ask the coordinator"
        raise NotFound(message)
    return row


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
