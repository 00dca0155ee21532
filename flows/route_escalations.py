"""The flow `route-escalations`: the next rung, until a human has closed it."""

from __future__ import annotations

from prefect import flow

from flows import practice
from flows.order import Lane
from flows.tasks import FLOW, at_work


@flow(name="route-escalations", flow_run_name="route-escalations {batch_id}", **FLOW)
async def route_escalations(batch_id: str = "by hand") -> None:
    """Ask the next helper, and the one after."""
    async with at_work(batch_id, Lane.ROUTE_ESCALATIONS) as hands:
        await practice.tend(hands, Lane.ROUTE_ESCALATIONS)
