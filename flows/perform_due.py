"""The flow `perform-due`: Prefect's own schedule, every minute, for whatever the conductor left undone."""

from __future__ import annotations

from prefect import flow

from flows import practice
from flows.order import Lane
from flows.tasks import FLOW, at_work


@flow(name="perform-due", flow_run_name="perform-due {batch_id}", **FLOW)
async def perform_due(batch_id: str = "by hand") -> None:
    """Finds nothing to do while the conductor lives."""
    async with at_work(batch_id, Lane.PERFORM_DUE) as hands:
        await practice.perform_due(hands)
