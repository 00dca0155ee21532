"""The provider forgets what texts said once their fate is settled: until then its copy is evidence."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.store.db import real_now
from cism.store.states import OutboxState
from cism.store.tables import Outbox

REDACT_AFTER = timedelta(hours=1)


def due(session: Session) -> list[tuple[str, str]]:
    """Messages, with the provider's ids, that it may forget now."""
    rows = session.scalars(
        select(Outbox)
        .where(
            Outbox.state.in_([OutboxState.DELIVERED, OutboxState.UNDELIVERED]),
            Outbox.redacted_at.is_(None),
            Outbox.sent_real < real_now(session) - REDACT_AFTER,
        )
        .order_by(Outbox.sent_real)
        .limit(20)
    )
    return [(row.id, row.sid) for row in rows if row.sid]


def done(session: Session, message_id: str) -> None:
    """It has forgotten this one."""
    session.get_one(Outbox, message_id).redacted_at = real_now(session)
