"""Runs whose process was killed stay RUNNING in Prefect for ever: they are closed when a worker starts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import State, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.states import Crashed

from flows.order import Lane

_OLDER = timedelta(minutes=10)  # many times the life of a run


async def close_leftovers(client: PrefectClient, now: datetime) -> int:
    """Mark what cannot be running any more as crashed; what was due in it has long been performed."""
    found = await client.read_flow_runs(
        flow_filter=FlowFilter(name=FlowFilterName(any_=[lane.value for lane in Lane])),
        flow_run_filter=FlowRunFilter(
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.RUNNING])),
            start_time=FlowRunFilterStartTime(before_=now - _OLDER),
        ),
        sort=FlowRunSort.START_TIME_ASC,  # the client's default, none, is refused by the server
        limit=200,
    )
    for run in found:
        state: State[Any] = Crashed(message="its process ended")
        await client.set_flow_run_state(run.id, state, force=True)
    return len(found)
