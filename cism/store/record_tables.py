"""Tables of what is written down and kept: events, audit, disclosures, holds, retention."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from cism.domain.break_glass import GlassReason
from cism.domain.disclosure import DisclosureState, Recipient
from cism.domain.retention import HoldReason, Kept, LiftReason
from cism.store.base import Base, new_id
from cism.store.types import Named


class Event(Base):
    """Append-only: every move of every thing that has states; ids and enum values alone."""

    __tablename__ = "event"
    __table_args__ = (Index("event_incident", "incident_id", "id"),)
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(40))
    incident_id: Mapped[str | None] = mapped_column(String(20))
    subject_id: Mapped[str | None] = mapped_column(String(40))
    actor_id: Mapped[str | None] = mapped_column(String(40))
    before: Mapped[str | None] = mapped_column(String(40))
    after: Mapped[str | None] = mapped_column(String(40))


class Audit(Base):
    """Append-only, each row chained to the one before by a keyed MAC; no content.

    The database itself refuses to change or remove a row: `cism.store.append_only`.
    """

    __tablename__ = "audit"
    __table_args__ = (Index("audit_object", "object_id", "act"),)
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(60))
    act: Mapped[str] = mapped_column(String(60))
    object_id: Mapped[str | None] = mapped_column(String(60))
    allowed: Mapped[bool] = mapped_column(default=True)
    mac: Mapped[str] = mapped_column(String(80))  # the name of the key, and the MAC


class Disclosure(Base):
    """Something about a person may be told outside: proposed by one, agreed to by another. Codes alone."""

    __tablename__ = "disclosure"
    id: Mapped[str] = mapped_column(String(20), primary_key=True, default=new_id)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    agency: Mapped[str] = mapped_column(ForeignKey("agency.key"))
    exception: Mapped[str] = mapped_column(String(40))
    recipient: Mapped[Recipient] = mapped_column(Named(Recipient))
    state: Mapped[DisclosureState] = mapped_column(Named(DisclosureState))
    proposed_at: Mapped[datetime]
    proposed_by: Mapped[str] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None] = mapped_column(ForeignKey("person.id"))


class BrokenGlass(Base):
    """Somebody whom the table refuses looked all the same, for an hour and for a coded reason."""

    __tablename__ = "broken_glass"
    id: Mapped[str] = mapped_column(String(20), primary_key=True, default=new_id)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    incident_id: Mapped[str] = mapped_column(ForeignKey("incident.id"))
    reason: Mapped[GlassReason] = mapped_column(Named(GlassReason))
    broken_at: Mapped[datetime]
    ends_real: Mapped[datetime]
    reads: Mapped[int] = mapped_column(default=0)


class LegalHold(Base):
    """Records that retention leaves alone: one incident's, or a whole class. Codes alone, never a story."""

    __tablename__ = "legal_hold"
    id: Mapped[str] = mapped_column(String(20), primary_key=True, default=new_id)
    incident_id: Mapped[str | None] = mapped_column(ForeignKey("incident.id"))  # None: a class, everywhere
    kept: Mapped[Kept | None] = mapped_column(Named(Kept))  # None: every class
    reason: Mapped[HoldReason] = mapped_column(Named(HoldReason))
    set_at: Mapped[datetime]
    set_by: Mapped[str | None] = mapped_column(ForeignKey("person.id"))  # None: the installation's owner
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[str | None] = mapped_column(ForeignKey("person.id"))
    lift_reason: Mapped[LiftReason | None] = mapped_column(Named(LiftReason))


class RetentionRun(Base):
    """What one night removed: classes, counts, oldest and newest, under the audit log's MAC; nobody's id."""

    __tablename__ = "retention_run"
    id: Mapped[str] = mapped_column(String(20), primary_key=True, default=new_id)
    at: Mapped[datetime]
    facts: Mapped[dict[str, Any]]
    mac: Mapped[str] = mapped_column(String(80))
