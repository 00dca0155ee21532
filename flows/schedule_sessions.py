"""The flow `schedule-sessions`: defusings and debriefings, their approval, invitations and reports."""

from __future__ import annotations

from prefect import flow

from flows import practice
from flows.order import Lane
from flows.tasks import FLOW, at_work


@flow(name="schedule-sessions", flow_run_name="schedule-sessions {batch_id}", **FLOW)
async def schedule_sessions(batch_id: str = "by hand") -> None:
    """Propose, approve, invite, remind, report."""
    async with at_work(batch_id, Lane.SCHEDULE_SESSIONS) as hands:
        await practice.tend(hands, Lane.SCHEDULE_SESSIONS)
