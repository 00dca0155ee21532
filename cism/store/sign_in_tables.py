"""Tables of tokens, links, signed-in browsers, passkeys and OpenID."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, BigInteger, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from cism.domain.people import Role
from cism.store.base import Base, new_id
from cism.store.types import Named, Personal, Sealed


class Token(Base):
    """An API token, by hash."""

    __tablename__ = "token"
    id: Mapped[str] = mapped_column(String(20), primary_key=True, default=new_id)
    hash: Mapped[str] = mapped_column(String(64), unique=True)
    role: Mapped[Role] = mapped_column(Named(Role))
    agency: Mapped[str] = mapped_column(ForeignKey("agency.key"))
    person_id: Mapped[str | None] = mapped_column(ForeignKey("person.id"))
    scopes: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))  # None: all that the role may
    made_real: Mapped[datetime]
    expires_real: Mapped[datetime]
    revoked: Mapped[bool] = mapped_column(default=False)


class SignIn(Base):
    """One signed-in browser, by the hash of its cookie; all times are real."""

    __tablename__ = "sign_in"
    id: Mapped[str] = mapped_column(String(20), primary_key=True, default=new_id)
    hash: Mapped[str] = mapped_column(String(64), unique=True)
    person_id: Mapped[str | None] = mapped_column(ForeignKey("person.id"), index=True)
    token_id: Mapped[str | None] = mapped_column(ForeignKey("token.id"))
    way: Mapped[str] = mapped_column(String(10))  # code, passkey, openid, token, first_run
    standing: Mapped[str] = mapped_column(String(64))  # what the person was then: another standing ends it
    made_real: Mapped[datetime]
    seen_real: Mapped[datetime]
    ends_real: Mapped[datetime]
    revoked: Mapped[bool] = mapped_column(default=False)


class SignInStep(Base):
    """A sign-in that has begun and not ended: what has to come back with it, once and soon."""

    __tablename__ = "sign_in_step"
    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(12))
    person_id: Mapped[str | None] = mapped_column(ForeignKey("person.id"))
    data: Mapped[str] = mapped_column(Personal("person_id", "{}"))
    expires_real: Mapped[datetime]


class Passkey(Base):
    """A passkey of one person: the public half, which opens nothing by itself."""

    __tablename__ = "passkey"
    id: Mapped[str] = mapped_column(String(20), primary_key=True, default=new_id)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    credential_hash: Mapped[str] = mapped_column(String(64), unique=True)
    credential_id: Mapped[str] = mapped_column(Text)
    public_key: Mapped[str] = mapped_column(Text)
    sign_count: Mapped[int] = mapped_column(BigInteger, default=0)
    made_real: Mapped[datetime]
    used_real: Mapped[datetime | None]


class OpenIdIssuer(Base):
    """Where an agency's own staff sign in, for the work of staff alone."""

    __tablename__ = "openid_issuer"
    agency: Mapped[str] = mapped_column(ForeignKey("agency.key"), primary_key=True)
    issuer: Mapped[str] = mapped_column(String(300))
    client_id: Mapped[str] = mapped_column(String(200))
    client_secret: Mapped[str | None] = mapped_column(Sealed)
    claim: Mapped[str] = mapped_column(
        String(40)
    )  # what names the person: email, or one with the roster's id


class OpenIdSubject(Base):
    """Whose account at an issuer it is, by keyed hash; bound at the first sign-in."""

    __tablename__ = "openid_subject"
    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    made_real: Mapped[datetime]


class Link(Base):
    """A short-lived address for one person and one purpose; opening needs a code to the enrolled phone."""

    __tablename__ = "link"
    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"))
    purpose: Mapped[str] = mapped_column(String(20))
    subject_id: Mapped[str | None] = mapped_column(String(20))
    expires_real: Mapped[datetime]
    code_hash: Mapped[str | None] = mapped_column(String(64))
    code_tries: Mapped[int] = mapped_column(default=0)
    opened_hash: Mapped[str | None] = mapped_column(String(64))  # the browser session that gave the code
