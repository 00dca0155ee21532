"""`python -m flows worker`: performs Prefect's own schedule, and the work pool's runs, in this process.

A worker of Prefect's own kinds starts a process for each run (2.4-3.0 s to its first line); this one awaits
the flow where it is. It outlives Prefect's server: it asks on with growing pauses and registers again.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any
from uuid import UUID

from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.context import AsyncClientContext
from prefect.flow_engine import run_flow_async
from prefect.states import Cancelled, Pending
from prefect.utilities.engine import propose_state

from cism import log
from cism.clock import RealClock, monotonic
from flows.catalogue import FLOWS
from flows.deployments import register
from flows.house import House
from flows.leftovers import close_leftovers
from flows.order import URGENT_LANES, Lane
from flows.runtime import Runtime
from flows.ways import POOL

_POLL, _BEAT = 0.4, 30.0
_PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)
_AT_ONCE, _ROUTINE_AT_ONCE = 5, 3


class Worker:
    """One process of the pool; several may serve it."""

    def __init__(self, runtime: Runtime, every: timedelta = timedelta(minutes=1)) -> None:
        self.runtime = runtime
        self._every = every
        self._runs: dict[UUID, asyncio.Task[None]] = {}
        self._routine: set[UUID] = set()
        self._names: dict[UUID, Lane] = {}
        self._failures = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Until told to stop; Prefect may come and go meanwhile."""
        beats = House(self.runtime, "worker")
        beating = asyncio.create_task(beats.every(self.runtime.limits.beat_every, beats.beat))
        serving = asyncio.create_task(self._serve_for_ever())
        await stop.wait()
        self.runtime.stop()
        serving.cancel()
        beating.cancel()
        if self._runs:
            await asyncio.wait(self._runs.values(), timeout=self.runtime.limits.stop_within)
        for run in self._runs.values():
            run.cancel()
        await asyncio.gather(serving, beating, *self._runs.values(), return_exceptions=True)

    async def _serve_for_ever(self) -> None:
        async with AsyncExitStack() as shared:
            open_client = False
            while True:
                try:
                    if not open_client:
                        # one open client for all runs: half of a run's first line is making one
                        await shared.enter_async_context(AsyncClientContext.get_or_create())
                        open_client = True
                    async with get_client() as client:
                        await self._serve(client)
                except Exception as error:  # Prefect is away, or was wiped: nothing here depends on it
                    status = getattr(getattr(error, "response", None), "status_code", None)
                    log.failure("worker.without_prefect", error, status=status)
                await asyncio.sleep(_PAUSES[min(self._failures, len(_PAUSES) - 1)])
                self._failures += 1

    async def _serve(self, client: PrefectClient) -> None:
        await register(client, self._every)
        try:
            await close_leftovers(client, RealClock().now())
        except Exception as error:  # tidiness must not keep the schedule from being served
            log.failure("worker.leftovers_failed", error)
        flows = {(await client.read_flow_by_name(lane.value)).id: lane for lane in FLOWS}
        self._names = flows
        log.event("worker.ready")
        beaten = -_BEAT
        while True:
            if monotonic() - beaten >= _BEAT:
                await client.send_worker_heartbeat(POOL, "cism", heartbeat_interval_seconds=_BEAT)
                beaten = monotonic()
            await self._poll(client)
            self._failures = 0
            await asyncio.sleep(_POLL)

    async def _poll(self, client: PrefectClient) -> None:
        found = await client.get_scheduled_flow_runs_for_work_pool(POOL, scheduled_before=RealClock().now())
        waiting = [item.flow_run for item in found if item.flow_run.id not in self._runs]
        waiting.sort(key=lambda run: str(run.expected_start_time))
        waiting.sort(key=lambda run: self._names.get(run.flow_id) not in URGENT_LANES)
        for run in await self._only_latest(client, waiting):
            if self._has_room(run):
                self._begin(client, run)

    async def _only_latest(self, client: PrefectClient, waiting: list[FlowRun]) -> list[FlowRun]:
        """After a pause the schedule has piled up: one run does what all of them would."""
        piled = [run for run in waiting if self._names.get(run.flow_id) is Lane.PERFORM_DUE]
        for run in piled[:-1]:
            state: State[Any] = Cancelled(message="a later run does the same")
            await client.set_flow_run_state(run.id, state, force=True)
        return [run for run in waiting if run not in piled[:-1]]

    def _has_room(self, run: FlowRun) -> bool:
        if self._names.get(run.flow_id) in URGENT_LANES:
            return len(self._runs) < _AT_ONCE
        return len(self._routine) < _ROUTINE_AT_ONCE

    def _begin(self, client: PrefectClient, run: FlowRun) -> None:
        task = asyncio.create_task(self._perform(client, run))
        self._runs[run.id] = task
        if self._names.get(run.flow_id) not in URGENT_LANES:
            self._routine.add(run.id)
        task.add_done_callback(lambda _: self._forget(run.id))

    async def _perform(self, client: PrefectClient, run: FlowRun) -> None:
        try:
            state = await propose_state(client, Pending(), flow_run_id=run.id)
            lane = self._names.get(run.flow_id)
            if lane is None or not state.is_pending():
                return  # another worker has it, or it was cancelled
            given: dict[str, Any] = {"batch_id": str(run.id)[-6:], **run.parameters}
            await run_flow_async(FLOWS[lane], flow_run=run, parameters=given, return_type="state")
        except Exception as error:  # one run must not end the others
            log.failure("worker.run_failed", error)

    def _forget(self, run_id: UUID) -> None:
        self._runs.pop(run_id, None)
        self._routine.discard(run_id)
