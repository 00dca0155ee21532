"""Leaves Prefect out for a while after it failed several times in a row."""

from __future__ import annotations

from collections.abc import Callable

from cism.clock import monotonic


class Breaker:
    """Closed: Prefect is used. Open: it is left out until the rest is over; then one try decides."""

    def __init__(self, failures: int, rest: float, clock: Callable[[], float] = monotonic) -> None:
        """`failures` in a row open it for `rest` seconds."""
        self._allowed = failures
        self._rest = rest
        self._clock = clock
        self._failed = 0
        self._failed_at = float("-inf")
        self._opened_at: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether Prefect is to be left out now."""
        return self._opened_at is not None and self._clock() - self._opened_at < self._rest

    def succeeded(self) -> None:
        """A run did its work."""
        self._failed = 0
        self._opened_at = None

    def failed(self, asked_at: float) -> bool:
        """A run that was asked for at `asked_at` did not begin, or hung; returns whether this opened it.

        Runs that were under way together fail together: that is one failure, and not three in a row.
        """
        if asked_at < self._failed_at:
            return False
        self._failed += 1
        self._failed_at = self._clock()
        if self._failed < self._allowed:
            return False
        # while it rests the count stays: after the rest a single failure opens it again
        opened = not self.is_open
        self._opened_at = self._clock()
        return opened
