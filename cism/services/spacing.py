"""Nobody gets a heap: what is caught up with after an outage leaves one text at a time.

In ordinary days two texts to one person about themselves have reasons of their own and lie where the plan put
them. After an outage everything that was due meanwhile would leave in the same moment.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cism.domain.people import SleepWindow
from cism.domain.quiet_hours import next_open
from cism.services import lateness
from cism.store.states import OutboxState
from cism.store.tables import Outbox
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


class Apart:
    """For one claim: who gets a text in it already, and who got one not long ago."""

    def __init__(self, session: Session, now: datetime) -> None:
        self._session, self._now = session, now
        self._beside: dict[str, bool] = {}  # by person: whether what leaves now was late

    def leaves(self, row: Any) -> None:
        """This one leaves now."""
        if row.kind in _UNASKED and row.person_id is not None:
            self._beside[row.person_id] = lateness.is_late(row.owed_at, self._now)

    def held_back(self, row: Any) -> dict[str, Any] | None:
        """None: it may leave; else until when it waits, in the person's open hours."""
        if row.kind not in _UNASKED or row.person_id is None:
            return None
        late = lateness.is_late(row.owed_at, self._now) or row.kind == MessageKind.CHECK_IN_REMINDER
        if not (late or self._beside.get(row.person_id)):
            return None
        last = self._now if row.person_id in self._beside else self._last(row)
        if last is None or self._now >= last + APART:
            return None
        return {"not_before": next_open(last + APART, row.zone, SleepWindow(row.sleep_start, row.sleep_end))}

    def _last(self, row: Any) -> datetime | None:
        """When the latest of those that may have reached the person left."""
        query = select(func.max(Outbox.claimed_at)).where(
            Outbox.person_id == row.person_id, Outbox.kind.in_(_UNASKED), Outbox.state.in_(_MAY_BE_THERE)
        )
        found: datetime | None = self._session.scalar(query)
        return found
