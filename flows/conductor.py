"""Looks at what is due and has it performed: by a Prefect run, or bare where none begins in time."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext

from sqlalchemy.exc import SQLAlchemyError

from cism import log
from cism.clock import monotonic
from cism.errors import CismError
from flows import practice
from flows.agenda import Waiting, counts_of, orders
from flows.hands import ActFailedError, BareHands
from flows.house import House
from flows.link import Link
from flows.order import URGENT_LANES, Order
from flows.runtime import Runtime
from flows.tickets import Ticket


class Conductor:
    """One of possibly several; the rows decide who was first."""

    def __init__(self, runtime: Runtime, link: Link) -> None:
        self.runtime = runtime
        self.link = link
        self.limits = runtime.limits
        self.waited = Waiting()
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._not_before: dict[str, float] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Until told to stop; then end in order: no new runs, those under way, the house, Prefect."""
        house = House(self.runtime, "conductor")
        helpers = [asyncio.create_task(house.run()), asyncio.create_task(self.link.bring_up())]
        log.event("conductor.started")
        try:
            while not stop.is_set():
                rest = await self.look()
                await _until(stop, rest)
        finally:
            await self._end(helpers)
            log.event("conductor.stopped")

    async def look(self) -> float:
        """One look, and what it leads to; returns the seconds until the next."""
        begun = monotonic()
        try:
            due = await self.runtime.look()
        except (CismError, SQLAlchemyError) as error:
            log.failure("look.failed", error)
            return self.limits.retry_after
        now = monotonic()
        self.waited.note(counts_of(due), now)
        busy = {*self._under_way, *(key for key, moment in self._not_before.items() if moment > now)}
        wanted = orders(due, self.waited, busy, now, self.limits, care_may_leave=self.runtime.care_may_leave)
        for order in wanted:
            self._under_way[order.key] = asyncio.create_task(self._conduct(order))
        return max(self.limits.look_every, (now - begun) / self.limits.look_share)

    async def _conduct(self, order: Order) -> None:
        try:
            if not self.link.usable or not await self._orchestrated(order):
                await self._bare(order)
        except ActFailedError:
            self._not_before[order.key] = monotonic() + self.limits.retry_after
        except Exception as error:  # one order must not end the others
            log.failure("order.failed", error, lane=order.lane.value)
            self._not_before[order.key] = monotonic() + self.limits.retry_after
        finally:
            self._under_way.pop(order.key, None)

    async def _bare(self, order: Order) -> None:
        """Without Prefect: the same deeds, counted as such."""
        hands = BareHands(self.runtime, Ticket(order.batch_id), orchestrated=False)
        hands.urgent = order.lane in URGENT_LANES
        await practice.perform(order, hands)

    async def _orchestrated(self, order: Order) -> bool:
        """Whether a Prefect run did it; returns once its work is done, whatever Prefect still writes."""
        ticket = self.runtime.tickets.of(order.batch_id)
        asked_at = monotonic()
        call = self.link.call(order, ticket)
        trouble = await self._watch(order, ticket, call)
        if ticket.work_failed:
            message = order.lane.value
            raise ActFailedError(message)
        if trouble is None:
            self.link.breaker.succeeded()
            return True
        ticket.abandoned = True
        opened = self.link.breaker.failed(asked_at)
        log.event("run.left_out", lane=order.lane.value, batch=order.batch_id, why=trouble, breaker=opened)
        return False

    async def _watch(self, order: Order, ticket: Ticket, call: asyncio.Task[None]) -> str | None:
        """None once the work is done, else what went wrong."""
        limit = self.link.first_line(urgent=order.urgent)
        with self.runtime.urgent_work() if order.urgent else nullcontext():
            await _first(limit, ticket.begun, call)
        if not ticket.begun.is_set():
            return _broke(call) if call.done() else "no first line"
        while not ticket.finished.is_set():
            await _first(0.25, ticket.finished, call)
            if ticket.finished.is_set():
                break
            if call.done():
                return _broke(call)
            if self.runtime.stopping and self.link.work_pool:
                return None  # it goes on elsewhere
            now = monotonic()
            if ticket.idle_for(now) > limit and self.waited.span(order.key, now) > limit:
                return "it hangs"
        return None

    async def _end(self, helpers: list[asyncio.Task[None]]) -> None:
        self.runtime.stop()
        under_way = list(self._under_way.values())
        if under_way:
            await asyncio.wait(under_way, timeout=self.limits.stop_within)
        for task in (*under_way, *helpers):
            task.cancel()
        await asyncio.gather(*under_way, *helpers, return_exceptions=True)
        await self.link.aclose(1.0)


def _broke(call: asyncio.Task[None]) -> str:
    """The class alone: Prefect's text may repeat what it was given."""
    error = None if call.cancelled() else call.exception()
    return f"it broke: {type(error).__name__}"


async def _first(within: float, event: asyncio.Event, call: asyncio.Task[None]) -> None:
    """Wait for the event or the call's end, at most `within` seconds."""
    waiter = asyncio.create_task(event.wait())
    try:
        await asyncio.wait({waiter, call}, timeout=within, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiter.cancel()


async def _until(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
