"""Tables of what is planned, asked, offered, taken and escalated."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from cism.domain.escalation import EscalationLevel, EscalationState
from cism.domain.plan import StepKind, StepState
from cism.store.base import Base, new_id
from cism.store.states import (
    AssignmentState,
    OfferState,
    SessionState,
)
from cism.store.types import Named, Personal, Sealed


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
    __table_args__ = (
        Index("question_person", "person_id", "state"),
        Index("question_subject", "subject_id"),
        Index("question_about", "about_id"),
    )
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
