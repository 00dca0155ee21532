"""Registers every flow with Prefect: for the schedule, for the work pool, and for use by hand."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.deployments.runner import RunnerDeployment
from prefect.exceptions import ObjectAlreadyExists
from prefect.types.entrypoint import EntrypointType
from prefect.workers.process import ProcessWorker

from flows.catalogue import FLOWS
from flows.order import Lane
from flows.ways import DEPLOYMENT, POOL, URGENT_QUEUE


async def register(client: PrefectClient, every: timedelta) -> None:
    """Pool, queues and deployments; again and again without harm, also after Prefect's database was wiped."""
    await _pool(client)
    for lane, flow in FLOWS.items():
        scheduled: dict[str, Any] = {}
        if lane is Lane.PERFORM_DUE:
            # no concurrency limit: the slot of a killed worker's run would keep the next ones out
            scheduled = {"interval": every}
        deployment = RunnerDeployment.from_flow(
            flow,
            DEPLOYMENT,
            description=flow.__doc__,
            work_pool_name=POOL,
            # by module: any standard Prefect worker on a machine with this package finds it
            entrypoint_type=EntrypointType.MODULE_PATH,
            parameters={"batch_id": "each minute"} if scheduled else None,
            tags=["cism"],
            **scheduled,
        )
        await deployment.aapply()


async def _pool(client: PrefectClient) -> None:
    """A pool of the plain process type, so that `prefect worker start --pool cism` serves it as well."""
    template = ProcessWorker.get_default_base_job_template()
    # each by itself: the server may have gone away between the two the last time
    with suppress(ObjectAlreadyExists):
        await client.create_work_pool(WorkPoolCreate(name=POOL, type="process", base_job_template=template))
    with suppress(ObjectAlreadyExists):
        await client.create_work_queue(URGENT_QUEUE, work_pool_name=POOL, priority=1)
