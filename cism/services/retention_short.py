"""What is forgotten within days and weeks: words, invitations, what texts said, calls, addresses, shells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, func, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from cism.domain.escalation import EscalationState
from cism.domain.incident import IncidentState
from cism.domain.plan import StepState
from cism.domain.retention import CLASSES, Kept
from cism.services.legal_holds import Held
from cism.store.db import real_now
from cism.store.states import InboundState, OutboxState, QueueState
from cism.store.tables import (
    AffectedPerson,
    Assignment,
    Escalation,
    GroupSession,
    InboundMessage,
    Incident,
    Invitation,
    Link,
    Outbox,
    PhoneCall,
    Question,
    QueueItem,
    Step,
)
from cism.store.types import nobodys

Due = Sequence[tuple[str, datetime]]
"""Rows by id, and the moment from which their time was counted."""
UNSETTLED = (OutboxState.PENDING, OutboxState.SENDING, OutboxState.UNKNOWN)
_TOGETHER = 400  # ids in one statement


def words(session: Session, now: datetime, held: Held) -> Due:
    """Incoming words whose last reader has handled them; none while anybody still has to."""
    waits = select(QueueItem.id).where(
        QueueItem.inbound_sid == InboundMessage.sid, QueueItem.state == QueueState.OPEN
    )
    in_need = select(Escalation.id).where(
        Escalation.inbound_sid == InboundMessage.sid, Escalation.state != EscalationState.CLOSED
    )
    handled = select(func.max(QueueItem.handled_at)).where(QueueItem.inbound_sid == InboundMessage.sid)
    closed = select(func.max(Escalation.closed_at)).where(Escalation.inbound_sid == InboundMessage.sid)
    query = select(
        InboundMessage.sid,
        InboundMessage.received_at,
        InboundMessage.state,
        handled.scalar_subquery(),
        closed.scalar_subquery(),
    ).where(
        InboundMessage.body.is_not(None),
        ~waits.exists(),
        ~in_need.exists(),
        *held.free(None, InboundMessage.person_id),
    )
    found = []
    for sid, received, state, was_handled, was_closed in session.execute(query):
        moments = [moment for moment in (was_handled, was_closed) if moment is not None]
        if moments and max(moments) <= now - CLASSES[Kept.WORDS].kept:
            found.append((sid, max(moments)))
        elif not moments and state is InboundState.ACTED:
            found.append((sid, received))
    return found


def forget_words(session: Session, ids: Sequence[str]) -> None:
    """The words, and the number of whoever is not known: that of anybody known stands in the roster."""
    for part in parts(ids):
        for row in session.scalars(select(InboundMessage).where(InboundMessage.sid.in_(part))):
            row.body = None
            if row.person_id is None:
                row.from_number = ""


def invitations(session: Session, now: datetime, held: Held) -> Due:
    """Of sessions that ended. Those that were held are forgotten with the call of the next day already."""
    query = (
        select(GroupSession.id, GroupSession.ends_at)
        .join(Invitation, Invitation.session_id == GroupSession.id)
        .where(
            GroupSession.ends_at <= now - CLASSES[Kept.INVITATIONS].kept,
            *held.free(GroupSession.incident_id, Invitation.person_id),
        )
    )
    return pairs(session.execute(query))


def forget_invitations(session: Session, ids: Sequence[str]) -> None:
    """The whole list of a session."""
    for part in parts(ids):
        session.execute(delete(Invitation).where(Invitation.session_id.in_(part)))


def sent(session: Session, now: datetime, held: Held) -> Due:
    """What sent texts said."""
    query = select(Outbox.id, Outbox.made_at).where(
        Outbox.state.not_in(UNSETTLED),
        Outbox.made_at <= now - CLASSES[Kept.SENT].kept,
        Outbox.redacted.is_(False),
        *held.free(Outbox.incident_id, Outbox.person_id),
    )
    return pairs(session.execute(query))


def forget_sent(session: Session, ids: Sequence[str]) -> None:
    """Their fields, what they are known again by, and a number that is on no roster."""
    empty = {"payload": nobodys("{}"), "to_number": None, "body_digest": None, "redacted": True}
    for part in parts(ids):
        session.execute(update(Outbox).where(Outbox.id.in_(part)).values(**empty))


def calls(session: Session, now: datetime, held: Held) -> Due:
    """Not while its question is open: the row is what keeps it from being dialled twice."""
    is_open = select(Question.id).where(Question.id == PhoneCall.question_id, Question.state == "open")
    query = select(PhoneCall.id, PhoneCall.made_at).where(
        PhoneCall.made_at <= now - CLASSES[Kept.CALLS].kept,
        ~is_open.exists(),
        *held.free(None, PhoneCall.person_id),
    )
    return pairs(session.execute(query))


def forget_calls(session: Session, ids: Sequence[str]) -> None:
    """The rows."""
    for part in parts(ids):
        session.execute(delete(PhoneCall).where(PhoneCall.id.in_(part)))


def links(session: Session, _now: datetime, held: Held) -> Due:
    """Expired addresses; they live in real time."""
    query = select(Link.hash, Link.expires_real).where(
        Link.expires_real <= real_now(session) - CLASSES[Kept.LINKS].kept,
        *held.free(None, Link.person_id),
    )
    return pairs(session.execute(query))


def forget_links(session: Session, ids: Sequence[str]) -> None:
    """The rows."""
    for part in parts(ids):
        session.execute(delete(Link).where(Link.hash.in_(part)))


def shells(session: Session, now: datetime, held: Held) -> Due:
    """Texts that came in and went out, and handled items, of which no word is left."""
    old = now - CLASSES[Kept.SHELLS].kept
    told = select(Escalation.id).where(Escalation.queue_id == QueueItem.id)
    handled = select(QueueItem.id, QueueItem.handled_at).where(
        QueueItem.handled_at <= old,
        QueueItem.state == QueueState.HANDLED,
        ~told.exists(),
        *held.free(QueueItem.incident_id, QueueItem.person_id),
    )
    rung = select(Step.id, Step.done_at).where(
        Step.done_at <= old,
        Step.state != StepState.PLANNED,
        _of_nobody(Step.incident_id),
        *held.free(Step.incident_id, Step.person_id),
    )
    found = (*_texts(old, held), handled, rung, _asked(old, held))
    return [pair for query in found for pair in pairs(session.execute(query))]


def _of_nobody(incident: InstrumentedAttribute[str | None]) -> ColumnElement[bool]:
    """Of no incident, or of one that is over and on whose list and team nobody is left."""
    listed = exists().where(AffectedPerson.incident_id == incident)
    helping = exists().where(Assignment.incident_id == incident)
    open_ = exists().where(Incident.id == incident, Incident.state == IncidentState.OPEN)
    return or_(incident.is_(None), ~listed & ~helping & ~open_)


def _asked(old: datetime, held: Held) -> Any:
    """Questions that are over and whose text or call is gone already."""
    texted = exists().where(Outbox.question_id == Question.id)
    rung = exists().where(PhoneCall.question_id == Question.id)
    return select(Question.id, Question.asked_at).where(
        Question.asked_at <= old,
        Question.state != "open",
        _of_nobody(Question.incident_id),
        ~texted,
        ~rung,
        *held.free(Question.incident_id, Question.person_id),
    )


def _texts(old: datetime, held: Held) -> tuple[Any, Any]:
    """Those that came in, and those that went out."""
    waits = select(QueueItem.id).where(QueueItem.inbound_sid == InboundMessage.sid)
    asks = select(Question.id).where(Question.id == Outbox.question_id, Question.state == "open")
    came = select(InboundMessage.sid, InboundMessage.received_at).where(
        InboundMessage.received_at <= old,
        InboundMessage.body.is_(None),
        InboundMessage.state.in_([InboundState.ACTED, InboundState.HANDLED]),
        ~waits.exists(),
        *held.free(None, InboundMessage.person_id),
    )
    went = select(Outbox.id, Outbox.made_at).where(
        Outbox.made_at <= old,
        Outbox.state.not_in(UNSETTLED),
        Outbox.redacted.is_(True),
        or_(Outbox.redacted_at.is_not(None), Outbox.sid.is_(None)),
        ~asks.exists(),
        *held.free(Outbox.incident_id, Outbox.person_id),
    )
    return came, went


def forget_shells(session: Session, ids: Sequence[str]) -> None:
    """The rows; an id is random and fits one table."""
    for part in parts(ids):
        session.execute(delete(QueueItem).where(QueueItem.id.in_(part)))
        session.execute(delete(Outbox).where(Outbox.id.in_(part)))
        session.execute(delete(Step).where(Step.id.in_(part)))
        session.execute(delete(Question).where(Question.id.in_(part)))
        session.execute(delete(InboundMessage).where(InboundMessage.sid.in_(part)))


def pairs(rows: Iterable[Any]) -> Due:
    """Ids with their moments, each once; a row without a moment is not due."""
    return list({row[0]: row[1] for row in rows if row[1] is not None}.items())


def parts(ids: Sequence[str]) -> Iterable[Sequence[str]]:
    """So many at a time that a statement can name them."""
    return (ids[start : start + _TOGETHER] for start in range(0, len(ids), _TOGETHER))
