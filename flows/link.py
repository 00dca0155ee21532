"""The conductor's link to Prefect: imported in a thread, warmed up, watched; absent until it answers."""

from __future__ import annotations

import asyncio
import contextvars
import importlib
import os
from collections.abc import Coroutine
from typing import Any

import httpx

from cism import log
from flows.breaker import Breaker
from flows.limits import Limits
from flows.order import Order
from flows.tickets import Ticket

_ASK_EVERY = 0.5


class Link:
    """Prefect, as far as it can be used right now."""

    def __init__(self, limits: Limits, *, work_pool: bool) -> None:
        self.breaker = Breaker(limits.breaker_failures, limits.breaker_rest)
        self.work_pool = work_pool
        self._limits = limits
        self._way: Any = None
        self._context = contextvars.copy_context()
        self._calls: set[asyncio.Task[None]] = set()

    @property
    def usable(self) -> bool:
        """Whether a run may be asked for."""
        return self._way is not None and not self.breaker.is_open

    def first_line(self, *, urgent: bool) -> float:
        """How long to wait for a run's first line, seconds."""
        limits = self._limits
        if self.work_pool:
            return limits.pool_urgent_first_line if urgent else limits.pool_routine_first_line
        return limits.urgent_first_line if urgent else limits.routine_first_line

    async def bring_up(self) -> None:
        """Import Prefect beside the work, wait for its server, warm up, and keep one client open."""
        url = os.environ.get("PREFECT_API_URL")
        if not url:
            log.event("prefect.not_configured")
            return
        loop = asyncio.get_running_loop()
        await healthy(url)
        ways = await loop.run_in_executor(None, importlib.import_module, "flows.ways")
        prefect_context = await loop.run_in_executor(None, importlib.import_module, "prefect.context")
        way = ways.WorkPool(self._limits) if self.work_pool else ways.InProcess()
        while not await self._warmed(way):
            await asyncio.sleep(_ASK_EVERY)
        # one open client for all runs: half of a run's first line is making one
        async with prefect_context.AsyncClientContext.get_or_create():
            self._context = contextvars.copy_context()
            self._way = way
            log.event("prefect.ready", pool=self.work_pool)
            await asyncio.Event().wait()

    def call(self, order: Order, ticket: Ticket) -> asyncio.Task[None]:
        """Ask for a run, in a task of its own: whatever Prefect does there delays nobody."""
        work: Coroutine[Any, Any, None] = self._way.perform(order, ticket)
        call = asyncio.create_task(work, context=self._context.copy())
        self._calls.add(call)
        call.add_done_callback(self._ended)
        return call

    async def aclose(self, within: float) -> None:
        """Wait for the runs under way, then leave them."""
        if self._calls:
            await asyncio.wait(self._calls, timeout=within)
        for call in list(self._calls):
            call.cancel()
        if self._calls:  # a dead server is asked again and again even then: nobody waits for that
            await asyncio.wait(self._calls, timeout=within)

    async def _warmed(self, way: Any) -> bool:
        try:
            await way.warm()
        except Exception as error:  # whatever it is, Prefect is not ready; work goes on without it
            log.failure("prefect.not_ready", error)
            return False
        return True

    def _ended(self, call: asyncio.Task[None]) -> None:
        self._calls.discard(call)
        if not call.cancelled():
            call.exception()  # looked at by whoever watches; read here so that none is "never retrieved"


async def healthy(url: str) -> None:
    """Return once the server answers. Its health page needs no secret."""
    auth = tuple(os.environ.get("PREFECT_API_AUTH_STRING", ":").split(":", 1))
    async with httpx.AsyncClient(timeout=2.0, auth=(auth[0], auth[-1]), trust_env=False) as client:
        while True:
            try:
                if (await client.get(f"{url.rstrip('/')}/health")).is_success:
                    return
            except httpx.HTTPError:
                pass
            await asyncio.sleep(_ASK_EVERY)
