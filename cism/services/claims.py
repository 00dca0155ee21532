"""Claiming messages and recording what became of them: the two transactions around every send."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism import log
from cism.domain.people import PersonStatus, SleepWindow
from cism.domain.quiet_hours import is_open, next_open
from cism.services import engine, outbox, unsent
from cism.store.db import now as product_now
from cism.store.db import real_now
from cism.store.states import OutboxState
from cism.store.tables import Outbox, Person, Question, SenderRate
from notifications.gateway import MessageStatus, Receipt, SendError, SendFailure, body_digest, furthest
from notifications.messages import MessageKind, is_care, is_direct_answer
from notifications.render import render

BACK_OFF = (2.0, 5.0, 15.0, 60.0, 180.0)  # real seconds before the next attempt
_RESERVED = 0.2  # share of the sender's rate that only urgent messages may use


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that this process alone may hand over now."""

    id: str
    to: str = field(repr=False)
    body: str = field(repr=False)
    urgent: bool
    validity_seconds: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the provider answered, or how handing over failed."""

    id: str
    receipt: Receipt | None = None
    error: SendError | None = None


def claim(
    session: Session,
    *,
    rate: float | None,
    only: Collection[str] | None = None,
    urgent_only: bool = False,
    limit: int = 50,
) -> list[Claimed]:
    """Take messages whose time has come, urgent first; each is checked once more in this transaction."""
    now, real = product_now(session), real_now(session)
    allowed = _allowance(session, real, rate, limit)
    if allowed < 1:
        return []
    query = select(Outbox).where(*engine.outbox_ready(now, real))
    if only is not None:
        query = query.where(Outbox.id.in_(list(only)))
    if urgent_only:
        query = query.where(Outbox.lane <= outbox.LANE_ANSWER)
    query = query.order_by(Outbox.lane, Outbox.not_before, Outbox.id).limit(allowed)
    rows = list(session.scalars(query.with_for_update(skip_locked=True)))
    people = _people(session, rows)
    questions = _questions(session, rows)
    claimed: list[Claimed] = []
    for row in rows:
        person = people.get(row.person_id) if row.person_id else None
        question = questions.get(row.question_id) if row.question_id else None
        if _may_leave(row, person, question, now):
            claimed.append(_take(row, person, now, real))
    if rate is not None:
        _spend(session, len(claimed))
    return claimed


def record(session: Session, outcomes: Sequence[Outcome]) -> None:
    """Write down what became of claimed messages."""
    now, real = product_now(session), real_now(session)
    rows = {
        row.id: row
        for row in session.scalars(
            select(Outbox).where(Outbox.id.in_([item.id for item in outcomes])).with_for_update()
        )
    }
    for outcome in outcomes:
        row = rows[outcome.id]
        if outcome.receipt is not None:
            settle(session, row, outcome.receipt, now, real)
        elif outcome.error is not None:
            _failed(session, row, outcome.error, now, real)


def settle(session: Session, row: Outbox, receipt: Receipt, now: datetime, real: datetime) -> None:
    """The provider has the message: keep its id and the furthest status it ever told."""
    row.sid = row.sid or receipt.sid
    if row.sent_real is None:
        row.sent_real, row.sent_at = real, now
    if row.state in {OutboxState.SENDING, OutboxState.UNKNOWN, OutboxState.UNSETTLED, OutboxState.PENDING}:
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
    if best is MessageStatus.DELIVERED or best is MessageStatus.READ:
        row.state = OutboxState.DELIVERED
    elif best.is_terminal and row.state is not OutboxState.UNDELIVERED:
        row.state = OutboxState.UNDELIVERED
        unsent.not_arrived(session, row, now)


def _allowance(session: Session, real: datetime, rate: float | None, limit: int) -> int:
    if rate is None:
        return limit
    row = session.execute(select(SenderRate).where(SenderRate.id == 1).with_for_update()).scalar_one_or_none()
    if row is None:
        row = SenderRate(id=1, tokens=1.0, filled_real=real)
        session.add(row)
    elapsed = max(0.0, (real - row.filled_real).total_seconds())
    # never more than a second's worth at once: what the provider queues, urgent messages wait behind
    row.tokens = min(max(1.0, rate), row.tokens + elapsed * rate)
    row.filled_real = real
    return min(limit, int(row.tokens))


def _spend(session: Session, count: int) -> None:
    row = session.get(SenderRate, 1)
    if row is not None:
        row.tokens -= count


def _people(session: Session, rows: Sequence[Outbox]) -> dict[str, Person]:
    ids = {row.person_id for row in rows if row.person_id}
    if not ids:
        return {}
    return {person.id: person for person in session.scalars(select(Person).where(Person.id.in_(ids)))}


def _questions(session: Session, rows: Sequence[Outbox]) -> dict[str, Question]:
    ids = {row.question_id for row in rows if row.question_id}
    if not ids:
        return {}
    return {row.id: row for row in session.scalars(select(Question).where(Question.id.in_(ids)))}


def _may_leave(row: Outbox, person: Person | None, question: Question | None, now: datetime) -> bool:
    """Consent, opt-out, state and hours once more, in the transaction that claims."""
    if row.expires_at is not None and row.expires_at <= now:
        row.state, row.reason = OutboxState.EXPIRED, "its moment passed"
        return False
    if question is not None and question.state != "open":
        row.state, row.reason = OutboxState.CANCELLED, f"question {question.state}"
        return False
    reason = _forbidden(MessageKind(row.kind), person) if person else None
    if reason is not None:
        row.state, row.reason = OutboxState.SUPPRESSED, reason
        return False
    if person is not None and row.lane == outbox.LANE_CARE:
        sleep = SleepWindow(person.sleep_start, person.sleep_end)
        if not is_open(now, person.zone, sleep):
            row.not_before = next_open(now, person.zone, sleep)
            return False
    return True


def _forbidden(kind: MessageKind, person: Person) -> str | None:
    if person.status is PersonStatus.DECEASED:
        return "deceased"
    if not person.phone:
        return "no phone"
    if person.frozen_at is not None:
        return "number frozen"
    if person.opted_out_at is not None and not is_direct_answer(kind):
        return "opted out"
    if is_care(kind) and (not person.consent_care or person.revoked_care):
        return "no consent"
    if is_care(kind) and person.care_held_at is not None:
        return "held until a human has asked"
    return None


def _take(row: Outbox, person: Person | None, now: datetime, real: datetime) -> Claimed:
    body = render(outbox.message_of(row), row.language)
    row.state = OutboxState.SENDING
    row.claimed_real = real
    row.attempts += 1
    row.body_digest = body_digest(body)
    validity = 36_000
    if row.expires_at is not None:
        validity = max(60, min(36_000, int((row.expires_at - now).total_seconds())))
    number = (person.phone if person else row.to_number) or ""
    return Claimed(row.id, number, body, row.lane == outbox.LANE_URGENT, validity)


def _failed(session: Session, row: Outbox, error: SendError, now: datetime, real: datetime) -> None:
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
