"""The flow `deliver`: messages that no run has sent itself."""

from __future__ import annotations

from prefect import flow

from flows import practice
from flows.order import Lane
from flows.tasks import FLOW, at_work


@flow(name="deliver", flow_run_name="deliver {batch_id}", **FLOW)
async def deliver(batch_id: str = "by hand") -> None:
    """Urgent first; care texts only where incoming texts were read lately."""
    async with at_work(batch_id, Lane.DELIVER) as hands:
        await practice.deliver(hands)
