"""Tables of texts and calls, out and in, and of the line to the provider."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, false, text
from sqlalchemy.orm import Mapped, mapped_column

from cism.store.base import Base, new_id
from cism.store.states import (
    CallState,
    InboundState,
    OutboxState,
    QueueState,
)
from cism.store.types import Named, Personal


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
        Index("outbox_lately", "person_id", "claimed_at"),
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


class ProviderLine(Base):
    """One row: whether the provider fails, for all processes together; times are real."""

    __tablename__ = "provider_line"
    id: Mapped[int] = mapped_column(primary_key=True)
    failing_since: Mapped[datetime | None]
    opened_at: Mapped[datetime | None]
    good: Mapped[int] = mapped_column(default=0)
