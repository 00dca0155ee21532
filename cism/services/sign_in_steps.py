"""Sign-ins that have begun: what was sent out comes back once, soon, for the same purpose, or not at all."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from cism.errors import NotSignedIn
from cism.store.db import real_now
from cism.store.tables import SignInStep

GOOD_FOR = timedelta(minutes=10)  # long enough to find the key, or the employer's password


def begin(session: Session, kind: str, data: Mapping[str, str], person_id: str | None = None) -> str:
    """Keep what has to fit later; the ticket to ask for it with. What was never finished is thrown away."""
    real = real_now(session)
    session.execute(delete(SignInStep).where(SignInStep.expires_real <= real))
    ticket = secrets.token_urlsafe(24)
    session.add(
        SignInStep(
            hash=_hash(ticket),
            kind=kind,
            person_id=person_id,
            data=json.dumps(dict(data)),
            expires_real=real + GOOD_FOR,
        )
    )
    return ticket


def take(session: Session, kind: str, ticket: str, person_id: str | None = None) -> dict[str, str]:
    """What was kept, and it is gone. Raises NotSignedIn for what is unknown, used, late or another's."""
    row = session.get(SignInStep, _hash(ticket), with_for_update=True)
    if row is None:
        raise NotSignedIn(_AGAIN)
    found, late = row, row.expires_real <= real_now(session)
    data: dict[str, str] = json.loads(found.data)
    session.delete(found)
    session.flush()
    if late or (found.kind, found.person_id) != (kind, person_id):
        raise NotSignedIn(_AGAIN)
    return data


_AGAIN = "This took too long, or was answered already. Begin again on the sign-in page."


def _hash(ticket: str) -> str:
    return hashlib.sha256(ticket.encode()).hexdigest()
