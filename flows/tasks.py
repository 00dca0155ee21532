"""The deeds as Prefect tasks. Imports Prefect: only reached once a thread has imported it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any, Final

from prefect import task
from prefect.cache_policies import NO_CACHE

from cism.domain.plan import StepKind
from cism.services.engine import Performed
from flows import runtime
from flows.hands import BareHands, progress
from flows.order import URGENT_LANES, Lane

# Prefect never repeats a deed and keeps nothing of it: attempts are columns of our own rows
FLOW: Final[dict[str, Any]] = {"retries": 0, "persist_result": False, "validate_parameters": False}


@task(task_run_name="{doing}", cache_policy=NO_CACHE, retries=0, persist_result=False)
async def take_steps(
    doing: str, hands: BareHands, kinds: Collection[StepKind], incident_id: str | None
) -> Performed:
    """One transaction."""
    return await hands.perform(doing, kinds, incident_id)


@task(task_run_name="send", cache_policy=NO_CACHE, retries=0, persist_result=False)
async def send(hands: BareHands, ids: Collection[str]) -> int:
    """The messages that an act caused."""
    return await hands.send(ids)


@task(task_run_name="deliver", cache_policy=NO_CACHE, retries=0, persist_result=False)
async def deliver(hands: BareHands, *, urgent_only: bool) -> int:
    """What waits to leave."""
    return await hands.deliver(urgent_only=urgent_only)


@task(task_run_name="settle and read what came in", cache_policy=NO_CACHE, retries=0, persist_result=False)
async def keep_house(hands: BareHands) -> None:
    """Unclear sends, incoming texts."""
    await hands.keep_house()


class TaskHands:
    """Each deed is a task of the current run."""

    def __init__(self, bare: BareHands) -> None:
        self.bare = bare

    @property
    def care_may_leave(self) -> bool:
        """Whether incoming texts were read recently enough."""
        return self.bare.care_may_leave

    async def perform(
        self, doing: str, kinds: Collection[StepKind], incident_id: str | None = None
    ) -> Performed:
        """One transaction as a task."""
        return await take_steps(doing, self.bare, kinds, incident_id)

    async def send(self, ids: Collection[str]) -> int:
        """Sends as a task; none where there is nothing to send."""
        return await send(self.bare, ids) if ids else 0

    async def deliver(self, *, urgent_only: bool) -> int:
        """Delivers as a task."""
        return await deliver(self.bare, urgent_only=urgent_only)

    async def keep_house(self) -> None:
        """Housekeeping as a task."""
        await keep_house(self.bare)

    async def more(self, lane: Lane) -> bool:
        """Whether to go on; not worth a task."""
        return await self.bare.more(lane)


@asynccontextmanager
async def at_work(batch_id: str, lane: Lane) -> AsyncIterator[TaskHands]:
    """The hands of one run, from its first line to its last."""
    ground = runtime.current()
    ticket = ground.tickets.of(batch_id)
    linger = 0.0 if lane is Lane.PERFORM_DUE else ground.limits.linger
    bare = BareHands(ground, ticket, orchestrated=True, linger=linger)
    bare.urgent = lane in URGENT_LANES
    async with progress(ticket):
        yield TaskHands(bare)
