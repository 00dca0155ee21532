"""Passkeys: made by somebody who has signed in with a code, and then a way to sign in without one.

The answers of authenticators are judged by `webauthn` alone. Kept is the public half, which opens nothing.
"""

from __future__ import annotations

import hashlib
import ipaddress
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

import webauthn
from sqlalchemy import delete, select
from sqlalchemy.orm import Session
from webauthn.helpers import parse_authentication_credential_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from cism.errors import BadInput, NotSignedIn
from cism.services import outbox, people, sign_in_steps, words
from cism.store.db import database_of, real_now
from cism.store.db import now as product_now
from cism.store.tables import Passkey, Person
from notifications import messages as m

MOST = 10  # of one person
_NEWS = timedelta(days=1)  # design: later it is no news any more, and the own page shows it
_NEW, _SIGN_IN = "passkey new", "passkey"
_NAME = "My page"  # shown by phones and in their clouds: it says nothing
_VERIFIED = UserVerificationRequirement.REQUIRED


@dataclass(frozen=True, slots=True)
class Asked:
    """What the browser gives to the authenticator, and the ticket that comes back with the answer."""

    ticket: str
    options: str


def possible(public_url: str) -> bool:
    """Whether browsers have passkeys at this address: a name, encrypted or on this machine."""
    place = urlsplit(public_url)
    host = place.hostname or ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return place.scheme == "https" or host == "localhost"
    return False


def ask_new(session: Session, person: Person) -> Asked:
    """Begin to make one. Raises BadInput where the person has ten."""
    known = of(session, person.id)
    if len(known) >= MOST:
        message = f"You have {MOST} passkeys. Remove one first."
        raise BadInput(message)
    options = webauthn.generate_registration_options(
        rp_id=_host(session),
        rp_name=_NAME,
        user_id=person.id.encode(),
        user_name=_NAME,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=_VERIFIED
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=_bytes(row.credential_id)) for row in known],
    )
    data = {"challenge": _text(options.challenge)}
    ticket = sign_in_steps.begin(session, _NEW, data, person.id)
    return Asked(ticket, webauthn.options_to_json(options))


def add(session: Session, person: Person, ticket: str, answer: str) -> Passkey:
    """Keep a new one. Raises NotSignedIn for a late ticket, BadInput for an answer that does not hold."""
    kept = sign_in_steps.take(session, _NEW, ticket, person.id)
    try:
        made = webauthn.verify_registration_response(
            credential=answer,
            expected_challenge=_bytes(kept["challenge"]),
            expected_rp_id=_host(session),
            expected_origin=database_of(session).public_url,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError) as error:
        message = "This passkey could not be added. Try again, or go on signing in with a code."
        raise BadInput(message) from error
    row = Passkey(
        person_id=person.id,
        credential_hash=_hash(made.credential_id),
        credential_id=_text(made.credential_id),
        public_key=_text(made.credential_public_key),
        sign_count=made.sign_count,
        made_real=real_now(session),
    )
    session.add(row)
    session.flush()
    _tell(session, person, row)
    return row


def _tell(session: Session, person: Person, row: Passkey) -> None:
    """On the phone: whoever added it may be somebody at a browser that was left open."""
    now = product_now(session)
    message = m.PasskeyAdded(agency=words.agency_name(session, person.agency))
    outbox.put(session, message, key=f"passkey:{row.id}", now=now, person=person, expires_at=now + _NEWS)


def ask(session: Session) -> Asked:
    """Begin a sign-in. It names nobody: the authenticator knows whose it is."""
    options = webauthn.generate_authentication_options(rp_id=_host(session), user_verification=_VERIFIED)
    ticket = sign_in_steps.begin(session, _SIGN_IN, {"challenge": _text(options.challenge)})
    return Asked(ticket, webauthn.options_to_json(options))


def answer(session: Session, ticket: str, given: str) -> Person:
    """Whose passkey answered. Raises NotSignedIn, in the same words whatever does not fit."""
    kept = sign_in_steps.take(session, _SIGN_IN, ticket)
    try:
        row = _known(session, parse_authentication_credential_json(given).raw_id)
        checked = webauthn.verify_authentication_response(
            credential=given,
            expected_challenge=_bytes(kept["challenge"]),
            expected_rp_id=_host(session),
            expected_origin=database_of(session).public_url,
            credential_public_key=_bytes(row.public_key),
            credential_current_sign_count=row.sign_count,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError) as error:
        message = "This passkey does not open anything here. Sign in with a code to your phone."
        raise NotSignedIn(message) from error
    row.sign_count, row.used_real = checked.new_sign_count, real_now(session)
    return people.get(session, row.person_id)


def of(session: Session, person_id: str) -> list[Passkey]:
    """All of one person, the oldest first."""
    query = select(Passkey).where(Passkey.person_id == person_id)
    return list(session.scalars(query.order_by(Passkey.made_real, Passkey.id)))


def remove(session: Session, person_id: str, passkey_id: str) -> None:
    """Their own one opens nothing any more."""
    session.execute(delete(Passkey).where(Passkey.id == passkey_id, Passkey.person_id == person_id))


def _known(session: Session, credential_id: bytes) -> Passkey:
    row = session.scalar(
        select(Passkey).where(Passkey.credential_hash == _hash(credential_id)).with_for_update()
    )
    if row is None:
        message = "no such passkey"
        raise ValueError(message)
    return row


def _host(session: Session) -> str:
    return urlsplit(database_of(session).public_url).hostname or ""


def _hash(credential_id: bytes) -> str:
    return hashlib.sha256(credential_id).hexdigest()


def _text(value: bytes) -> str:
    return urlsafe_b64encode(value).decode()


def _bytes(value: str) -> bytes:
    return urlsafe_b64decode(value)
