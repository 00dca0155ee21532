"""Runs a part of the engine until SIGTERM or SIGINT.

The event loop has a thread of its own: on the main thread Prefect's flow engine would put its handler in the
place of ours while a run is open, and a SIGTERM would be raised as an exception in the middle of anything.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Awaitable, Callable

_LEAVE_WITHIN = 2.0  # seconds; the part has ended, and nobody waits for what Prefect still tries


class _Loop(threading.Thread):
    """An event loop with one part in it."""

    def __init__(self, part: Callable[[asyncio.Event], Awaitable[None]]) -> None:
        super().__init__(name="engine", daemon=True)
        self.trouble: BaseException | None = None
        self.ended = threading.Event()
        self._part = part
        self._ready = threading.Event()
        self._events: asyncio.AbstractEventLoop | None = None
        self._asked: asyncio.Event | None = None

    def run(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:  # raised again in the main thread
            self.trouble = error
        finally:
            self._ready.set()

    async def _main(self) -> None:
        self._asked = asyncio.Event()
        self._events = asyncio.get_running_loop()
        self._ready.set()
        try:
            await self._part(self._asked)
        finally:
            self.ended.set()

    def ask_to_stop(self, _signal: int, _frame: object) -> None:
        self._ready.wait(5)
        if self._events is not None and self._asked is not None and not self._events.is_closed():
            self._events.call_soon_threadsafe(self._asked.set)


def run(part: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Run a part; what it raises is raised here. The event it gets says: end in order."""
    loop = _Loop(part)
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, loop.ask_to_stop)
    loop.start()
    while loop.is_alive() and not loop.ended.is_set():
        loop.join(0.5)  # in slices, so that a signal is handled in between
    loop.join(_LEAVE_WITHIN)
    if loop.trouble is not None:
        raise loop.trouble
