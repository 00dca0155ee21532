"""Texts whose receipt is missing: a callback may have been lost, so the provider is asked."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from cism.services import outbox
from cism.store.db import real_now
from cism.store.states import OutboxState
from cism.store.tables import Outbox

STALLED = timedelta(minutes=2)
# What became of a text is to be known ten minutes after it left, also where one request fails meanwhile.
_SOON, _AGAIN_SOON = timedelta(minutes=15), timedelta(minutes=3)
_AFTER_A_FAILURE = timedelta(seconds=30)
_AGAIN = timedelta(minutes=10)  # some carriers never send a receipt
_AT_MOST = timedelta(hours=12)
AT_ONCE = 50  # every five seconds: of 2,000 that left in one minute all are asked about within four


def due(session: Session) -> list[tuple[str, str]]:
    """Whoever was not asked about for longest first: our id and the provider's.

    Asking about the same few again and again would hide all others.
    """
    real = real_now(session)
    again = or_(
        Outbox.asked_real.is_(None),
        Outbox.asked_real < real - _AGAIN,
        and_(Outbox.sent_real > real - _SOON, Outbox.asked_real < real - _AGAIN_SOON),
    )
    rows = session.scalars(
        select(Outbox)
        .where(
            Outbox.state == OutboxState.SENT,
            Outbox.channel != outbox.EMAIL,  # of which the provider knows nothing
            Outbox.sent_real < real - STALLED,
            Outbox.sent_real > real - _AT_MOST,
            again,
        )
        .order_by(func.coalesce(Outbox.asked_real, Outbox.sent_real))
        .limit(AT_ONCE)
    ).all()
    for row in rows:
        row.asked_real = real
    return [(row.id, row.sid) for row in rows if row.sid]


def not_told(session: Session, message_id: str) -> None:
    """The provider did not say: asked again before long, and not only when it is its turn again."""
    row = session.get_one(Outbox, message_id, with_for_update=True)
    row.asked_real = real_now(session) - _AGAIN_SOON + _AFTER_A_FAILURE
