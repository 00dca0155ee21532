"""Tables of agencies, people on the roster, their keys, and what they consented to."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cism.domain.people import Discipline, PersonStatus, Role
from cism.store.base import Base, new_id
from cism.store.types import Named, Personal, PersonalTime, Sealed


class Agency(Base):
    """An employer whose people the programme serves."""

    __tablename__ = "agency"
    key: Mapped[str] = mapped_column(String(32), primary_key=True)
    display: Mapped[str] = mapped_column(String(40))
    protocol: Mapped[str] = mapped_column(String(40), default="sfa-follow-up")
    duty_phone: Mapped[str | None] = mapped_column(Sealed)
    crisis_line: Mapped[str] = mapped_column(String(40), default="call or text 988")
    command_blind: Mapped[bool] = mapped_column(default=False)  # attested: command does not see replies
    region: Mapped[str] = mapped_column(String(2), default="US")
    language: Mapped[str] = mapped_column(String(5), default="en")
    mutual_aid: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))  # None: every agency here
    retention: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")  # what it chose


class Person(Base):
    """Somebody on a roster."""

    __tablename__ = "person"
    __table_args__ = (UniqueConstraint("agency", "roster_hash"),)
    id: Mapped[str] = mapped_column(String(20), primary_key=True, default=new_id)
    agency: Mapped[str] = mapped_column(ForeignKey("agency.key"), index=True)
    roster_id: Mapped[str] = mapped_column(Personal("id", "removed"))
    roster_hash: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(Personal("id", "removed"))
    phone: Mapped[str | None] = mapped_column(Personal("id"))
    phone_hash: Mapped[str | None] = mapped_column(String(64), index=True)
    email: Mapped[str | None] = mapped_column(Personal("id"))
    discipline: Mapped[Discipline] = mapped_column(Named(Discipline))
    # together these name somebody
    unit: Mapped[str] = mapped_column(Personal("id", ""))
    station: Mapped[str] = mapped_column(Personal("id", ""))
    rank: Mapped[str] = mapped_column(Personal("id", ""))
    zone: Mapped[str] = mapped_column(Personal("id", "UTC"))
    sleep_start: Mapped[time] = mapped_column(PersonalTime("id", time(21)))
    sleep_end: Mapped[time] = mapped_column(PersonalTime("id", time(8)))
    language: Mapped[str] = mapped_column(String(5), default="en")
    consent_pages: Mapped[bool] = mapped_column(default=False)
    consent_care: Mapped[bool] = mapped_column(default=False)
    revoked_pages: Mapped[bool] = mapped_column(default=False)  # by the person; an import cannot lift it
    revoked_care: Mapped[bool] = mapped_column(default=False)
    phone_confirmed_at: Mapped[datetime | None]
    opted_out_at: Mapped[datetime | None]  # STOP
    frozen_at: Mapped[datetime | None]  # "who is this": maybe not this person's number any more
    care_held_at: Mapped[datetime | None]  # a bare 0 that fitted several questions
    first_text_at: Mapped[datetime | None]  # the text that says who this is has gone out
    designated_at: Mapped[date | None]
    status: Mapped[PersonStatus] = mapped_column(Named(PersonStatus), default=PersonStatus.ACTIVE)
    reports_to: Mapped[str | None] = mapped_column(ForeignKey("person.id"))
    roles: Mapped[list[PersonRole]] = relationship(lazy="selectin", cascade="all, delete-orphan")
    certs: Mapped[list[PersonCert]] = relationship(lazy="selectin", cascade="all, delete-orphan")
    conflicts: Mapped[list[NotWith]] = relationship(
        lazy="selectin", cascade="all, delete-orphan", foreign_keys="NotWith.person_id"
    )


class PersonKey(Base):
    """What opens whatever is kept about one person; wrapped by the installation's keys.

    Not tied to the person's row by the database: it is drawn just before that row is written.
    """

    __tablename__ = "person_key"
    ref: Mapped[str] = mapped_column(String(16), primary_key=True)
    person_id: Mapped[str] = mapped_column(String(20), unique=True)
    wrapped: Mapped[str | None] = mapped_column(Text)  # None: destroyed, for good
    made_real: Mapped[datetime]


class Erasure(Base):
    """Somebody's key was destroyed. Done once no copy of the database has it either."""

    __tablename__ = "erasure"
    person_id: Mapped[str] = mapped_column(String(20), primary_key=True)
    erased_real: Mapped[datetime]
    done_real: Mapped[datetime | None]


class PersonRole(Base):
    """One role of one person."""

    __tablename__ = "person_role"
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), primary_key=True)
    role: Mapped[Role] = mapped_column(Named(Role), primary_key=True)


class PersonCert(Base):
    """One certificate of one person."""

    __tablename__ = "person_cert"
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    expires: Mapped[date]


class NotWith(Base):
    """Two people never to be paired, kept in both directions; no reason is kept."""

    __tablename__ = "not_with"
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), primary_key=True)
    other_id: Mapped[str] = mapped_column(ForeignKey("person.id"), primary_key=True)


class Refusal(Base):
    """A person does not want this helper."""

    __tablename__ = "refusal"
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), primary_key=True)
    peer_id: Mapped[str] = mapped_column(ForeignKey("person.id"), primary_key=True)


class Consent(Base):
    """Append-only: a consent given or taken back, for one purpose and one number."""

    __tablename__ = "consent"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    purpose: Mapped[str] = mapped_column(String(8))  # pages, care
    phone_hash: Mapped[str | None] = mapped_column(String(64))
    given: Mapped[bool]
    how: Mapped[str] = mapped_column(String(12))  # attested, page, text
    wording: Mapped[str] = mapped_column(String(20))
    at: Mapped[datetime]
    person: Mapped[Person] = relationship()  # whoever is new on a roster is written before what they said


class Notice(Base):
    """What an agency tells about the limits of confidentiality, word for word; a version is never changed."""

    __tablename__ = "notice"
    __table_args__ = (UniqueConstraint("agency", "language", "version"),)
    id: Mapped[str] = mapped_column(String(20), primary_key=True, default=new_id)
    agency: Mapped[str] = mapped_column(ForeignKey("agency.key"))
    language: Mapped[str] = mapped_column(String(5))
    version: Mapped[int]
    body: Mapped[str] = mapped_column(Text)
    set_at: Mapped[datetime]


class NoticeGiven(Base):
    """Append-only: a person was shown or read the notice, in which version."""

    __tablename__ = "notice_given"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    version: Mapped[str] = mapped_column(String(60))  # agency, language and number, or the shipped one
    how: Mapped[str] = mapped_column(String(12))  # page, aloud
    at: Mapped[datetime]
