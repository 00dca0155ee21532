"""Two ways to have a flow performed: in this process, or by any worker of a work pool. Imports Prefect."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Protocol, TypeVar
from uuid import UUID

from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.objects import StateType
from prefect.exceptions import PrefectHTTPStatusError
from prefect.states import Cancelled

from flows.catalogue import FLOWS
from flows.hands import ActFailedError
from flows.limits import Limits
from flows.order import Lane, Order
from flows.tickets import Ticket

T = TypeVar("T")
POOL = "cism"
DEPLOYMENT = "cism"
URGENT_QUEUE = "urgent"
_POLL_BEGIN, _POLL_RUN = 0.15, 0.4  # seconds between two questions about a run of the pool


class Way(Protocol):
    """Has a flow performed; the ticket tells how far it has come."""

    async def warm(self) -> None:
        """Prepare, without making a run."""
        ...

    async def perform(self, order: Order, ticket: Ticket) -> None:
        """One run, from asking for it until Prefect has written its end."""
        ...


class InProcess:
    """The flow runs in this process: first line after 0.1-0.3 s."""

    async def warm(self) -> None:
        """Tell Prefect the flows by name, which also imports what the first run would wait for."""
        async with get_client() as client:
            for flow in FLOWS.values():
                await client.create_flow(flow)

    async def perform(self, order: Order, ticket: Ticket) -> None:
        """Call the flow; the ticket is found again by its batch id."""
        flow: Callable[..., Awaitable[None]] = FLOWS[order.lane]
        await _unless_busy(lambda: flow(**order.parameters), ticket)


class WorkPool:
    """Any worker of the pool runs the flow: first line after about a second."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._ids: dict[Lane, UUID] = {}

    async def warm(self) -> None:
        """Wait until the deployments are there."""
        async with get_client() as client:
            for lane in FLOWS:
                self._ids[lane] = (await client.read_deployment_by_name(f"{lane.value}/{DEPLOYMENT}")).id

    async def perform(self, order: Order, ticket: Ticket) -> None:
        """Ask for a run and follow it."""
        async with get_client() as client:
            run_id = await _unless_busy(lambda: self._ask(client, order), ticket)
            await self._follow(client, run_id, ticket)

    async def _ask(self, client: PrefectClient, order: Order) -> UUID:
        if order.lane not in self._ids:
            await self.warm()
        try:
            return await self._create(client, order)
        except PrefectHTTPStatusError as error:
            if error.response.status_code != HTTPStatus.NOT_FOUND:
                raise
        await self.warm()  # Prefect's database was wiped, and the worker has registered again: new ids
        return await self._create(client, order)

    async def _create(self, client: PrefectClient, order: Order) -> UUID:
        run = await client.create_flow_run_from_deployment(
            self._ids[order.lane],
            parameters=dict(order.parameters),
            name=f"{order.lane.value} {order.batch_id}",
            work_queue_name=URGENT_QUEUE if order.urgent else None,
        )
        return run.id

    async def _follow(self, client: PrefectClient, run_id: UUID, ticket: Ticket) -> None:
        while True:
            state = (await _unless_busy(lambda: client.read_flow_run(run_id), ticket, always=True)).state
            kind = state.type if state else StateType.SCHEDULED
            if kind in {StateType.RUNNING, StateType.COMPLETED}:
                ticket.begun.set()
            if state is not None and state.is_final():
                return _end(ticket, kind)
            if ticket.abandoned and not ticket.begun.is_set():
                await client.set_flow_run_state(run_id, Cancelled(message="performed without it"), force=True)
                return None
            await asyncio.sleep(_POLL_RUN if ticket.begun.is_set() else _POLL_BEGIN)


async def _unless_busy(ask: Callable[[], Awaitable[T]], ticket: Ticket, *, always: bool = False) -> T:
    """Ask again while the server is too busy to answer, as long as somebody waits for the first line.

    A 503 means that nothing was done. `always`: also afterwards, because asking changes nothing.
    """
    while True:
        try:
            return await ask()
        except PrefectHTTPStatusError as error:
            given_up = ticket.abandoned or (ticket.begun.is_set() and not always)
            if given_up or error.response.status_code != HTTPStatus.SERVICE_UNAVAILABLE:
                raise
        await asyncio.sleep(_POLL_BEGIN)


def _end(ticket: Ticket, kind: StateType) -> None:
    if kind is StateType.COMPLETED:
        ticket.finished.set()
    elif kind is StateType.FAILED:
        ticket.work_failed = True
        ticket.finished.set()
        message = "the work failed in the pool"
        raise ActFailedError(message)
    else:
        message = f"the run ended as {kind.value.lower()}"
        raise RuntimeError(message)
