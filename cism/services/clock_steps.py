"""The machine's clock was set back: nobody waits for times that were written down before and lie ahead now.

Real time decides leases, back-off and settling. After a step back of an hour a text whose process died would
stay claimed for an hour, a page would wait an hour for its next try, and texts that came in would not be
listed. Product time needs no mending: what is done is done, and what is due waits until its moment comes.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism import log
from cism.domain.plan import StepState
from cism.store.db import now as product_now
from cism.store.db import real_now
from cism.store.partial import MOVING, PENDING
from cism.store.states import CallState
from cism.store.tables import Outbox, PhoneCall, Step

LONGEST_WAIT = timedelta(hours=1)  # design: nothing is ever put off for longer in real time
_AHEAD = timedelta(seconds=5)  # two machines may differ by this much
_UNDER_WAY = timedelta(seconds=20)  # what was claimed in the future was claimed at most so long ago
LISTED_AGAIN = timedelta(days=1)  # design: after a step back the provider's list is read from here


def follow(session: Session) -> int:
    """Bring back what lies in the future and cannot; returns how many rows that were."""
    real, now = real_now(session), product_now(session)
    late, found = real + LONGEST_WAIT, 0
    waiting = (
        select(Outbox).where(PENDING, Outbox.lane >= 0, Outbox.not_before <= now, Outbox.retry_real > late),
        select(PhoneCall).where(PhoneCall.state == CallState.PENDING, PhoneCall.retry_real > late),
        select(Step).where(Step.state == StepState.PLANNED, Step.due_at <= now, Step.retry_real > late),
    )
    for query in waiting:
        for row in session.scalars(query.with_for_update(skip_locked=True)).all():
            row.retry_real, found = real, found + 1
    moving = (
        select(Outbox).where(MOVING, Outbox.claimed_real > real + _AHEAD),
        select(PhoneCall).where(
            PhoneCall.state.in_([CallState.DIALING, CallState.UNKNOWN]),
            PhoneCall.claimed_real > real + _AHEAD,
        ),
    )
    for claimed in moving:
        for item in session.scalars(claimed.with_for_update(skip_locked=True)).all():
            item.claimed_real, found = real - _UNDER_WAY, found + 1
    if found:
        log.event("clock.set_back", rows=found)
    return found
