"""Nobody gets a heap: what is caught up with after an outage leaves one text at a time.

In ordinary days two texts to one person about themselves have reasons of their own and lie where the plan put
them. After an outage everything that was due meanwhile would leave in the same moment.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cism.domain.people import SleepWindow
from cism.domain.quiet_hours import next_open
from cism.services import lateness, telling
from cism.store.states import OutboxState, QueueState
from cism.store.tables import Outbox, QueueItem
from notifications.messages import MessageKind

APART = timedelta(hours=12)  # design: what is caught up with waits so long after another text
_UNASKED = frozenset(
    {
        MessageKind.CHECK_IN,
        MessageKind.CHECK_IN_REMINDER,
        MessageKind.OPT_IN,
        MessageKind.INVITATION,
        MessageKind.CONFIRM_PHONE,
    }
)
_MAY_BE_THERE = (
    OutboxState.SENDING,
    OutboxState.SENT,
    OutboxState.DELIVERED,
    OutboxState.UNKNOWN,
    OutboxState.UNSETTLED,
)


def _is_call(payload: str) -> bool:
    return bool(json.loads(payload).get("call"))


class Apart:
    """For one claim: who gets a text in it already, and who got one not long ago."""

    def __init__(self, session: Session, now: datetime) -> None:
        self._session, self._now = session, now
        self._gathered: set[str] = set()  # whose texts about calls become one
        self._beside: dict[str, bool] = {}  # by person: whether what leaves now was late

    def leaves(self, row: Any) -> None:
        """This one leaves now."""
        if row.kind in _UNASKED and row.person_id is not None:
            self._beside[row.person_id] = lateness.is_late(row.owed_at, self._now)

    def held_back(self, row: Any) -> dict[str, Any] | None:
        """None: it may leave; else until when it waits, in the person's open hours, or why it does not leave.

        Calls that are needed, told of one by one while the provider was away, are told of together.
        """
        if row.kind == MessageKind.QUEUE_NEW and lateness.is_late(row.owed_at, self._now):
            return self._together(row)
        if row.kind not in _UNASKED or row.person_id is None:
            return None
        late = lateness.is_late(row.owed_at, self._now) or self._beside.get(row.person_id, False)
        if not late and row.kind != MessageKind.CHECK_IN_REMINDER:
            return None
        # a reminder in its hour keeps away from a check-in that was caught up with, and from nothing else
        kinds = _UNASKED if late else {MessageKind.CHECK_IN}
        beside = late and row.person_id in self._beside
        last = self._now if beside else self._last(row, kinds)
        if last is None or self._now >= last + APART:
            return None
        return {"not_before": next_open(last + APART, row.zone, SleepWindow(row.sleep_start, row.sleep_end))}

    def _together(self, row: Any) -> dict[str, Any] | None:
        if not _is_call(row.payload):
            return None
        query = select(Outbox.payload).where(
            Outbox.person_id == row.person_id,
            Outbox.kind == MessageKind.QUEUE_NEW,
            Outbox.state == OutboxState.PENDING,
            Outbox.owed_at < self._now - lateness.SAYS_SO_AFTER,
            Outbox.id != row.id,
        )
        met = row.person_id in self._gathered
        if not met and not any(_is_call(payload) for payload in self._session.scalars(query)):
            return None
        self._gathered.add(row.person_id)
        key = self._session.scalars(select(Outbox.key).where(Outbox.id == row.id)).one()
        item = self._session.get(QueueItem, key.split(":")[1])
        if item is not None and item.state is QueueState.OPEN and item.agency is not None:
            item.untold = True
            telling.plan(self._session, item.agency, self._now)
        return {"state": OutboxState.CANCELLED, "reason": "told of with others"}

    def _last(self, row: Any, kinds: Collection[MessageKind]) -> datetime | None:
        """When the latest of these that may have reached the person left."""
        query = select(func.max(Outbox.claimed_at)).where(
            Outbox.person_id == row.person_id, Outbox.kind.in_(kinds), Outbox.state.in_(_MAY_BE_THERE)
        )
        found: datetime | None = self._session.scalar(query)
        return found
