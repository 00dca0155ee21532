"""What may not leave now, whatever is planned: asked with every look at the outbox.

Everything waits while a restored database is being set right, and care texts while a plan that ran away waits
for somebody to look at it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import BindParameter, ColumnElement, and_, exists, or_

from cism.services.outbox import LANE_CARE, LANE_URGENT
from cism.store.states import QueueState
from cism.store.tables import Outbox, QueueItem, Restore

RUNAWAY = "runaway"  # the item of the human queue that stops care texts while it is open

Moment = datetime | BindParameter[datetime]  # a parameter where a query is built once and asked often
URGENT_WAITS = timedelta(seconds=30)  # real time: for the provider's list, as an unclear page waits for it


def may_leave(real: datetime) -> tuple[ColumnElement[bool], ...]:
    """As `may_leave_after`, at this moment of real time."""
    return may_leave_after(real - URGENT_WAITS)


def may_leave_after(waited_since: Moment) -> tuple[ColumnElement[bool], ...]:
    """After a restore care texts wait for a coordinator's word; all others until it is known what went out.

    A page waits half a minute for that at most: asked twice is better than not asked.
    """
    unconfirmed = Restore.confirmed_at.is_(None)
    unread = exists().where(unconfirmed, Restore.inbound_real.is_(None))
    stopped = exists().where(QueueItem.kind == RUNAWAY, QueueItem.state == QueueState.OPEN)
    return (
        or_(Outbox.lane < LANE_CARE, and_(~exists().where(unconfirmed), ~stopped)),
        or_(
            and_(Outbox.lane == LANE_URGENT, _listed(waited_since)), and_(Outbox.lane > LANE_URGENT, ~unread)
        ),
    )


def listed(real: datetime) -> ColumnElement[bool]:
    """Whether what went out before a restore was read from the provider, or need not be waited for."""
    return _listed(real - URGENT_WAITS)


def _listed(waited_since: Moment) -> ColumnElement[bool]:
    return ~exists().where(
        Restore.confirmed_at.is_(None),
        Restore.listed_real.is_(None),
        Restore.noticed_real > waited_since,
    )
