"""Housekeeping in real time, which makes no run: heartbeat, unclear sends, the second way, incoming texts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from sqlalchemy.exc import SQLAlchemyError

from cism import log
from cism.clock import monotonic
from cism.errors import CismError
from cism.services import audit_heads, nightly, papers, restoring
from cism.settings import load
from cism.store.db import in_transaction
from flows.runtime import Runtime
from notifications.gateway import SendError


class House:
    """Small loops beside the work; one that fails is tried again, and disturbs nobody."""

    def __init__(self, runtime: Runtime, name: str) -> None:
        self.runtime = runtime
        self.name = name

    async def run(self) -> None:
        """Until cancelled."""
        limits = self.runtime.limits
        await self._try(self.begin_recurring)
        async with asyncio.TaskGroup() as group:
            group.create_task(self.every(limits.beat_every, self.beat))
            group.create_task(self.every(limits.settle_every, self.runtime.courier.settle))
            group.create_task(self.every(limits.second_every, self.runtime.write))
            group.create_task(self._sweeps())
            group.create_task(self.every(limits.paper_every, self.paper))
            group.create_task(self.every(limits.paper_every, self.audit_head))
            group.create_task(self.every(limits.paper_every, self.calendars))

    async def beat(self) -> None:
        """Say that this part is alive; and see whether the database was put back under our hands."""
        db = self.runtime.db
        await asyncio.get_running_loop().run_in_executor(db.pool, restoring.notice, db)
        await in_transaction(db, self.runtime.engine.beat, self.name)

    async def begin_recurring(self) -> None:
        """Nightly work plans its next night itself; somebody has to plan the first."""
        await in_transaction(self.runtime.db, nightly.plan_first)

    async def paper(self) -> None:
        """Seal the papers that a night has asked for, and let them leave."""
        db = self.runtime.db
        await asyncio.get_running_loop().run_in_executor(db.pool, papers.leave, db, load())

    async def audit_head(self) -> None:
        """Let the head of the audit log leave that a night has asked for."""
        db = self.runtime.db
        await asyncio.get_running_loop().run_in_executor(db.pool, audit_heads.leave, db, load())

    async def calendars(self) -> None:
        """Read on-call calendars again whose time has come."""
        # here, because what reads calendars takes a while to import, and pages do not wait for it
        from cism.services import on_call_reading

        db = self.runtime.db
        await asyncio.get_running_loop().run_in_executor(db.pool, on_call_reading.refresh_due, db, load())

    async def every(self, seconds: float, deed: Callable[[], Awaitable[object]]) -> None:
        """Again and again."""
        while True:
            await self._try(deed)
            await asyncio.sleep(seconds)

    async def _sweeps(self) -> None:
        limits = self.runtime.limits
        while True:
            begun = monotonic()
            done = await self._try(self.runtime.sweep)
            rest = limits.sweep_every if done else limits.sweep_retry
            await asyncio.sleep(max(0.0, rest - (monotonic() - begun)))

    async def _try(self, deed: Callable[[], Awaitable[object]]) -> bool:
        try:
            await deed()
        except (CismError, SQLAlchemyError, SendError, OSError, TimeoutError) as error:
            why = {"why": error.kind.value, "code": error.code} if isinstance(error, SendError) else {}
            log.failure("house.failed", error, deed=getattr(deed, "__name__", "deed"), **why)
            return False
        return True
