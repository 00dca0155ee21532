"""Texts that a restored database would send, beside those that went out already: none goes out twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from cism.services import outbox, queue, restoring, settling, unsent
from cism.services.people import get as person_of
from cism.store.db import find_hash, offset, real_now
from cism.store.db import now as product_now
from cism.store.states import OutboxState
from cism.store.tables import Outbox, Restore, StraySend
from notifications.gateway import InboundSms, MessageStatus, Receipt
from notifications.messages import to_payload
from notifications.render import render

READ_WITHIN = timedelta(hours=4)
_CHUNK = 500  # values in one statement
_MINUTE = 60.0


def known(session: Session, sids: Sequence[str]) -> set[str]:
    """Which of the provider's ids this database has already."""
    found: set[str] = set()
    for start in range(0, len(sids), _CHUNK):
        some = sids[start : start + _CHUNK]
        found |= {sid for sid in session.scalars(select(Outbox.sid).where(Outbox.sid.in_(some))) if sid}
        found |= set(session.scalars(select(StraySend.sid).where(StraySend.sid.in_(some))))
    return found


def exact(session: Session, row: Restore) -> int:
    """The same words to the same phone since the backup: it went out, and is not sent again.

    One listed text stands for one of ours, in order: two days' check-ins may read alike.
    """
    now, real = product_now(session), real_now(session)
    strays: dict[tuple[str, str], list[StraySend]] = defaultdict(list)
    for stray in _unused(session, row):
        strays[stray.to_hash, stray.body_digest].append(stray)
    settled = 0
    for text in _waiting(session, now, row) if strays else ():
        digest = settling.known_by(session, render(outbox.message_of(text), text.language))
        fitting = strays.get((_to(session, text), digest))
        if fitting:
            _went_out(session, text, fitting.pop(0), digest, now, real)
            settled += 1
    return settled


def repeats(session: Session) -> None:
    """After a restore, a page or a call for help to somebody who got texts that we do not know says so."""
    row = restoring.unconfirmed(session)
    if row is None:
        return
    mine = _by_phone(session, row)
    for text in _waiting(session, product_now(session), row) if mine else ():
        asked = mine.get(_to(session, text))
        if text.lane == outbox.LANE_URGENT and asked is not None:
            _say_repeat(session, text, asked)


def answered_before(session: Session, row: Restore, sms: InboundSms) -> None:
    """The answer that this transaction gives to a text of before the restore, where one was given then."""
    ids, _ = outbox.taken_messages(session)
    mine = select(Outbox).where(Outbox.id.in_(ids), Outbox.lane == outbox.LANE_ANSWER)
    sender = find_hash(session, "phone", sms.from_)
    answers = [text for text in session.scalars(mine) if _to(session, text) == sender]
    since = (sms.received_at or row.since_real) - settling.CLOCK_SKEW
    given = [s for s in _unused(session, row) if s.to_hash == sender and s.made_real >= since]
    for text, stray in zip(answers, given, strict=False):
        stray.answered_sid = sms.sid
        text.state, text.reason = OutboxState.CANCELLED, "answered before the restore"


def unclear(session: Session, row: Restore) -> None:
    """Whoever got texts that fit nothing here may have got this one: a human asks, and it is not sent."""
    now = product_now(session)
    mine = _by_phone(session, row)
    for text in _waiting(session, now, row) if mine else ():
        if text.lane > outbox.LANE_ANSWER and _to(session, text) in mine:
            text.state, text.reason = OutboxState.UNSETTLED, "perhaps sent before the restore"
            queue.add(
                session,
                "unsettled_send",
                now=now,
                within=READ_WITHIN,
                person=person_of(session, text.person_id) if text.person_id else None,
                agency=None if text.person_id else queue.duty_agency(session),
                incident_id=text.incident_id,
                outbox_id=text.id,
                tell=False,  # the coordinators are told of the restore, once
            )


def _went_out(
    session: Session, text: Outbox, stray: StraySend, digest: str, now: datetime, real: datetime
) -> None:
    text.state, text.claimed_real, text.body_digest = OutboxState.UNKNOWN, stray.made_real, digest
    text.sent_real, text.sent_at = stray.made_real, stray.made_real + timedelta(seconds=offset(session))
    stray.outbox_id = text.id
    receipt = Receipt(stray.sid, MessageStatus(stray.status), stray.error_code)
    settling.settle(session, text, receipt, now, real)


def _say_repeat(session: Session, text: Outbox, asked: StraySend) -> None:
    message = outbox.message_of(text)
    fields = to_payload(message)
    if "repeat" in fields:
        fields["repeat"] = True
    elif fields.get("waiting") == 0:
        fields["waiting"] = max(1, int((real_now(session) - asked.made_real).total_seconds() / _MINUTE))
    outbox.reword(text, fields)


def _waiting(session: Session, now: datetime, row: Restore) -> list[Outbox]:
    """What would leave now, and what was on its way when the backup was made; the oldest first."""
    on_its_way = Outbox.state.in_([OutboxState.SENDING, OutboxState.UNKNOWN])
    query = select(Outbox).where(
        or_(
            (Outbox.state == OutboxState.PENDING) & (Outbox.not_before <= now),
            on_its_way & (Outbox.claimed_real < row.noticed_real),
        )
    )
    return list(session.scalars(query.order_by(Outbox.not_before, Outbox.id).with_for_update()))


def _unused(session: Session, row: Restore) -> Iterator[StraySend]:
    query = select(StraySend).where(
        StraySend.restore_id == row.id, StraySend.outbox_id.is_(None), StraySend.answered_sid.is_(None)
    )
    yield from session.scalars(query.order_by(StraySend.made_real, StraySend.sid)).all()


def _by_phone(session: Session, row: Restore) -> dict[str, StraySend]:
    found: dict[str, StraySend] = {}
    for stray in _unused(session, row):
        found.setdefault(stray.to_hash, stray)
    return found


def _to(session: Session, text: Outbox) -> str:
    number = unsent.number_of(session, text)
    return find_hash(session, "phone", number) if number else ""
