"""Signed-in browsers: kept on the server, short, and over at once when the person's standing changes.

A cookie holds a random secret; everything else is here, by its hash, so that a sign-in can be ended from
anywhere. Times are real: whoever moves the product's clock keeps nobody signed in.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, CursorResult, delete, select, update
from sqlalchemy.orm import Session

from cism.domain.access import Act, may_do
from cism.domain.people import PersonStatus, Role
from cism.errors import NotSignedIn
from cism.services import tokens
from cism.services.tokens import Caller
from cism.store.db import real_now
from cism.store.on_call_tables import CalendarFeed
from cism.store.tables import Link, OpenIdSubject, Passkey, Person, SignIn, Token

IDLE = timedelta(minutes=30)  # a phone laid down on a bonnet
IDLE_WITH_TOKEN = timedelta(hours=4)  # opens the log form alone, and is long to paste at a roadside
LONGEST = timedelta(hours=12)  # a shift
KEPT = timedelta(days=7)  # after its end, as the addresses of pages are
SEEN_EVERY = timedelta(minutes=1)  # how exactly the last look is kept


class Way(StrEnum):
    """How somebody signed in."""

    CODE = "code"  # a one-time code to the enrolled phone
    PASSKEY = "passkey"
    OPENID = "openid"  # the employer's own: it can sign in as anybody it likes
    FIRST_RUN = "first_run"  # the address that `cism up` printed: the installation's owner, as coordinator
    TOKEN = "token"  # noqa: S105 - a word, not a secret; a supervisor's token, pasted once a shift


OWN_PAGES = frozenset({Way.CODE, Way.PASSKEY})
"""What opens a person's own pages: only what the person alone holds."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Whose browser it is, and as what it may act on staff pages."""

    id: str
    way: Way
    caller: Caller
    stale: bool  # the last look was not just now

    @property
    def own(self) -> str | None:
        """The person whose own pages it opens."""
        return self.caller.person_id if self.way in OWN_PAGES else None


def of_person(session: Session, person: Person, way: Way) -> str:
    """Sign somebody in; the secret for their browser. Raises NotSignedIn for whoever may not."""
    if not _may(person, way):
        raise NotSignedIn
    return _start(session, way, _standing(person), person_id=person.id)


def of_token(session: Session, secret: str) -> tuple[str, Caller]:
    """Sign in whoever pasted a token, which goes on ruling it: a revoked one ends it."""
    found = tokens.caller(session, secret)
    started = _start(session, Way.TOKEN, "", person_id=found.person_id, token_id=found.token_id)
    return started, found


def find(session: Session, secret: str) -> SignedIn | None:
    """Who this browser is, unless its time is over, it was signed out, or the person is not the same."""
    row = _row(session, secret)
    real = real_now(session)
    if row is None or row.revoked or row.ends_real <= real or row.seen_real + _idle(row) <= real:
        return None
    if row.token_id is None and row.person_id is None:
        return None  # what a first run hands out before there is anybody: it signs nobody in
    caller = _of_token(session, row) if row.token_id else _of_person(session, row)
    if caller is None:
        return None
    return SignedIn(row.id, Way(row.way), caller, stale=row.seen_real + SEEN_EVERY <= real)


def seen(session: Session, sign_in_id: str) -> None:
    """It was just used: it stays for another half hour."""
    session.execute(update(SignIn).where(SignIn.id == sign_in_id).values(seen_real=real_now(session)))


def end(session: Session, secret: str) -> None:
    """Sign this browser out, and close what a code of this person opened: whoever goes back finds nothing.

    Also on another device: which page belongs to which sign-in is not kept, and a new code opens it.
    """
    row = _row(session, secret)
    if row is not None and row.token_id is None:
        session.execute(update(Link).where(Link.person_id == row.person_id).values(opened_hash=None))
    _revoke(session, SignIn.hash == _hash(secret))


def end_all(session: Session, person_id: str) -> int:
    """Sign somebody out everywhere: every browser, and every page behind a code. How many browsers."""
    session.execute(update(Link).where(Link.person_id == person_id).values(opened_hash=None, code_hash=None))
    return _revoke(session, SignIn.person_id == person_id, SignIn.revoked.is_(False))


def forget(session: Session, person_id: str) -> None:
    """Nothing that they signed in with opens anything again, nor the address of their calendar."""
    end_all(session, person_id)
    for table in (Passkey, OpenIdSubject, CalendarFeed):
        session.execute(delete(table).where(table.person_id == person_id))


def _start(
    session: Session, way: Way, standing: str, *, person_id: str | None, token_id: str | None = None
) -> str:
    secret, real = secrets.token_urlsafe(32), real_now(session)
    session.execute(delete(SignIn).where(SignIn.ends_real <= real - KEPT))
    session.add(
        SignIn(
            hash=_hash(secret),
            person_id=person_id,
            token_id=token_id,
            way=way.value,
            standing=standing,
            made_real=real,
            seen_real=real,
            ends_real=real + LONGEST,
        )
    )
    return secret


def _idle(row: SignIn) -> timedelta:
    return IDLE_WITH_TOKEN if row.way == Way.TOKEN else IDLE


def _of_token(session: Session, row: SignIn) -> Caller | None:
    try:
        return tokens.of_row(session, session.get_one(Token, row.token_id))
    except NotSignedIn:
        return None


def _of_person(session: Session, row: SignIn) -> Caller | None:
    person = session.get_one(Person, row.person_id)
    if not _may(person, Way(row.way)) or not hmac.compare_digest(row.standing, _standing(person)):
        return None
    held = sorted((item.role for item in person.roles), key=_reaches)
    return Caller(row.id, held[-1], person.agency, person.id) if held else None


def _reaches(role: Role) -> tuple[bool, bool, str]:
    """Of several roles that one acts on staff pages which opens most there."""
    logs = may_do([role], Act.LOG_INCIDENT, same_agency=True)
    return logs, may_do([role], Act.SEE_TIMELINE, same_agency=True), role.value


def _may(person: Person, way: Way) -> bool:
    """A number that may be a stranger's by now signs nobody in; a passkey is in no number."""
    if person.status is PersonStatus.DECEASED:
        return False
    return person.frozen_at is None or way is Way.PASSKEY


def _standing(person: Person) -> str:
    """Roles, status, agency and number, so that a change of any of them ends what was signed in before."""
    held = sorted(item.role.value for item in person.roles)
    facts = [person.agency, person.status.value, person.phone_hash, held]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _row(session: Session, secret: str) -> SignIn | None:
    return session.scalar(select(SignIn).where(SignIn.hash == _hash(secret)))


def _revoke(session: Session, *where: ColumnElement[bool]) -> int:
    done = session.execute(update(SignIn).where(*where).values(revoked=True))
    return done.rowcount if isinstance(done, CursorResult) else 0


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
