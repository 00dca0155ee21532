"""What the provider says about a message, and what follows: statuses move only forward."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism import log
from cism.services import outbox, unsent
from cism.store.db import now as product_now
from cism.store.db import real_now
from cism.store.states import OutboxState
from cism.store.tables import Outbox
from notifications.gateway import ListedMessage, MessageStatus, Receipt, SendError, SendFailure, furthest

URGENT_SETTLES_WITHIN = timedelta(seconds=30)  # real time; then the next candidate and those in charge
OTHERS_SETTLE_WITHIN = timedelta(seconds=120)
CLOCK_SKEW = timedelta(seconds=2)  # a provider lists whole seconds
BACK_OFF = (2.0, 5.0, 15.0, 60.0, 180.0)  # real seconds before the next attempt
URGENT_BACK_OFF = 15.0  # after an outage a page does not wait for minutes more
_NOT_KNOWN_SENT = frozenset({OutboxState.SENDING, OutboxState.UNKNOWN, OutboxState.UNSETTLED})


def settle(session: Session, row: Outbox, receipt: Receipt, now: datetime, real: datetime) -> None:
    """The provider has the message: keep its id and the furthest status it ever told."""
    row.sid = row.sid or receipt.sid
    if row.sent_real is None:
        row.sent_real, row.sent_at = real, now
    if row.state in _NOT_KNOWN_SENT:
        row.state = OutboxState.SENT
    apply_status(session, row, receipt.status, receipt.error_code, now)


def apply_status(
    session: Session, row: Outbox, told: MessageStatus, error_code: int | None, now: datetime
) -> None:
    """Move only forward; a message that did not arrive has consequences of its own, once."""
    known = MessageStatus(row.provider_status) if row.provider_status else told
    best = furthest(known, told)
    row.provider_status = best.value
    if error_code is not None:
        row.error_code = error_code
    if best in {MessageStatus.DELIVERED, MessageStatus.READ}:
        row.state = OutboxState.DELIVERED
    elif best.is_terminal and row.state is not OutboxState.UNDELIVERED:
        row.state = OutboxState.UNDELIVERED
        unsent.not_arrived(session, row, now)


def failed(session: Session, row: Outbox, error: SendError, now: datetime, real: datetime) -> None:
    """It was not taken: later again, never again, or nobody knows."""
    if row.state not in {OutboxState.SENDING, OutboxState.UNKNOWN}:
        return  # a callback has told more meanwhile, or it is a human's by now
    row.error_code = error.code
    log.event("message.not_sent", message=row.id, kind=row.kind, why=error.kind.value, code=error.code)
    if error.kind is SendFailure.UNKNOWN:
        row.state = OutboxState.UNKNOWN
    elif error.kind in {SendFailure.RETRY, SendFailure.CONFIGURATION}:
        wait = error.retry_after or BACK_OFF[min(row.attempts, len(BACK_OFF)) - 1]
        if row.lane == outbox.LANE_URGENT and error.retry_after is None:
            wait = min(wait, URGENT_BACK_OFF)
        row.state, row.retry_real = OutboxState.PENDING, real + timedelta(seconds=wait)
    else:
        row.state = OutboxState.FAILED
        unsent.refused(session, row, error, now)


def settle_by_list(session: Session, message_id: str, listed: Sequence[ListedMessage]) -> int:
    """A listed message counts only if exactly one fits exactly one row; the rest goes to a human."""
    now, real = product_now(session), real_now(session)
    row = session.execute(
        select(Outbox).where(Outbox.id == message_id).with_for_update()
    ).scalar_one_or_none()
    if row is None or row.state is not OutboxState.UNKNOWN or row.claimed_real is None:
        return 0
    fitting = _fitting(session, row, listed)
    # one that is on its way now may be what was listed: its own answer will tell
    rivals = session.scalars(
        select(Outbox.id).where(
            Outbox.state.in_([OutboxState.SENDING, OutboxState.UNKNOWN]),
            Outbox.person_id == row.person_id,
            Outbox.body_digest == row.body_digest,
        )
    ).all()
    if len(fitting) == 1 and len(rivals) == 1:
        found = fitting[0]
        settle(session, row, Receipt(found.sid, found.status, found.error_code), now, real)
        return 1
    urgent = row.lane == outbox.LANE_URGENT
    if real - row.claimed_real < (URGENT_SETTLES_WITHIN if urgent else OTHERS_SETTLE_WITHIN):
        return 0
    row.state, row.reason = OutboxState.UNSETTLED, "could not be settled with the provider"
    unsent.unsettled(session, row, now)
    return 1


def _fitting(session: Session, row: Outbox, listed: Sequence[ListedMessage]) -> list[ListedMessage]:
    owned = set(session.scalars(select(Outbox.sid).where(Outbox.sid.in_([item.sid for item in listed]))))
    earliest = (row.claimed_real or row.made_at) - CLOCK_SKEW
    return [
        item
        for item in listed
        if item.sid not in owned and item.body_digest == row.body_digest and item.created_at >= earliest
    ]
