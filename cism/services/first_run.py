"""The first run: whoever holds the address that `cism up` printed makes the first agency and coordinator.

The address and the browser that opened it are kept by their hash, as signed-in browsers are. Both end with
the first coordinator, and nothing opens these pages again while anybody coordinates, active or not.
"""

from __future__ import annotations

import csv
import hashlib
import io
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from cism.domain.people import Role
from cism.domain.roster_csv import COLUMNS
from cism.errors import BadInput, NotFound
from cism.services import agencies, audit, people, roster, sign_ins
from cism.services.agencies import AgencyChange
from cism.services.sign_ins import LONGEST, Way
from cism.store.db import real_now
from cism.store.tables import PersonRole, SignIn

OWNER: Final = "owner first run"  # how the audit log names whoever holds the address
_ADDRESS, _BROWSER = "address", "browser"  # what a row opens; a person's standing is a hash, never these
_LINE: Final = "line 2: "  # where the one person stands in the file that is made of the form


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstCoordinator:
    """The form: an agency, and the person who coordinates it, as cells of a roster."""

    agency: str
    display: str
    region: str
    crisis_line: str
    discipline: str
    id: str
    name: str
    phone: str
    email: str
    timezone: str
    language: str
    consent_pages: bool
    consent_care: bool


def is_open(session: Session) -> bool:
    """Whether nobody coordinates here, and nobody ever did."""
    return not session.scalar(select(exists().where(PersonRole.role == Role.COORDINATOR)))


def offer(session: Session) -> str | None:
    """The secret of a fresh address, which ends every earlier one; None where somebody coordinates."""
    _end(session)
    if not is_open(session):
        return None
    secret = secrets.token_urlsafe(32)
    _add(session, secret, _ADDRESS)
    return secret


def look(session: Session, secret: str) -> None:
    """Whether this address may be opened. Raises NotFound where it may not; looking does not open it."""
    _row(session, secret, _ADDRESS)


def enter(session: Session, secret: str) -> str:
    """Open the address, once: the secret for this browser. Raises NotFound."""
    _row(session, secret, _ADDRESS).revoked = True
    browser = secrets.token_urlsafe(32)
    _add(session, browser, _BROWSER)
    audit.write(session, OWNER, "first run opened")
    return browser


def inside(session: Session, browser: str | None) -> None:
    """Whether this browser opened the address. Raises NotFound where it did not, or the first run is over."""
    _row(session, browser or "", _BROWSER)


def found_programme(session: Session, browser: str | None, given: FirstCoordinator, now: datetime) -> str:
    """Make the agency and its coordinator, end the first run, and sign the browser in as the coordinator.

    Returns the secret of the sign-in; it does not open the person's own pages, which a code to their phone
    does. Raises NotFound, or BadInput with everything that cannot be.
    """
    inside(session, browser)
    _import(session, given, now)
    change = AgencyChange(
        display=given.display or None, crisis_line=given.crisis_line or None, duty_phone=given.phone
    )
    agencies.change(session, given.agency, change, by=None, now=now)
    person = people.by_roster_id(session, given.agency, given.id)
    if person is None:
        raise NotFound  # the id is not as it was written: spaces around it
    _end(session)
    audit.write(session, OWNER, "first coordinator", person.id)
    return sign_ins.of_person(session, person, Way.FIRST_RUN)


def _import(session: Session, given: FirstCoordinator, now: datetime) -> None:
    try:
        roster.import_file(session, _file(given), now, region=given.region or None)
    except BadInput as error:
        errors = [one.removeprefix(_LINE) for one in error.errors] or [str(error)]
        raise BadInput("; ".join(errors), errors=errors) from None


def _file(given: FirstCoordinator) -> str:
    """A roster of one person, so that every rule of a roster holds for them."""
    cells = {
        "id": given.id,
        "name": given.name,
        "phone": given.phone,
        "email": given.email,
        "agency": given.agency,
        "discipline": given.discipline,
        "roles": Role.COORDINATOR.value,
        "timezone": given.timezone,
        "language": given.language,
        "consent_pages": "yes" if given.consent_pages else "no",
        "consent_care": "yes" if given.consent_care else "no",
        "status": "active",
    }
    written = io.StringIO()
    rows = csv.writer(written)
    rows.writerows([COLUMNS, [cells.get(name, "") for name in COLUMNS]])
    return written.getvalue()


def _add(session: Session, secret: str, opens: str) -> None:
    real = real_now(session)
    session.add(
        SignIn(
            hash=_hash(secret),
            way=Way.FIRST_RUN.value,
            standing=opens,
            made_real=real,
            seen_real=real,
            ends_real=real + LONGEST,
        )
    )
    session.flush()


def _row(session: Session, secret: str, opens: str) -> SignIn:
    row = session.scalar(
        select(SignIn).where(
            SignIn.hash == _hash(secret),
            SignIn.way == Way.FIRST_RUN.value,
            SignIn.standing == opens,
            SignIn.revoked.is_(False),
            SignIn.ends_real > real_now(session),
        )
    )
    if row is None or not is_open(session):
        message = (
            "this address was used, or is over; where nobody coordinates yet, a new start prints another"
        )
        raise NotFound(message)
    return row


def _end(session: Session) -> None:
    """Nothing that was handed out for a first run opens anything again."""
    session.execute(
        update(SignIn)
        .where(SignIn.way == Way.FIRST_RUN.value, SignIn.standing.in_([_ADDRESS, _BROWSER]))
        .values(revoked=True)
    )


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
