"""The only place that reads a clock or waits.

Two times exist. Product time decides what is due and what people are told; with
`CISM_CLOCK=movable` it is real time plus an offset kept in the database (cism.store.db).
Real time decides back-off, leases, heartbeats, sign-in and everything agreed with a provider.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol

_COUNTS_SLEEP: int | None = getattr(time, "CLOCK_BOOTTIME", None)


class Clock(Protocol):
    """A source of real time, aware UTC."""

    def now(self) -> datetime:
        """The present instant."""
        ...


class RealClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The present instant, aware UTC."""
        return datetime.now(UTC)  # noqa: TID251 - the one place


def wait(seconds: float) -> None:
    """Block this thread; for command line tools that poll, never inside the engine."""
    time.sleep(seconds)  # noqa: TID251 - the one place


def monotonic() -> float:
    """Seconds from an arbitrary start, for measuring spans only.

    Where the system can tell, those that the machine slept through count too: after them what was read from
    the provider is old.
    """
    if _COUNTS_SLEEP is None:
        return time.monotonic()
    return time.clock_gettime(_COUNTS_SLEEP)
