"""How far a run has come, as seen from inside this process: first line reached, at work, work done."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakValueDictionary

from cism.clock import monotonic


class Ticket:
    """One run's progress. A run of another process has a ticket that nobody watches."""

    def __init__(self, batch_id: str) -> None:
        self.batch_id = batch_id
        self.begun = asyncio.Event()
        self.finished = asyncio.Event()
        self.work_failed = False
        self.abandoned = False
        self._inside = 0
        self._last = monotonic()

    def idle_for(self, now: float) -> float:
        """Seconds since it last was in the middle of real work, a transaction or a send; 0 while it is."""
        return 0.0 if self._inside else now - self._last

    @contextmanager
    def working(self) -> Iterator[None]:
        """Real work, as opposed to waiting for Prefect."""
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1
            self._last = monotonic()


class Tickets:
    """The tickets of this process, by batch id; forgotten with the run."""

    def __init__(self) -> None:
        self._open: WeakValueDictionary[str, Ticket] = WeakValueDictionary()

    def of(self, batch_id: str) -> Ticket:
        """The ticket of a run, made where nobody has asked for one yet."""
        found = self._open.get(batch_id)
        if found is None:
            found = Ticket(batch_id)
            self._open[batch_id] = found
        return found
