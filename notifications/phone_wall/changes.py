"""Waiting for something to happen, for pages and scripted phones that poll long."""

import asyncio
from collections.abc import Callable


class Changes:
    """A number that grows with each change, and can be waited on. Belongs to one event loop."""

    def __init__(self) -> None:
        self.version = 0
        self._waiting: set[asyncio.Future[None]] = set()

    def happened(self) -> None:
        """Count one change and wake everyone who waits."""
        self.version += 1
        waiting, self._waiting = self._waiting, set()
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def until(self, reached: Callable[[], bool], seconds: float) -> None:
        """Return when `reached` says so, or after so many seconds, whichever is first."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while not reached() and loop.time() < deadline:
            future: asyncio.Future[None] = loop.create_future()
            self._waiting.add(future)
            try:
                await asyncio.wait([future], timeout=deadline - loop.time())
            finally:
                self._waiting.discard(future)
