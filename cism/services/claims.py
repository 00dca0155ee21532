"""Claiming messages and recording what became of them: the two transactions around every send.

Both work on columns and in bulk, not on whole rows: thousands of texts fall due in the same minute, and
opening every sealed column of a person would cost more than handing the text over.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Table, bindparam, func, select, update
from sqlalchemy.orm import Session

from cism.domain.plan import StepKind, StepState
from cism.services import (
    breaker,
    crash,
    engine,
    hold,
    lateness,
    matching,
    may_leave,
    outbox,
    provider_line,
    sabotage,
    sender_rate,
    sending_order,
    settling,
    spacing,
    unsent,
)
from cism.store.db import now as product_now
from cism.store.db import real_now, tick
from cism.store.states import OutboxState
from cism.store.tables import Outbox, Person, Question, Step
from notifications.gateway import Receipt, SendError
from notifications.messages import MessageKind, from_payload, is_urgent, marked_late
from notifications.render import render

_HOLD = timedelta(seconds=10)  # an act that pages is done within one or two
_PAGING = (
    StepKind.PLAN_RESPONSE,
    StepKind.ACTIVATE,
    StepKind.ESCALATE,
    StepKind.PAGE_UNDELIVERED,
    StepKind.STEP_BACK,
)


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


PERSON_COLUMNS = (
    Outbox.id,
    Outbox.kind,
    Outbox.person_id,
    Outbox.to_number,
    Outbox.language,
    Outbox.payload,
    Outbox.lane,
    Outbox.expires_at,
    Outbox.not_before,
    Outbox.made_at,
    Outbox.owed_at,
    Outbox.reason,
    Outbox.question_id,
    Person.phone,
    Person.zone,
    Person.sleep_start,
    Person.sleep_end,
    Person.status,
    Person.frozen_at,
    Person.phone_confirmed_at,
    Person.opted_out_at,
    Person.consent_pages,
    Person.revoked_pages,
    Person.consent_care,
    Person.revoked_care,
    Person.care_held_at,
    Question.state.label("question_state"),
)
_READY = (  # built once: building it takes longer than SQLite takes to answer it
    select(*PERSON_COLUMNS)
    .outerjoin(Person, Person.id == Outbox.person_id)
    .outerjoin(Question, Question.id == Outbox.question_id)
    .where(
        *engine.outbox_ready_after(bindparam("now"), bindparam("real"), bindparam("waited_since")),
        Outbox.lane <= bindparam("last_lane"),
    )
    .order_by(Outbox.lane, Outbox.not_before, Outbox.made_at, Outbox.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True, of=Outbox)
)
_TABLE = cast("Table", Outbox.__table__)
_BY_ID = _TABLE.c.id == bindparam("b_id")


def claim(
    session: Session,
    *,
    rate: float | None,
    only: Collection[str] | None = None,
    urgent_only: bool = False,
    care: bool = True,
    limit: int = 50,
) -> list[Claimed]:
    """Take messages whose time has come, urgent first; each is checked once more in this transaction.

    `care` False: no care text, because a STOP may be among the texts that were not read yet.
    """
    breaker.alone(session)
    now, real = product_now(session), real_now(session)
    allowed = sender_rate.allowance(session, real, rate, limit)
    if allowed < 1:
        return []
    matching.repeats(session)
    urgent_only = urgent_only or (rate is not None and _page_is_coming(session, now))
    last = outbox.LANE_ANSWER if urgent_only else outbox.LANE_CARE if care else outbox.LANE_TEAM
    if last == outbox.LANE_CARE and breaker.runs_away(session, now):
        last = outbox.LANE_TEAM
    ready = _ready_rows(session, now, real, only, last_lane=last, limit=allowed)
    rows = sending_order.in_order(session, ready, real)
    claimed = _let_through(session, rows, now, sender_rate.ordinary_share(allowed, rate))
    _mark_sending(session, claimed, now, real)
    sabotage.doubles(session, [item.id for item in claimed])
    if rate is not None:
        sender_rate.spend(session, len(claimed))
    if claimed:
        crash.passing(session, crash.Point.CLAIM_WRITTEN)
    return claimed


def _let_through(session: Session, rows: Sequence[Any], now: datetime, ordinary_left: int) -> list[Claimed]:
    claimed: list[Claimed] = []
    counted, apart = breaker.Breaker(session, rows, now), spacing.Apart(session, now)
    for row in rows:
        if row.lane > outbox.LANE_ANSWER:
            ordinary_left -= 1
            if ordinary_left < 0:
                break  # the rest of this second belongs to whatever urgent may still come
        held_back = may_leave.held_back(row, now) or apart.held_back(row) or counted.held_back(row)
        held_back = sabotage.spoils(session, row, held_back)
        if held_back is None:
            apart.leaves(row)
            claimed.append(_render(row, now))
        else:
            _hold_back(session, row, held_back, now)
    return claimed


def _hold_back(session: Session, row: Any, held_back: dict[str, Any], now: datetime) -> None:
    if "not_before" in held_back:
        held_back["retry_real"] = None  # it has a moment of its own now
    session.execute(update(Outbox).where(Outbox.id == row.id).values(**held_back))
    unsent.kept(session, row.id, held_back.get("state"), now)
    if held_back.get("reason") == breaker.HELD != row.reason:
        breaker.tell(session, row.id, now)


def _ready_rows(
    session: Session,
    now: datetime,
    real: datetime,
    only: Collection[str] | None,
    *,
    last_lane: int,
    limit: int,
) -> Sequence[Any]:
    query = _READY if only is None else _READY.where(Outbox.id.in_(list(only)))
    given = {"now": now, "real": real, "waited_since": real - hold.URGENT_WAITS}
    return session.execute(query, given | {"last_lane": last_lane, "most": limit}).all()


def record(session: Session, outcomes: Sequence[Outcome]) -> None:
    """Write down what became of claimed messages."""
    now, real = product_now(session), real_now(session)
    plain = _record_plain(session, outcomes, now, real)
    others = [item for item in outcomes if item.id not in plain]
    if others:
        _record_others(session, others, now, real)
    provider_line.note(session, [item.error for item in outcomes], real)
    crash.passing(session, crash.Point.RECORD_WRITTEN)


def _record_others(session: Session, others: Sequence[Outcome], now: datetime, real: datetime) -> None:
    query = select(Outbox).where(Outbox.id.in_([item.id for item in others])).with_for_update()
    rows = {row.id: row for row in session.scalars(query)}
    for outcome in others:
        if outcome.receipt is not None:
            settling.settle(session, rows[outcome.id], outcome.receipt, now, real)
        elif outcome.error is not None:
            settling.failed(session, rows[outcome.id], outcome.error, now, real)


def _record_plain(session: Session, outcomes: Sequence[Outcome], now: datetime, real: datetime) -> set[str]:
    """The ordinary case in bulk: the provider took it, and no callback has come before its answer."""
    taken = {
        item.id: item.receipt
        for item in outcomes
        if item.receipt is not None and not item.receipt.status.is_terminal
    }
    if not taken:
        return set()
    query = select(Outbox.id).where(
        Outbox.id.in_(taken), Outbox.state == OutboxState.SENDING, Outbox.provider_status.is_(None)
    )
    ids = set(session.scalars(query.with_for_update()))
    statement = (
        update(_TABLE)
        .where(_BY_ID)
        .values(
            state=OutboxState.SENT,
            sid=bindparam("b_sid"),
            provider_status=bindparam("b_status"),
            error_code=bindparam("b_code"),
            sent_at=now,
            sent_real=real,
        )
    )
    values = [_receipt_values(message_id, taken[message_id]) for message_id in ids]
    if values:
        session.connection().execute(statement, values)
    return ids


def _receipt_values(message_id: str, receipt: Receipt) -> dict[str, Any]:
    return {
        "b_id": message_id,
        "b_sid": receipt.sid,
        "b_status": receipt.status.value,
        "b_code": receipt.error_code,
    }


def _mark_sending(session: Session, claimed: Sequence[Claimed], now: datetime, real: datetime) -> None:
    if not claimed:
        return
    tick(session)  # before it leaves: a database without this text is known for one that went back
    statement = (
        update(_TABLE)
        .where(_BY_ID)
        .values(
            state=OutboxState.SENDING,
            claimed_at=now,
            claimed_real=real,
            tried_real=func.coalesce(_TABLE.c.tried_real, real),
            attempts=_TABLE.c.attempts + 1,
            body_digest=bindparam("b_digest"),
        )
    )
    values = [{"b_id": item.id, "b_digest": settling.known_by(session, item.body)} for item in claimed]
    session.connection().execute(statement, values)


def _page_is_coming(session: Session, now: datetime) -> bool:
    """Whether an act that pages somebody is due and not yet done: the next message is to be that page.

    Only for a moment: an act that fails again and again must not hold everything else back.
    """
    query = select(Step.id).where(
        Step.state == StepState.PLANNED,
        Step.due_at.between(now - _HOLD, now),
        Step.kind.in_(_PAGING),
    )
    return session.scalar(query.limit(1)) is not None


def _render(row: Any, now: datetime) -> Claimed:
    kind = MessageKind(row.kind)
    message = from_payload(kind, json.loads(row.payload))
    if is_urgent(kind) and lateness.is_late(row.owed_at, now):
        message = marked_late(message)
    return Claimed(
        id=row.id,
        to=row.phone or row.to_number or "",
        body=render(message, row.language),
        urgent=row.lane == outbox.LANE_URGENT,
        validity_seconds=may_leave.for_seconds(row, now),
    )
