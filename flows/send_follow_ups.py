"""The flow `send-follow-ups`: contact points over the following months."""

from __future__ import annotations

from prefect import flow

from flows import practice
from flows.order import Lane
from flows.tasks import FLOW, at_work


@flow(name="send-follow-ups", flow_run_name="send-follow-ups {batch_id}", **FLOW)
async def send_follow_ups(batch_id: str = "by hand") -> None:
    """Check in, remind once, hand calls to peers."""
    async with at_work(batch_id, Lane.SEND_FOLLOW_UPS) as hands:
        await practice.tend(hands, Lane.SEND_FOLLOW_UPS)
