"""What the provider says about a message, and what follows: statuses move only forward."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from cism import log
from cism.services import unsent
from cism.store.states import OutboxState
from cism.store.tables import Outbox
from notifications.gateway import MessageStatus, Receipt, SendError, SendFailure, furthest

BACK_OFF = (2.0, 5.0, 15.0, 60.0, 180.0)  # real seconds before the next attempt
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
    if row.state is not OutboxState.SENDING:
        return  # a callback has told more meanwhile
    row.error_code = error.code
    log.event("message.not_sent", message=row.id, kind=row.kind, why=error.kind.value, code=error.code)
    if error.kind is SendFailure.UNKNOWN:
        row.state = OutboxState.UNKNOWN
    elif error.kind in {SendFailure.RETRY, SendFailure.CONFIGURATION}:
        wait = error.retry_after or BACK_OFF[min(row.attempts, len(BACK_OFF)) - 1]
        row.state, row.retry_real = OutboxState.PENDING, real + timedelta(seconds=wait)
    else:
        row.state = OutboxState.FAILED
        unsent.refused(session, row, error, now)
