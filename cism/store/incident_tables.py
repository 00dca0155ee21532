"""Tables of incidents and who was touched by them."""

from __future__ import annotations

from datetime import date, datetime, time

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cism.domain.incident import Circle, IncidentState, Severity
from cism.domain.sensitive_dates import DateKind
from cism.store.base import Base, new_id
from cism.store.types import Named, Sealed


class Incident(Base):
    """A critical incident; it keeps the protocol version it started with."""

    __tablename__ = "incident"
    # Rows carry their protocol: what lists and counts ten thousand of them must not read the rows.
    __table_args__ = (
        Index("incident_board", "agency", "state", "logged_at", "id"),
        Index("incident_kinds", "agency", "type", "state", "logged_by"),
    )
    id: Mapped[str] = mapped_column(String(20), primary_key=True, default=new_id)
    ref: Mapped[str] = mapped_column(String(12), unique=True)
    agency: Mapped[str] = mapped_column(ForeignKey("agency.key"), index=True)
    type: Mapped[str] = mapped_column(String(40))
    severity: Mapped[Severity] = mapped_column(Named(Severity))
    occurred_at: Mapped[datetime | None]
    occurred_on: Mapped[date | None]  # imported rows may know the date alone
    ended_at: Mapped[datetime | None]
    place_code: Mapped[str | None] = mapped_column(String(40))
    kin_notified: Mapped[bool] = mapped_column(default=False)
    funeral_at: Mapped[datetime | None]
    statements_complete: Mapped[bool] = mapped_column(default=False)
    protocol: Mapped[str] = mapped_column(String(40))
    protocol_body: Mapped[str] = mapped_column(Text)  # the version this incident started with, as JSON
    logged_at: Mapped[datetime]
    logged_real: Mapped[datetime]
    logged_by: Mapped[str | None] = mapped_column(ForeignKey("person.id"))
    state: Mapped[IncidentState] = mapped_column(Named(IncidentState), index=True)
    accepted_at: Mapped[datetime | None]  # the coordinator took over
    accepted_by: Mapped[str | None] = mapped_column(ForeignKey("person.id"))
    closed_at: Mapped[datetime | None]
    source_key: Mapped[str | None] = mapped_column(String(120), unique=True)
    source_agency: Mapped[str | None] = mapped_column(String(200))
    past_affected: Mapped[int] = mapped_column(default=0, server_default="0")  # how many retention took off
    past_team: Mapped[int] = mapped_column(default=0, server_default="0")
    affected: Mapped[list[AffectedPerson]] = relationship(lazy="selectin", cascade="all, delete-orphan")
    dates: Mapped[list[SensitiveDate]] = relationship(cascade="all, delete-orphan")


class AffectedPerson(Base):
    """One affected person of one incident, in a circle, with an own end of exposure."""

    __tablename__ = "affected"
    __table_args__ = (UniqueConstraint("incident_id", "person_id"),)
    id: Mapped[str] = mapped_column(String(20), primary_key=True, default=new_id)
    incident_id: Mapped[str] = mapped_column(ForeignKey("incident.id"))
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    circle: Mapped[Circle] = mapped_column(Named(Circle))
    exposure_end: Mapped[datetime | None]
    added_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_reason: Mapped[str | None] = mapped_column(String(40))
    peer_id: Mapped[str | None] = mapped_column(ForeignKey("person.id"))  # who looks after this person
    keep_in_touch: Mapped[bool] = mapped_column(default=False)  # the opt-in for f180 and the anniversary
    ready_self_at: Mapped[datetime | None]  # a peer says: I can serve again
    ready_clinician_at: Mapped[datetime | None]  # and a clinician agrees


class IncidentParty(Base):
    """Somebody who had a part in an incident and is not affected by it: never one of its helpers."""

    __tablename__ = "incident_party"
    incident_id: Mapped[str] = mapped_column(ForeignKey("incident.id"), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), primary_key=True)
    part: Mapped[str] = mapped_column(String(12), primary_key=True)  # on_scene, reviewer


class SensitiveDate(Base):
    """A day on which no automatic text goes to the people of an incident; whose day it is, is not kept."""

    __tablename__ = "sensitive_date"
    id: Mapped[str] = mapped_column(String(20), primary_key=True, default=new_id)
    incident_id: Mapped[str] = mapped_column(ForeignKey("incident.id"), index=True)
    kind: Mapped[DateKind] = mapped_column(Named(DateKind))
    day: Mapped[str] = mapped_column(Sealed)  # ISO 8601; somebody's birthday, perhaps
    starts: Mapped[time | None]  # of the hours that matter, where it is not the whole day
    ends: Mapped[time | None]


class IdempotencyKey(Base):
    """The same key and body of the same caller answer with the same incident."""

    __tablename__ = "idempotency_key"
    caller: Mapped[str] = mapped_column(String(40), primary_key=True)
    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    body_hash: Mapped[str] = mapped_column(String(64))
    incident_id: Mapped[str] = mapped_column(ForeignKey("incident.id"))
    made_at: Mapped[datetime]
