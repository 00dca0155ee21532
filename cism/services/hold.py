"""What may not leave while a restored database is being set right: asked with every look at the outbox."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, exists, or_

from cism.services.outbox import LANE_CARE, LANE_URGENT
from cism.store.tables import Outbox, Restore

URGENT_WAITS = timedelta(seconds=30)  # real time: for the provider's list, as an unclear page waits for it


def may_leave(real: datetime) -> tuple[ColumnElement[bool], ...]:
    """Care texts wait for a coordinator's word; all others until it is known what went out before.

    A page waits half a minute for that at most: asked twice is better than not asked.
    """
    unconfirmed = Restore.confirmed_at.is_(None)
    unlisted = exists().where(
        unconfirmed, Restore.listed_real.is_(None), Restore.noticed_real > real - URGENT_WAITS
    )
    unread = exists().where(unconfirmed, Restore.inbound_real.is_(None))
    return (
        or_(Outbox.lane < LANE_CARE, ~exists().where(unconfirmed)),
        or_(and_(Outbox.lane == LANE_URGENT, ~unlisted), and_(Outbox.lane > LANE_URGENT, ~unread)),
    )
