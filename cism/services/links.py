"""Short-lived addresses for one person and one purpose. Opening one needs a code sent to the enrolled
phone.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.errors import NotFound, NotSignedIn
from cism.services import outbox, people
from cism.store.db import database_of, find_hash, real_now
from cism.store.tables import InboundMessage, Link, Outbox, Person
from notifications import messages as m
from notifications.message_kinds import MessageKind

LIFETIME = timedelta(minutes=15)
TRIES = 5
HOME = "home"  # after a sign-in: everything that waits for this person
CARE = "care"  # after a sign-in: what is about themselves
SIGN_IN = frozenset({HOME, CARE})
"""Purposes whose code signs the person in: what opens is no more than their own pages."""
SIGN_INS_AN_HOUR = 6  # design: codes that anybody may have sent to one person
MORE_FOR_THE_OWNER = 3  # and more for whoever has just texted from that phone
_PRESSED_TWICE = timedelta(seconds=5)
_HOUR = timedelta(hours=1)
_NAMED = 20  # a code's text is named by when it was made, and by so much of its page's hash


@dataclass(frozen=True, slots=True)
class Opened:
    """Whose link it is and what it is for."""

    person_id: str
    purpose: str
    subject_id: str | None


def link_for(
    session: Session, person: Person, purpose: str, subject_id: str | None, *, secret: str | None = None
) -> str:
    """A new address; only its hash is kept. It names nobody and nothing."""
    secret = secret or new_secret()
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


def new_secret() -> str:
    """The secret part of an address."""
    return secrets.token_urlsafe(9)


def send_sign_in(session: Session, number: str, secret: str, now: datetime) -> bool:
    """Text a code for the address with this secret, where the number is somebody's and there is room.

    Whoever asks learns nothing of the outcome. What strangers ask for is bounded for each person, and
    cannot shut that person out: a text from the phone itself, such as WHO, makes room again.
    """
    person = people.by_phone(session, number)
    if person is None or person.frozen_at is not None or not _room(session, person):
        return False
    link_for(session, person, HOME, None, secret=secret)
    session.flush()
    return send_code(session, secret, now)


def opened_home(session: Session, person: Person) -> tuple[str, str]:
    """What waits for somebody who has just proved who they are: the address's secret, and the browser's."""
    secret, browser = new_secret(), secrets.token_urlsafe(24)
    link_for(session, person, HOME, None, secret=secret)
    session.flush()
    _row(session, secret).opened_hash = _hash(browser)
    return secret, browser


def _room(session: Session, person: Person) -> bool:
    """Whether one more code may go to a sign-in page of this person's, new or opened before."""
    real = real_now(session)
    pages = session.scalars(
        select(Link.hash).where(
            Link.person_id == person.id, Link.purpose == HOME, Link.expires_real > real - _HOUR
        )
    ).all()
    sent = _sent_since(session, person, {page[:_NAMED] for page in pages}, real - _HOUR)
    texted = session.scalar(
        select(InboundMessage.sid)
        .where(InboundMessage.person_id == person.id, InboundMessage.received_real > real - LIFETIME)
        .limit(1)
    )
    return sent < SIGN_INS_AN_HOUR + (MORE_FOR_THE_OWNER if texted else 0)


def _sent_since(session: Session, person: Person, pages: Collection[str], real: datetime) -> int:
    """How many codes were texted to somebody for these pages."""
    mine = (Outbox.person_id == person.id, Outbox.kind == MessageKind.LINK_CODE.value)
    named = [key.split(":") for key in session.scalars(select(Outbox.key).where(*mine))]
    return sum(page in pages and float(at) > real.timestamp() for _, page, at in named)


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
    if row.purpose == HOME and not _room(session, person):
        return False  # anybody may ask for these: a page that was asked for once is no way around the bound
    code = f"{secrets.randbelow(1_000_000):06d}"
    row.code_hash, row.code_tries = _code_hash(session, row, code), 0
    row.opened_hash = None  # whoever opened it before gives the new code too
    row.expires_real = real_now(session) + LIFETIME
    message = m.LinkCode(secret=code, minutes=int(LIFETIME.total_seconds() // 60))
    key = f"code:{row.hash[:_NAMED]}:{real_now(session).timestamp():.3f}"
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
    if not hmac.compare_digest(row.code_hash, _code_hash(session, row, code)):
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


def _code_hash(session: Session, row: Link, code: str) -> str:
    """Under a key: whoever reads the database as it works could try a million codes in a second."""
    return find_hash(session, "code", f"{row.hash}\0{code}")


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
