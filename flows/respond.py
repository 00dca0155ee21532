"""The flow `respond`: one visible run for each logged incident."""

from __future__ import annotations

from prefect import flow
from prefect.events import emit_event

from flows import practice
from flows.order import Lane
from flows.tasks import FLOW, at_work


@flow(name="respond", flow_run_name="respond {batch_id}", **FLOW)
async def respond(incident_id: str, batch_id: str = "by hand") -> None:
    """Ask peers, plan, send; the id is opaque, and never the reference that people use."""
    async with at_work(batch_id, Lane.RESPOND) as hands:
        resource = {"prefect.resource.id": f"cism.incident.{incident_id}"}
        emit_event(event="cism.incident.logged", resource=resource)
        await practice.respond(hands, incident_id)
        emit_event(event="cism.response.completed", resource=resource)
