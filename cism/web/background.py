"""What the web process does beside answering: it hands over what a request caused, and says that it lives."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

from sqlalchemy.orm import Session

from cism import log
from cism.services import engine, restoring
from cism.services.delivery import Courier
from cism.store.db import Database, in_transaction

BEAT_SECONDS = 15.0
FINISH_SECONDS = 20.0


class Handover:
    """Hands messages to the provider right after the commit that caused them, without making a caller wait.

    Nothing depends on it: what it does not hand over, the conductor's sweep does.
    """

    def __init__(self, courier: Courier | None) -> None:
        self._courier = courier
        self._running: set[asyncio.Task[None]] = set()

    def take(self, messages: Collection[str]) -> None:
        """Start handing over these messages."""
        if self._courier is None or not messages:
            return
        task = asyncio.create_task(self._deliver(self._courier, list(messages)))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def idle(self) -> None:
        """Wait, for a bounded time, until nothing is on its way."""
        if self._running:
            await asyncio.wait(self._running, timeout=FINISH_SECONDS)

    async def finish(self) -> None:
        """Wait for what is on its way, then close the provider's connections."""
        await self.idle()
        if self._courier is not None:
            await self._courier.aclose()

    async def _deliver(self, courier: Courier, messages: list[str]) -> None:
        try:
            # care texts are the conductor's: it knows whether a STOP may lie unread at the provider
            await courier.deliver(only=messages, care=False, limit=max(len(messages), 1))
        except Exception as error:  # the rows are committed: the conductor's sweep sends them
            log.failure("web.handover_failed", error, messages=len(messages))


async def beat_forever(db: Database, tell: Callable[[bool], None]) -> None:
    """The heartbeat of the web part, in real time; `tell` hears whether a restore holds care texts."""
    while True:
        try:
            tell(await in_transaction(db, _beat))
        except Exception as error:  # a missed beat is what the readiness of others shows
            log.failure("web.heartbeat_failed", error)
        await asyncio.sleep(BEAT_SECONDS)


def _beat(session: Session) -> bool:
    engine.beat(session, "web")
    return restoring.unconfirmed(session) is not None
