"""Every table. Names, phones, e-mails, roster ids and texts are sealed; all else is opaque ids, enums and
times.
"""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, Text, UniqueConstraint, false, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from cism import chance
from cism.domain.break_glass import GlassReason
from cism.domain.disclosure import DisclosureState, Recipient
from cism.domain.escalation import EscalationLevel, EscalationState
from cism.domain.incident import Circle, IncidentState, Severity
from cism.domain.people import Discipline, PersonStatus, Role
from cism.domain.plan import StepKind, StepState
from cism.domain.retention import HoldReason, Kept, LiftReason
from cism.domain.sensitive_dates import DateKind
from cism.store.states import (
    AssignmentState,
    CallState,
    InboundState,
    OfferState,
    OutboxState,
    QueueState,
    SessionState,
)
from cism.store.types import Named, Personal, PersonalTime, Sealed, UtcDateTime

_ID_BITS = 80


def new_id() -> str:
    """An opaque random id: 80 bits, says nothing about when or whom."""
    return f"{chance.source().getrandbits(_ID_BITS):020x}"


class Base(DeclarativeBase):
    """The metadata of all tables."""

    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it from the class
        datetime: UtcDateTime(),
        dict[str, Any]: JSON(),
        list[str]: JSON(),
    }


class Key(Base):
    """A secret of the installation, sealed: the index key of keyed hashes, retired keys of the audit log."""

    __tablename__ = "installation_key"
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[str] = mapped_column(Sealed)


class ClockRow(Base):
    """One row: the movable clock's offset from real time, in seconds."""

    __tablename__ = "clock"
    id: Mapped[int] = mapped_column(primary_key=True)
    offset_seconds: Mapped[float] = mapped_column(default=0.0)
    ever_moved: Mapped[bool] = mapped_column(default=False)


class ClockMove(Base):
    """Each move of the movable clock, so that others can turn real times into product times."""

    __tablename__ = "clock_move"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    moved_at_real: Mapped[datetime]
    offset_before: Mapped[float]
    offset_after: Mapped[float]
    kind: Mapped[str] = mapped_column(String(20))


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


class VaultKey(Base):
    """A key of the installation, by its public name: since when it seals, since when nothing needs it."""

    __tablename__ = "vault_key"
    id: Mapped[str] = mapped_column(String(8), primary_key=True)
    since_real: Mapped[datetime]
    cleared_real: Mapped[datetime | None]  # nothing here was sealed with it any more
    retired_real: Mapped[datetime | None]  # taken out of the file


class BackupMade(Base):
    """A copy of the database; while it exists it holds whoever was erased after it was made."""

    __tablename__ = "backup_made"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    file: Mapped[str] = mapped_column(String(400))
    made_real: Mapped[datetime]
    gone_real: Mapped[datetime | None]


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


class Incident(Base):
    """A critical incident; it keeps the protocol version it started with."""

    __tablename__ = "incident"
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


class Step(Base):
    """One future act. The unique key makes planning twice add nothing."""

    __tablename__ = "step"
    __table_args__ = (
        Index(
            "step_due",
            "due_at",
            postgresql_where=text("state = 'planned'"),
            sqlite_where=text("state = 'planned'"),
        ),
        Index("step_incident", "incident_id", "state"),
        Index("step_person", "person_id", "state"),
        Index("step_subject", "subject_id", "state"),
    )
    id: Mapped[str] = mapped_column(String(20), primary_key=True, default=new_id)
    kind: Mapped[StepKind] = mapped_column(Named(StepKind))
    key: Mapped[str] = mapped_column(String(160), unique=True)
    due_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    incident_id: Mapped[str | None] = mapped_column(ForeignKey("incident.id"))
    person_id: Mapped[str | None] = mapped_column(ForeignKey("person.id"))
    subject_id: Mapped[str | None] = mapped_column(String(20))
    payload: Mapped[dict[str, Any]] = mapped_column(default=dict)
    state: Mapped[StepState] = mapped_column(Named(StepState), default=StepState.PLANNED)
    outcome: Mapped[str | None] = mapped_column(String(60))
    tries: Mapped[int] = mapped_column(default=0)
    retry_real: Mapped[datetime | None]  # a step that failed waits in real time
    done_at: Mapped[datetime | None]


class Question(Base):
    """One question to one person, with its code; answered by SMS or page."""

    __tablename__ = "question"
    __table_args__ = (Index("question_person", "person_id", "state"), Index("question_subject", "subject_id"))
    id: Mapped[str] = mapped_column(String(20), primary_key=True, default=new_id)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"))
    kind: Mapped[str] = mapped_column(String(20))
    code: Mapped[str | None] = mapped_column(String(4))
    incident_id: Mapped[str | None] = mapped_column(ForeignKey("incident.id"), index=True)
    subject_id: Mapped[str | None] = mapped_column(String(20))  # assignment, session, escalation, affected …
    about_id: Mapped[str | None] = mapped_column(ForeignKey("person.id"))
    point: Mapped[str | None] = mapped_column(String(8))
    state: Mapped[str] = mapped_column(String(12), default="open")
    answer: Mapped[str | None] = mapped_column(Personal("person_id"))
    asked_at: Mapped[datetime]
    deadline: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    merged: Mapped[list[str] | None]  # other incidents that the same check-in speaks for


class Assignment(Base):
    """A helper asked for, or serving in, one incident."""

    __tablename__ = "assignment"
    __table_args__ = (UniqueConstraint("incident_id", "peer_id"),)
    id: Mapped[str] = mapped_column(String(20), primary_key=True, default=new_id)
    incident_id: Mapped[str] = mapped_column(ForeignKey("incident.id"))
    peer_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    state: Mapped[AssignmentState] = mapped_column(Named(AssignmentState))
    role: Mapped[str] = mapped_column(String(20), default="team")
    round: Mapped[int] = mapped_column(default=0)
    asked_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class GroupSession(Base):
    """A group session of any format. No content field exists (invariant 5)."""

    __tablename__ = "group_session"
    id: Mapped[str] = mapped_column(String(20), primary_key=True, default=new_id)
    incident_id: Mapped[str] = mapped_column(ForeignKey("incident.id"), index=True)
    kind: Mapped[str] = mapped_column(String(40))
    group_key: Mapped[str] = mapped_column(Sealed)  # it names a unit
    state: Mapped[SessionState] = mapped_column(Named(SessionState))
    window_from: Mapped[datetime | None]
    window_to: Mapped[datetime | None]
    starts_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    team_size: Mapped[int]
    leader_id: Mapped[str | None] = mapped_column(ForeignKey("person.id"))
    headcount: Mapped[int | None]
    reason: Mapped[str | None] = mapped_column(String(60))


class Offer(Base):
    """Something offered beside the groups, or done for the team itself.

    That it was made is kept; whether it was accepted only of the employer's acts, such as relief from duty.
    """

    __tablename__ = "offer"
    __table_args__ = (UniqueConstraint("incident_id", "key"),)
    id: Mapped[str] = mapped_column(String(20), primary_key=True, default=new_id)
    incident_id: Mapped[str] = mapped_column(ForeignKey("incident.id"))
    key: Mapped[str] = mapped_column(String(80))
    kind: Mapped[str] = mapped_column(String(40))
    state: Mapped[OfferState] = mapped_column(Named(OfferState))
    reason: Mapped[str | None] = mapped_column(String(40))
    person_id: Mapped[str | None] = mapped_column(ForeignKey("person.id"), index=True)
    session_id: Mapped[str | None] = mapped_column(ForeignKey("group_session.id"))
    since: Mapped[datetime]  # what its hours are counted from
    due_at: Mapped[datetime]  # from when on somebody is told
    by_at: Mapped[datetime]
    told: Mapped[str | None] = mapped_column(
        String(20)
    )  # who was reminded to make it: a peer, those in charge
    told_to: Mapped[str | None] = mapped_column(ForeignKey("person.id"))  # which peer
    offered_at: Mapped[datetime | None]
    offered_by: Mapped[str | None] = mapped_column(ForeignKey("person.id"))
    accepted: Mapped[bool | None]  # employer's acts alone
    helper_id: Mapped[str | None] = mapped_column(ForeignKey("person.id"))  # who does it
    sender_id: Mapped[str | None] = mapped_column(ForeignKey("person.id"))  # who handed a person over
    closed_at: Mapped[datetime | None]


class Invitation(Base):
    """Who may come; purged after the session."""

    __tablename__ = "invitation"
    session_id: Mapped[str] = mapped_column(ForeignKey("group_session.id"), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), primary_key=True)
    state: Mapped[str] = mapped_column(String(12), default="planned")


class Escalation(Base):
    """Somebody needs a human; closed only by a human (invariant 12)."""

    __tablename__ = "escalation"
    id: Mapped[str] = mapped_column(String(20), primary_key=True, default=new_id)
    person_id: Mapped[str | None] = mapped_column(ForeignKey("person.id"), index=True)  # None: unknown sender
    inbound_sid: Mapped[str | None] = mapped_column(String(40))
    queue_id: Mapped[str | None] = mapped_column(ForeignKey("queue_item.id"))
    agency: Mapped[str] = mapped_column(ForeignKey("agency.key"))
    incident_id: Mapped[str | None] = mapped_column(ForeignKey("incident.id"))
    level: Mapped[EscalationLevel] = mapped_column(Named(EscalationLevel))
    reason: Mapped[str] = mapped_column(String(30))
    welfare: Mapped[bool] = mapped_column(default=False)
    state: Mapped[EscalationState] = mapped_column(Named(EscalationState), index=True)
    rung: Mapped[int] = mapped_column(default=-1)
    opened_at: Mapped[datetime]
    level_at: Mapped[datetime]  # since when it is this pressing: times are counted from here
    acked_at: Mapped[datetime | None]
    acked_by: Mapped[str | None] = mapped_column(ForeignKey("person.id"))
    voice_by: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None] = mapped_column(ForeignKey("person.id"))
    outcome: Mapped[str | None] = mapped_column(String(40))
    handed_to: Mapped[str | None] = mapped_column(
        Personal("person_id")
    )  # by whom, where emergency services were asked


class InboundMessage(Base):
    """A text that came in, once by its provider id; the body is sealed and purged after it was handled."""

    __tablename__ = "inbound"
    __table_args__ = (
        Index(
            "inbound_unredacted",
            "received_real",
            postgresql_where=text("redacted_at IS NULL"),
            sqlite_where=text("redacted_at IS NULL"),
        ),
    )
    sid: Mapped[str] = mapped_column(String(40), primary_key=True)
    person_id: Mapped[str | None] = mapped_column(ForeignKey("person.id"), index=True)
    from_number: Mapped[str] = mapped_column(Personal("person_id", ""))
    from_hash: Mapped[str] = mapped_column(String(64))
    body: Mapped[str | None] = mapped_column(Personal("person_id"))
    reading: Mapped[str] = mapped_column(String(30))
    state: Mapped[InboundState] = mapped_column(Named(InboundState))
    received_at: Mapped[datetime]
    received_real: Mapped[datetime]
    redacted_at: Mapped[datetime | None]  # the provider's copy is gone


class SeenSid(Base):
    """A text that came in, by keyed hash of the provider's id, for ever: posted again it is no new one."""

    __tablename__ = "seen_sid"
    hash: Mapped[str] = mapped_column(String(64), primary_key=True)


class QueueItem(Base):
    """Something that only a human may handle, with a deadline."""

    __tablename__ = "queue_item"
    id: Mapped[str] = mapped_column(String(20), primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(String(30))
    agency: Mapped[str | None] = mapped_column(ForeignKey("agency.key"))
    person_id: Mapped[str | None] = mapped_column(ForeignKey("person.id"))
    incident_id: Mapped[str | None] = mapped_column(ForeignKey("incident.id"))
    inbound_sid: Mapped[str | None] = mapped_column(ForeignKey("inbound.sid"))
    outbox_id: Mapped[str | None] = mapped_column(String(20))
    received_at: Mapped[datetime]
    deadline: Mapped[datetime]
    state: Mapped[QueueState] = mapped_column(Named(QueueState), index=True)
    handled_at: Mapped[datetime | None]
    handled_by: Mapped[str | None] = mapped_column(ForeignKey("person.id"))
    untold: Mapped[bool] = mapped_column(
        default=False, server_default=false()
    )  # its readers hear of it with others like it


class Outbox(Base):
    """One message to hand to the provider: claimed, committed, sent, recorded."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index(
            "outbox_ready",
            "lane",
            "not_before",
            "id",
            postgresql_where=text("state = 'pending'"),
            sqlite_where=text("state = 'pending'"),
        ),
        Index(
            "outbox_moving",
            "claimed_real",
            postgresql_where=text("state in ('sending', 'unknown')"),
            sqlite_where=text("state in ('sending', 'unknown')"),
        ),
        Index(
            "outbox_unredacted",
            "sent_real",
            postgresql_where=text("redacted_at IS NULL"),
            sqlite_where=text("redacted_at IS NULL"),
        ),
        Index("outbox_sid", "sid"),
        Index("outbox_sent", "state", "sent_real"),
        Index("outbox_question", "question_id"),
        Index("outbox_person", "person_id", "state"),
        Index("outbox_incident", "incident_id", "state"),
        Index("outbox_handed", "lane", "claimed_at"),
    )
    id: Mapped[str] = mapped_column(String(20), primary_key=True, default=new_id)
    key: Mapped[str] = mapped_column(String(160), unique=True)
    kind: Mapped[str] = mapped_column(String(30))
    person_id: Mapped[str | None] = mapped_column(ForeignKey("person.id"))
    to_number: Mapped[str | None] = mapped_column(Personal("person_id"))  # only where no person is known
    language: Mapped[str] = mapped_column(String(5), default="en")
    payload: Mapped[str] = mapped_column(
        Personal("person_id", "{}")
    )  # the fields of the message class, as JSON
    lane: Mapped[int]  # 0 pages and escalations, 1 direct answers, 2 team logistics, 3 care texts
    incident_id: Mapped[str | None] = mapped_column(ForeignKey("incident.id"))
    question_id: Mapped[str | None] = mapped_column(ForeignKey("question.id"))
    not_before: Mapped[datetime]
    owed_at: Mapped[datetime | None]  # when it should have left; never moved, unlike not_before
    expires_at: Mapped[datetime | None]
    state: Mapped[OutboxState] = mapped_column(Named(OutboxState), default=OutboxState.PENDING)
    reason: Mapped[str | None] = mapped_column(String(40))
    sid: Mapped[str | None] = mapped_column(String(40))
    provider_status: Mapped[str | None] = mapped_column(String(20))
    error_code: Mapped[int | None]
    attempts: Mapped[int] = mapped_column(default=0)
    retry_real: Mapped[datetime | None]
    claimed_at: Mapped[datetime | None]  # the same moment in product time: what a phone got in an hour, a day
    claimed_real: Mapped[datetime | None]
    asked_real: Mapped[datetime | None]  # when the provider was last asked what became of it
    sent_at: Mapped[datetime | None]
    sent_real: Mapped[datetime | None]
    body_digest: Mapped[str | None] = mapped_column(String(64))
    channel: Mapped[str] = mapped_column(String(8), default="sms")  # or email: it left the second way
    tried_real: Mapped[datetime | None]  # when the provider was first asked to take it
    second_real: Mapped[datetime | None]  # when it was written the second way, once
    redacted: Mapped[bool] = mapped_column(default=False)  # our own copy of what it said is gone
    redacted_at: Mapped[datetime | None]  # the provider's copy is gone
    made_at: Mapped[datetime]


class PhoneCall(Base):
    """One call that asks somebody beside a text: claimed, dialled, recorded. No word of it is kept."""

    __tablename__ = "phone_call"
    __table_args__ = (
        Index("phone_call_state", "state", "claimed_real"),
        Index("phone_call_question", "question_id"),
        Index("phone_call_subject", "subject_id"),
    )
    id: Mapped[str] = mapped_column(String(20), primary_key=True, default=new_id)
    key: Mapped[str] = mapped_column(String(160), unique=True)
    reason: Mapped[str] = mapped_column(String(20))
    agency: Mapped[str] = mapped_column(ForeignKey("agency.key"))
    person_id: Mapped[str | None] = mapped_column(ForeignKey("person.id"))
    to_number: Mapped[str | None] = mapped_column(
        Personal("person_id")
    )  # a duty phone, where no person is known
    question_id: Mapped[str | None] = mapped_column(ForeignKey("question.id"))  # None: a duty phone is told
    subject_id: Mapped[str | None] = mapped_column(String(20))  # the escalation or incident it is told of
    state: Mapped[CallState] = mapped_column(Named(CallState), default=CallState.PENDING)
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    retry_real: Mapped[datetime | None]
    claimed_real: Mapped[datetime | None]
    asked_real: Mapped[datetime | None]  # when the provider was last asked what became of it
    sid: Mapped[str | None] = mapped_column(String(40))
    provider_status: Mapped[str | None] = mapped_column(String(20))
    error_code: Mapped[int | None]
    answered_by: Mapped[str | None] = mapped_column(String(10))  # person or machine, as the provider heard it


class SenderRate(Base):
    """One row: how many messages may still be handed over, in real time, by all processes together."""

    __tablename__ = "sender_rate"
    id: Mapped[int] = mapped_column(primary_key=True)
    tokens: Mapped[float] = mapped_column(default=0.0)
    filled_real: Mapped[datetime]


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


class Counter(Base):
    """Counts for /metrics that several processes add to."""

    __tablename__ = "counter"
    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    label: Mapped[str] = mapped_column(String(60), primary_key=True)
    value: Mapped[int] = mapped_column(default=0)


class ProviderLine(Base):
    """One row: whether the provider fails, for all processes together; times are real."""

    __tablename__ = "provider_line"
    id: Mapped[int] = mapped_column(primary_key=True)
    failing_since: Mapped[datetime | None]
    opened_at: Mapped[datetime | None]
    good: Mapped[int] = mapped_column(default=0)


class Heartbeat(Base):
    """When a part was last seen, in real time."""

    __tablename__ = "heartbeat"
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    seen_real: Mapped[datetime]


class Mark(Base):
    """A remembered position, such as the last inbound message read from the provider."""

    __tablename__ = "mark"
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[str] = mapped_column(String(200))


class Epoch(Base):
    """One row: how often this database has ticked; a mark kept apart tells whether it went back in time."""

    __tablename__ = "epoch"
    id: Mapped[int] = mapped_column(primary_key=True)
    identity: Mapped[str] = mapped_column(String(20))
    ticks: Mapped[int] = mapped_column(BigInteger, default=0)


class Restore(Base):
    """The database went back in time: what is not known any more, and what was done about it.

    While one is not confirmed no care text leaves. All times but `noticed_at` and `confirmed_at` are real.
    """

    __tablename__ = "restore"
    id: Mapped[str] = mapped_column(String(20), primary_key=True, default=new_id)
    noticed_at: Mapped[datetime]
    noticed_real: Mapped[datetime]
    since_real: Mapped[datetime]  # up to here the database knows; from here on it knows nothing
    reapplied_real: Mapped[datetime | None]  # the stop list was carried out
    listed_real: Mapped[datetime | None]  # what went out meanwhile was read from the provider
    inbound_real: Mapped[datetime | None]  # and what came in
    confirmed_at: Mapped[datetime | None]
    confirmed_by: Mapped[str | None] = mapped_column(ForeignKey("person.id"))
    list_trouble: Mapped[str | None] = mapped_column(String(60))  # why the stop list may lack something


class StraySend(Base):
    """A text that the provider sent for us and that the restored database knows nothing of."""

    __tablename__ = "stray_send"
    sid: Mapped[str] = mapped_column(String(40), primary_key=True)
    restore_id: Mapped[str] = mapped_column(ForeignKey("restore.id"))
    to_hash: Mapped[str] = mapped_column(String(64), index=True)
    body_digest: Mapped[str] = mapped_column(String(64))
    made_real: Mapped[datetime]
    status: Mapped[str] = mapped_column(String(20))
    error_code: Mapped[int | None]
    outbox_id: Mapped[str | None] = mapped_column(String(20))  # whose text it was, once that is known
    answered_sid: Mapped[str | None] = mapped_column(String(40))  # the incoming text that it had answered


class Restraint(Base):
    """What the stop list says of a number that nobody on the restored roster has: an import heeds it."""

    __tablename__ = "restraint"
    phone_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    facts: Mapped[dict[str, Any]]


class PaperPassphrase(Base):
    """What opens an agency's papers. Kept, sealed, because a paper is sealed each night without anybody."""

    __tablename__ = "paper_passphrase"
    agency: Mapped[str] = mapped_column(ForeignKey("agency.key"), primary_key=True)
    passphrase: Mapped[str] = mapped_column(Sealed)
    set_at: Mapped[datetime]
