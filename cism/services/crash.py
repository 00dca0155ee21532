"""Points at which a process kills itself, so that it can be seen from outside what that loses or doubles.

`CISM_CRASH_AT=POINT:N` (such as `send.answered:3`) switches one on: at its N-th passing the process sends
SIGKILL to itself, as a power cut would. Only where time is invented and no real phone is reached; settings
refuse it otherwise. Each point is one line in the product, and does nothing while none is switched on.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from enum import StrEnum
from threading import Lock

from sqlalchemy.orm import Session

from cism.store.db import Database, database_of

_passed: Counter[str] = Counter()
_lock = Lock()


class Point(StrEnum):
    """Where; the order is that of one message's life, then that of a step and of a text that comes in."""

    CLAIM_BEGUN = "claim.begun"  # nothing is written yet
    CLAIM_WRITTEN = "claim.written"  # the intent is written, and not committed
    CLAIM_COMMITTED = "claim.committed"  # it is; nothing has left
    SEND_BEGUN = "send.begun"  # just before the request to the provider
    SEND_ANSWERED = "send.answered"  # the provider has it, and nothing of that is written
    RECORD_WRITTEN = "record.written"  # what became of it is written, and not committed
    RECORD_COMMITTED = "record.committed"  # it is
    STEP_WRITTEN = "step.written"  # a step and all of its effect are written, and not committed
    STEP_COMMITTED = "step.committed"  # they are; what it caused has not left
    WEBHOOK_BEGUN = "webhook.begun"  # a text came in and its signature fits; nothing is written
    WEBHOOK_WRITTEN = "webhook.written"  # it is read and acted on, and not committed
    WEBHOOK_COMMITTED = "webhook.committed"  # it is; the provider has no answer, and ours has not left


def passing(place: Database | Session, point: Point) -> None:
    """Die here, if it is this point's turn."""
    db = place if isinstance(place, Database) else database_of(place)
    if db.crash_at is None or not (db.movable and db.on_wall):
        return
    wanted, _, times = db.crash_at.partition(":")
    if wanted != point:
        return
    with _lock:
        _passed[point] += 1
        if _passed[point] == int(times or 1):
            os.kill(os.getpid(), signal.SIGKILL)
