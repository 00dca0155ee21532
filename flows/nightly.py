"""The flow `nightly`: recurring work."""

from __future__ import annotations

from prefect import flow

from flows import practice
from flows.order import Lane
from flows.tasks import FLOW, at_work


@flow(name="nightly", flow_run_name="nightly {batch_id}", **FLOW)
async def nightly(batch_id: str = "by hand") -> None:
    """Retention, readiness."""
    async with at_work(batch_id, Lane.NIGHTLY) as hands:
        await practice.tend(hands, Lane.NIGHTLY)
