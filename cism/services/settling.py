"""What the provider says about a message, and what follows: statuses move only forward."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from cism import chance, log
from cism.domain.back_off import wait_for_attempt
from cism.domain.delivery import Happening, OutboxState, after
from cism.domain.guarantee import CARRIER_SILENT, OTHERS_SETTLE, URGENT_SETTLES
from cism.services import outbox, unsent
from cism.store.db import find_hash, real_now
from cism.store.db import now as product_now
from cism.store.tables import Outbox
from notifications.gateway import (
    ListedMessage,
    MessageStatus,
    Receipt,
    SendError,
    SendFailure,
    body_digest,
    furthest,
)

CLOCK_SKEW = timedelta(seconds=2)  # a provider lists whole seconds
_LEAVES_WITHIN = timedelta(seconds=15)  # after its claim; then its sender is taken for dead
_FATES = {
    SendFailure.UNKNOWN: Happening.LOST,
    SendFailure.RETRY: Happening.NOT_TAKEN,
    SendFailure.CONFIGURATION: Happening.NOT_TAKEN,
    SendFailure.PERMANENT: Happening.REFUSED,
    SendFailure.OPTED_OUT: Happening.REFUSED,
}


def known_by(session: Session, body: str) -> str:
    """By what a text that leaves is known again in the provider's list."""
    return known_again(session, body_digest(body))


def known_again(session: Session, digest: str) -> str:
    """The same of a listed text, by its digest: under the installation's key.

    Templates are public and a department's names are known: a bare digest of a text that greets somebody
    could be tried with all of them, and would tell whoever stole a copy whose id is whose.
    """
    return find_hash(session, "body", digest)


def settle(session: Session, row: Outbox, receipt: Receipt, now: datetime, real: datetime) -> None:
    """The provider has the message: keep its id and the furthest status it ever told."""
    row.sid = row.sid or receipt.sid
    if row.sent_real is None:
        row.sent_real, row.sent_at = real, now
    if row.provider_status is None:  # what was told before is not undone by an answer that comes after it
        row.state = after(row.state, Happening.TAKEN)
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
    before, row.state = row.state, _moved(row, best)
    if row.state is before:
        return
    if row.state is OutboxState.UNDELIVERED:
        unsent.not_arrived(session, row, now)
    elif row.state is OutboxState.UNSETTLED:
        row.reason = unsent.NO_ANSWER
        unsent.unsettled(session, row, now)


def failed(session: Session, row: Outbox, error: SendError, now: datetime, real: datetime) -> None:
    """It was not taken: later again, never again, or nobody knows."""
    if row.state not in {OutboxState.SENDING, OutboxState.UNKNOWN}:
        return  # a callback has told more meanwhile, or it is a human's by now
    row.error_code = error.code
    log.event("message.not_sent", message=row.id, kind=row.kind, why=error.kind.value, code=error.code)
    row.state = after(row.state, _FATES[error.kind])
    if row.state is OutboxState.PENDING:
        row.retry_real = real + again_in(row.attempts, error, urgent=row.lane == outbox.LANE_URGENT)
    elif row.state is OutboxState.FAILED:
        unsent.refused(session, row, error, now)


def again_in(attempts: int, error: SendError, *, urgent: bool) -> timedelta:
    """How long to wait, in real time, after the provider surely did not take something."""
    drawn = chance.source().random()
    wait = wait_for_attempt(attempts, urgent=urgent, retry_after=error.retry_after, chance=drawn)
    return timedelta(seconds=wait)


def settle_by_list(session: Session, message_id: str, listed: Sequence[ListedMessage]) -> int:
    """A listed message counts only if exactly one fits exactly one row; the rest goes to a human."""
    now, real = product_now(session), real_now(session)
    row = session.execute(
        select(Outbox).where(Outbox.id == message_id).with_for_update()
    ).scalar_one_or_none()
    if row is None or row.state is not OutboxState.UNKNOWN or row.claimed_real is None:
        return 0
    fitting = _fitting(session, row, listed)
    rivals = session.scalars(select(Outbox.id).where(*_may_be_its_copy(row))).all()
    if len(fitting) == 1 and len(rivals) == 1:
        found = fitting[0]
        settle(session, row, Receipt(found.sid, found.status, found.error_code), now, real)
        return 1
    if real - row.claimed_real < (URGENT_SETTLES if row.lane == outbox.LANE_URGENT else OTHERS_SETTLE):
        return 0
    row.state, row.reason = after(row.state, Happening.GIVEN_UP), unsent.NOT_SETTLED
    unsent.unsettled(session, row, now)
    return 1


def _may_be_its_copy(row: Outbox) -> tuple[ColumnElement[bool], ...]:
    """Whose copy a listed message may be as well as this row's; the row itself is one of them.

    One that is on its way now: its own answer will tell. And one that was given up: nobody knows whether it
    left, so that what is listed may be its copy, and this one the text that is lost.
    """
    lately = (row.claimed_real or row.made_at) - _LEAVES_WITHIN - CLOCK_SKEW
    given_up = and_(Outbox.state == OutboxState.UNSETTLED, Outbox.sid.is_(None), Outbox.claimed_real > lately)
    return (
        or_(Outbox.state.in_([OutboxState.SENDING, OutboxState.UNKNOWN]), given_up),
        Outbox.person_id == row.person_id,
        Outbox.body_digest == row.body_digest,
    )


def _moved(row: Outbox, best: MessageStatus) -> OutboxState:
    if best in {MessageStatus.DELIVERED, MessageStatus.READ}:
        return after(row.state, Happening.ARRIVED)
    if not best.is_terminal:
        return row.state
    silent = row.error_code == CARRIER_SILENT
    return after(row.state, Happening.CARRIER_SILENT if silent else Happening.NOT_ARRIVED)


def _fitting(session: Session, row: Outbox, listed: Sequence[ListedMessage]) -> list[ListedMessage]:
    owned = set(session.scalars(select(Outbox.sid).where(Outbox.sid.in_([item.sid for item in listed]))))
    earliest = (row.claimed_real or row.made_at) - CLOCK_SKEW
    return [
        item
        for item in listed
        if item.sid not in owned
        and item.created_at >= earliest
        and known_again(session, item.body_digest) == row.body_digest
    ]
