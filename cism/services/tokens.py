"""API tokens: shown once, kept by hash, bound to a role in an agency, expiring."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.people import Role
from cism.errors import BadInput, NotSignedIn
from cism.services import people
from cism.store.db import real_now
from cism.store.tables import Agency, Token

LIFETIME = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: a role in an agency, perhaps a person on its roster."""

    token_id: str
    role: Role
    agency: str
    person_id: str | None


def create(session: Session, *, role: Role, agency: str, roster_id: str | None = None) -> str:
    """Make a token and return it; only its hash is kept."""
    if session.get(Agency, agency) is None:
        known = ", ".join(sorted(session.scalars(select(Agency.key)))) or "none yet: import a roster first"
        message = f"there is no agency {agency!r}; known: {known}"
        raise BadInput(message)
    person_id = None
    if roster_id is not None:
        person = people.by_roster_id(session, agency, roster_id)
        if person is None:
            message = f"nobody with that id is on the roster of {agency!r}"
            raise BadInput(message)
        person_id = person.id
    secret = "cism_" + secrets.token_urlsafe(32)
    real = real_now(session)
    session.add(
        Token(
            hash=_hash(secret),
            role=role,
            agency=agency,
            person_id=person_id,
            made_real=real,
            expires_real=real + LIFETIME,
        )
    )
    return secret


def caller(session: Session, secret: str) -> Caller:
    """Who this token speaks for, or a refusal."""
    row = session.scalar(select(Token).where(Token.hash == _hash(secret)))
    if row is None or row.revoked or row.expires_real <= real_now(session):
        raise NotSignedIn
    return Caller(row.id, row.role, row.agency, row.person_id)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
