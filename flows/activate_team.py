"""The flow `activate-team`: the next peers, when the first did not answer in time."""

from __future__ import annotations

from prefect import flow

from flows import practice
from flows.order import Lane
from flows.tasks import FLOW, at_work


@flow(name="activate-team", flow_run_name="activate-team {batch_id}", **FLOW)
async def activate_team(batch_id: str = "by hand") -> None:
    """Ask on, until the team is complete or nobody is left."""
    async with at_work(batch_id, Lane.ACTIVATE_TEAM) as hands:
        await practice.tend(hands, Lane.ACTIVATE_TEAM)
