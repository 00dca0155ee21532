"""API tokens for programs: shown once, kept by hash, bound to a role in an agency, scoped, expiring."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain import scopes as rules
from cism.domain.people import PersonStatus, Role
from cism.domain.scopes import Scope
from cism.errors import AlreadyDone, BadInput, NotFound, NotSignedIn
from cism.services import people
from cism.store.db import real_now
from cism.store.tables import Agency, Person, Token

LIFETIME = timedelta(days=90)  # design: a quarter, so that a forgotten token ends by itself
LONGEST = timedelta(days=365)
IN_SERVICE = frozenset({PersonStatus.ACTIVE, PersonStatus.LEAVE})


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: a role in an agency, perhaps a person on its roster; `token_id` of the token or sign-in."""

    token_id: str
    role: Role
    agency: str
    person_id: str | None
    scopes: frozenset[Scope] = frozenset(Scope)
    scoped: bool = False  # it was made for some acts alone


def create(
    session: Session,
    *,
    role: Role,
    agency: str,
    roster_id: str | None = None,
    scopes: Collection[Scope] = (),
    lasts: timedelta = LIFETIME,
) -> str:
    """Make a token and return it; only its hash is kept. Without scopes it may do all that its role may,
    but what is a person's alone.

    Raises BadInput for an unknown agency or person, a person without that role, a scope that the role
    cannot have, or a time of no or more than 365 days.
    """
    if session.get(Agency, agency) is None:
        known = ", ".join(sorted(session.scalars(select(Agency.key)))) or "none yet: import a roster first"
        message = f"there is no agency {agency!r}; known: {known}"
        raise BadInput(message)
    if not timedelta(0) < lasts <= LONGEST:
        message = f"a token lasts 1 to {LONGEST.days} days"
        raise BadInput(message)
    person = _person(session, agency, roster_id, role) if roster_id is not None else None
    if over := rules.excess(scopes, role, person=person is not None):
        may = ", ".join(sorted(rules.of_role(role, person=person is not None))) or "none"
        message = f"a {role.value.replace('_', ' ')} cannot have {', '.join(over)}; possible: {may}"
        raise BadInput(message)
    secret = "cism_" + secrets.token_urlsafe(32)
    real = real_now(session)
    session.add(
        Token(
            hash=_hash(secret),
            role=role,
            agency=agency,
            person_id=person.id if person else None,
            scopes=sorted(scopes) or None,
            made_real=real,
            expires_real=real + lasts,
        )
    )
    return secret


def caller(session: Session, secret: str) -> Caller:
    """Who this token speaks for, or a refusal: also once its person has gone, or no longer has the role."""
    row = session.scalar(select(Token).where(Token.hash == _hash(secret)))
    if row is None:
        raise NotSignedIn
    return of_row(session, row)


def of_row(session: Session, row: Token) -> Caller:
    """Who a kept token speaks for now, or a refusal."""
    if row.revoked or row.expires_real <= real_now(session) or not _still_theirs(session, row):
        raise NotSignedIn
    allowed = rules.of_role(row.role, person=row.person_id is not None)
    # whoever handed a token out knows it: a person's receipt opens to one that was made for it by name
    kept = allowed - rules.BY_NAME if row.scopes is None else allowed & {Scope(one) for one in row.scopes}
    return Caller(row.id, row.role, row.agency, row.person_id, kept, scoped=row.scopes is not None)


def listed(session: Session) -> list[dict[str, Any]]:
    """Every token but its secret: id, role, agency, the roster's id, scopes, times (UTC), state."""
    rows = session.scalars(select(Token).order_by(Token.made_real, Token.id)).all()
    known = people.by_ids(session, {row.person_id for row in rows if row.person_id})
    return [
        {
            "id": row.id,
            "role": row.role.value,
            "agency": row.agency,
            "person": known[row.person_id].roster_id if row.person_id else None,
            "scopes": row.scopes
            or sorted(rules.of_role(row.role, person=row.person_id is not None) - rules.BY_NAME),
            "made_at": row.made_real.isoformat(),
            "expires_at": row.expires_real.isoformat(),
            "state": _state(session, row),
        }
        for row in rows
    ]


def revoke(session: Session, token_id: str) -> None:
    """End a token and every sign-in that was made with it. Raises NotFound, or AlreadyDone."""
    row = session.get(Token, token_id)
    if row is None:
        message = "there is no such token; `cism token list` shows them by id"
        raise NotFound(message)
    if row.revoked:
        message = "this token was revoked already"
        raise AlreadyDone(message)
    row.revoked = True


def _person(session: Session, agency: str, roster_id: str, role: Role) -> Person:
    person = people.by_roster_id(session, agency, roster_id)
    if person is None:
        message = f"nobody with that id is on the roster of {agency!r}"
        raise BadInput(message)
    if role not in {item.role for item in person.roles} or person.status not in IN_SERVICE:
        message = f"this person is no {role.value.replace('_', ' ')} of {agency!r}, or has left"
        raise BadInput(message)
    return person


def _still_theirs(session: Session, row: Token) -> bool:
    if row.person_id is None:
        return True
    person = people.get(session, row.person_id)
    held = {item.role for item in person.roles}
    return person.agency == row.agency and person.status in IN_SERVICE and row.role in held


def _state(session: Session, row: Token) -> str:
    if row.revoked or not _still_theirs(session, row):
        return "revoked"
    return "expired" if row.expires_real <= real_now(session) else "in use"


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
