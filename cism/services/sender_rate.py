"""The sender's rate: never more than it allows at once, with a share kept free for what is urgent."""

from __future__ import annotations

import math
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.store.tables import SenderRate

_RESERVED = 0.2  # share of the sender's rate that only urgent messages and answers may use
_LATE_LOOK = 0.5  # of a text: what a look that comes late finds is not lost, or each would cost a wait more
_RESERVE_FROM = 5.0  # a second: below it there is nothing to share; urgent ones come first anyway


def allowance(session: Session, real: datetime, rate: float | None, limit: int) -> int:
    """How many may leave now."""
    if rate is None:
        return limit
    row = session.execute(select(SenderRate).where(SenderRate.id == 1).with_for_update()).scalar_one_or_none()
    if row is None:
        row = SenderRate(id=1, tokens=1.0, filled_real=real)
        session.add(row)
    elapsed = max(0.0, (real - row.filled_real).total_seconds())
    # never more than a second's worth at once: what the provider queues, urgent messages wait behind
    most = math.floor(max(1.0, rate))
    row.tokens = min(most + _LATE_LOOK, row.tokens + elapsed * rate)
    row.filled_real = real
    return min(limit, most, int(row.tokens))


def ordinary_share(allowed: int, rate: float | None) -> int:
    """How many of these may be other than urgent: a fifth of a large rate is kept free."""
    if rate is None or rate < _RESERVE_FROM:
        return allowed
    return max(0, allowed - math.ceil(rate * _RESERVED))


def spend(session: Session, count: int) -> None:
    """So many leave."""
    row = session.get(SenderRate, 1)
    if row is not None:
        row.tokens -= count
