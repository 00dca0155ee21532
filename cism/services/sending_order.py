"""No text overtakes an earlier one to the same phone: in what is claimed, and in what is handed over."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

from sqlalchemy import and_, bindparam, case, or_, select, update
from sqlalchemy.orm import Session

from cism.store.states import OutboxState
from cism.store.tables import Outbox

_WAITED_FOR: Final = (
    5  # attempts: one that the provider takes for no reason we know holds up nothing for ever
)
_AGAIN: Final = and_(
    Outbox.state == OutboxState.PENDING,
    Outbox.retry_real > bindparam("real"),
    Outbox.attempts.between(1, _WAITED_FOR),
)
_ON_THE_WAY: Final = select(  # what every claim asks is built once
    Outbox.person_id,
    Outbox.lane,
    Outbox.not_before,
    Outbox.made_at,
    case((_AGAIN, Outbox.retry_real), else_=None).label("until"),
).where(
    Outbox.person_id.in_(bindparam("people", expanding=True)),
    Outbox.state.in_([OutboxState.SENDING, OutboxState.PENDING]),
    or_(Outbox.state == OutboxState.SENDING, _AGAIN),
)
_Waiting = tuple[tuple[datetime, datetime], datetime | None]
T = TypeVar("T")
R = TypeVar("R")


def in_order(session: Session, rows: Sequence[Any], real: datetime) -> list[Any]:
    """Those of these ready messages that overtake none to the same phone, in the order in which they leave.

    The others wait as long as what they would overtake waits for its next attempt. What is in another lane is
    not waited for: a page may pass a check-in, and leaves first anyway.
    """
    waiting = _earliest_waiting(session, rows, real)
    ahead = []
    for row in rows:
        place, until = waiting.get((row.person_id, row.lane), (_place(row), None))
        if _place(row) <= place:
            ahead.append(row)
        elif until is not None:
            session.execute(update(Outbox).where(Outbox.id == row.id).values(retry_real=until))
    return sorted(ahead, key=lambda row: (row.lane, *_place(row)))


async def one_by_one(
    items: Sequence[T],
    phone: Callable[[T], str],
    hand: Callable[[T, Sequence[R]], Awaitable[R]],
) -> list[R]:
    """Hand over everything at once, but to each phone one after the other.

    `hand(item, before)`: what became of those to the same phone that came before it.
    """
    lines: dict[str, list[T]] = {}
    for item in items:
        lines.setdefault(phone(item), []).append(item)

    async def line(mine: list[T]) -> list[R]:
        done: list[R] = []
        for item in mine:
            done.append(await hand(item, done))
        return done

    return [one for done in await asyncio.gather(*map(line, lines.values())) for one in done]


def _place(row: Any) -> tuple[datetime, datetime]:
    """A message's place in the line: when it was to leave, and when it was made."""
    return row.not_before, row.made_at


def _earliest_waiting(
    session: Session, rows: Sequence[Any], real: datetime
) -> dict[tuple[str | None, int], _Waiting]:
    """For each phone and lane: the place of the first that is on its way, or waits for another attempt; and
    until when that waits, in real time.
    """
    people = {row.person_id for row in rows if row.person_id}
    if not people:
        return {}
    found = session.execute(_ON_THE_WAY, {"people": list(people), "real": real})
    first: dict[tuple[str | None, int], _Waiting] = {}
    for row in found:
        key = row.person_id, row.lane
        mine = (_place(row), row.until)
        first[key] = min(mine, first.get(key, mine), key=lambda one: one[0])
    return first
