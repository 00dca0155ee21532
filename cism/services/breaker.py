"""The breaker in the transaction that claims: caps for each phone, and a stop for a plan that runs away.

It counts what the provider has, or may have, and knows nothing of steps: a fault in what plans must not be a
fault in what stops it. Hours and days are of product time, as are the plans that it is to outlast.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import bindparam, case, func, select, text
from sqlalchemy.orm import Session

from cism.domain.caps import CAPS, Handed, is_held, is_runaway
from cism.domain.delivery import HANDED
from cism.domain.guarantee import Follow, guarantee_of
from cism.services import events, hold, outbox, people, queue, unsent
from cism.store.db import database_of
from cism.store.states import OutboxState
from cism.store.tables import Outbox
from notifications.messages import MessageKind, Purpose

HELD: Final = "held: too many texts to this phone"
_HOUR, _DAY, _MINUTE = timedelta(hours=1), timedelta(days=1), timedelta(minutes=1)
_PURPOSES: Final = (Purpose.URGENT, Purpose.ANSWER, Purpose.TEAM, Purpose.CARE)  # by lane
_ONE_AT_A_TIME: Final = 0x4349534D  # a lock of PostgreSQL: two who count at once would both find room
# what every claim asks is built once
_LEFT: Final = select(
    func.count(),
    func.count(Outbox.question_id.distinct()),
    func.count(Outbox.person_id.distinct()),
).where(
    Outbox.lane == outbox.LANE_CARE,
    Outbox.claimed_at > bindparam("since"),
    Outbox.state.in_(HANDED),
)
_LATELY: Final = Outbox.claimed_at > bindparam("hour")
_PROMISED: Final = _LATELY & (Outbox.kind == MessageKind.CALL_NOW.value)
_OF_PHONES: Final = (
    select(
        Outbox.person_id,
        Outbox.lane,
        func.sum(case((_LATELY, 1), else_=0)),
        func.count(),
        func.sum(case((_PROMISED, 1), else_=0)),
    )
    .where(
        Outbox.person_id.in_(bindparam("ids", expanding=True)),
        Outbox.state.in_(HANDED),
        Outbox.claimed_at > bindparam("day"),
    )
    .group_by(Outbox.person_id, Outbox.lane)
)


def alone(session: Session) -> None:
    """Claim alone, until this transaction ends; SQLite has one writer anyway."""
    if not database_of(session).is_sqlite:
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ONE_AT_A_TIME})


class Breaker:
    """What the phones of some messages got so far; each that is let through counts at once."""

    def __init__(self, session: Session, rows: Iterable[Any], now: datetime) -> None:
        self._session, self._now = session, now
        self._handed = _handed(session, {row.person_id for row in rows if row.person_id}, now)

    def held_back(self, row: Any) -> dict[str, Any] | None:
        """What becomes of a message to a phone that has had its share; None: it may leave, and counts."""
        if row.person_id is None:
            return None  # an answer to a stranger: counted where it is written
        key, kind = (row.person_id, row.lane), MessageKind(row.kind)
        had = self._handed.get(key, Handed())
        if not is_held(_PURPOSES[row.lane], kind, had):
            promised = had.calls_promised + (kind is MessageKind.CALL_NOW)
            self._handed[key] = Handed(had.in_hour + 1, had.in_day + 1, promised)
            return None
        if row.lane == outbox.LANE_ANSWER:  # hours later it would answer nobody
            return {"state": OutboxState.SUPPRESSED, "reason": HELD}
        return {"not_before": self._free_at(row), "reason": HELD}

    def _free_at(self, row: Any) -> datetime:
        """When this phone has room again."""
        cap = CAPS[_PURPOSES[row.lane]]
        mine = (Outbox.person_id == row.person_id, Outbox.lane == row.lane, Outbox.state.in_(HANDED))
        newest = select(Outbox.claimed_at).where(*mine, Outbox.claimed_at.is_not(None))
        query = newest.order_by(Outbox.claimed_at.desc()).limit(cap.a_day)
        found = [moment for moment in self._session.scalars(query) if moment is not None]
        ends = [self._now + _MINUTE]  # those of this very transaction are not written yet
        for most, span in ((cap.an_hour, _HOUR), (cap.a_day, _DAY)):
            if len(found) >= most:
                ends.append(found[most - 1] + span)
        return max(ends)


def tell(session: Session, message_id: str, now: datetime) -> None:
    """Somebody hears of it once, and whoever was to be asked is not waited for."""
    row = session.get_one(Outbox, message_id, populate_existing=True)
    person = people.get(session, row.person_id or "")
    events.record(session, "message.held", now, subject_id=row.id, after=row.kind)
    queue.alarm(session, "too_many_texts", person.agency, now, unsent.READ_WITHIN, person)
    if Follow.NEXT_HELPER in guarantee_of(MessageKind(row.kind)).not_arrived:
        unsent.next_helper(session, row, now)


def runs_away(session: Session, now: datetime) -> bool:
    """Whether far more care texts left than planned; from then on none leaves until a human has looked."""
    sent, asked, phones = session.execute(_LEFT, {"since": now - _MINUTE}).one()
    if not is_runaway(sent, asked, phones):
        return False
    events.record(session, "care.stopped", now, after=str(sent))
    queue.alarm(session, hold.RUNAWAY, queue.duty_agency(session), now, unsent.READ_WITHIN)
    return True


def _handed(session: Session, ids: set[str], now: datetime) -> dict[tuple[str, int], Handed]:
    if not ids:
        return {}
    found = session.execute(_OF_PHONES, {"ids": list(ids), "hour": now - _HOUR, "day": now - _DAY})
    return {(who, lane): Handed(int(hour), int(day), int(calls)) for who, lane, hour, day, calls in found}
