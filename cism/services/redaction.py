"""The provider forgets what texts said once their fate is settled: until then its copy is evidence."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from cism.domain.retention import Kept
from cism.services import legal_holds
from cism.store.db import real_now
from cism.store.states import InboundState, OutboxState
from cism.store.tables import InboundMessage, Outbox

REDACT_AFTER: Final = timedelta(hours=1)
# some carriers never send a receipt: nobody asks about such a text any more after twelve hours
WITHOUT_RECEIPT_AFTER: Final = timedelta(hours=24)
# the provider's list is what a database that was put back reads its lost answers from
CAME_IN_AFTER: Final = timedelta(hours=72)
_AT_ONCE: Final = 20


def due(session: Session) -> list[tuple[str, str]]:
    """Messages in either direction, with the provider's ids, that it may forget now."""
    return [*_went_out(session), *_came_in(session)]


def done(session: Session, message_id: str) -> None:
    """It has forgotten this one."""
    row = session.get(Outbox, message_id) or session.get_one(InboundMessage, message_id)
    row.redacted_at = real_now(session)


def _went_out(session: Session) -> list[tuple[str, str]]:
    real, held = real_now(session), legal_holds.held(session, Kept.SENT)
    if held.whole:
        return []
    settled = and_(
        Outbox.state.in_([OutboxState.DELIVERED, OutboxState.UNDELIVERED]),
        Outbox.sent_real < real - REDACT_AFTER,
    )
    silent = and_(
        Outbox.state.in_([OutboxState.SENT, OutboxState.UNSETTLED]),
        Outbox.sent_real < real - WITHOUT_RECEIPT_AFTER,
    )
    rows = session.execute(
        select(Outbox.id, Outbox.sid)
        .where(
            Outbox.redacted_at.is_(None),
            Outbox.sent_real < real - REDACT_AFTER,
            Outbox.sid.is_not(None),
            or_(settled, silent),
            *held.free(Outbox.incident_id, Outbox.person_id),
        )
        .order_by(Outbox.sent_real)
        .limit(_AT_ONCE)
    )
    return [(message_id, sid or "") for message_id, sid in rows]


def _came_in(session: Session) -> list[tuple[str, str]]:
    """Texts that were acted on or handled, and of which no word is left here."""
    held = legal_holds.held(session, Kept.WORDS)
    if held.whole:
        return []
    rows = session.scalars(
        select(InboundMessage.sid)
        .where(
            InboundMessage.redacted_at.is_(None),
            InboundMessage.received_real < real_now(session) - CAME_IN_AFTER,
            InboundMessage.state.in_([InboundState.ACTED, InboundState.HANDLED]),
            InboundMessage.body.is_(None),
            *held.free(None, InboundMessage.person_id),
        )
        .order_by(InboundMessage.received_real)
        .limit(_AT_ONCE)
    )
    return [(sid, sid) for sid in rows]
