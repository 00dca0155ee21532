"""Which agencies have a sign-in of their own, and who of their staff an account is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.errors import BadInput, NotFound, NotSignedIn
from cism.services import agencies, openid, people
from cism.services.openid import Client
from cism.store.db import database_of, find_hash, real_now
from cism.store.tables import OpenIdIssuer, OpenIdSubject, Person

EMAIL: Final = "email"
CAME_BACK: Final = "/sign-in/agency/back"
_NOBODY: Final = "This account is nobody's on the roster. Ask the coordinator, or sign in with a code."


def put(
    session: Session, agency: str, issuer: str, client_id: str, client_secret: str | None, claim: str
) -> None:
    """Let an agency's staff sign in at its issuer. Raises BadInput for an unsafe address or an empty name."""
    agencies.get(session, agency)
    if not openid.is_safe(issuer) or not client_id.strip() or not claim.strip():
        message = "give the issuer as https://…, the client id, and the claim that names the person"
        raise BadInput(message)
    row = session.get(OpenIdIssuer, agency) or OpenIdIssuer(agency=agency)
    row.issuer, row.client_id, row.client_secret, row.claim = issuer, client_id, client_secret, claim
    session.add(row)


def remove(session: Session, agency: str) -> None:
    """The agency has none any more. Raises NotFound where it had none."""
    session.delete(_issuer(session, agency))


def listed(session: Session) -> list[tuple[str, str]]:
    """Agencies that have one: key and name."""
    keys = session.scalars(select(OpenIdIssuer.agency).order_by(OpenIdIssuer.agency)).all()
    return [(key, agencies.get(session, key).display) for key in keys]


def client(session: Session, agency: str) -> Client:
    """What this program is to the agency's issuer. Raises NotFound where it has none."""
    row = _issuer(session, agency)
    return Client(
        row.issuer, row.client_id, row.client_secret, f"{database_of(session).public_url}{CAME_BACK}"
    )


def whose(session: Session, agency: str, claims: Mapping[str, Any]) -> Person:
    """Who of the agency came back; the account stays theirs. Raises NotSignedIn, in the same words always."""
    hashed = find_hash(session, "openid", openid.subject(claims))
    known = session.get(OpenIdSubject, hashed)
    found = people.get(session, known.person_id) if known else _named(session, agency, claims)
    if found is None or found.agency != agency:
        raise NotSignedIn(_NOBODY)
    if known is None:
        session.add(OpenIdSubject(hash=hashed, person_id=found.id, made_real=real_now(session)))
    return found


def _named(session: Session, agency: str, claims: Mapping[str, Any]) -> Person | None:
    """By the roster's id, or by an address that the issuer says it has verified; never by one of several."""
    claim = _issuer(session, agency).claim
    told = claims.get(claim)
    if not isinstance(told, str) or not told.strip():
        return None
    if claim != EMAIL:
        return people.by_roster_id(session, agency, told)
    if claims.get("email_verified") is not True:
        return None
    wanted = told.strip().casefold()
    rows = session.scalars(select(Person).where(Person.agency == agency)).all()
    fitting = [row for row in rows if (row.email or "").strip().casefold() == wanted]
    return fitting[0] if len(fitting) == 1 else None


def _issuer(session: Session, agency: str) -> OpenIdIssuer:
    row = session.get(OpenIdIssuer, agency)
    if row is None:
        message = "this agency has no sign-in of its own"
        raise NotFound(message)
    return row
