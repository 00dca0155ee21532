"""All flows by lane. Importing it imports Prefect, which takes seconds: do it in a thread."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prefect import Flow

from flows.activate_team import activate_team
from flows.deliver import deliver
from flows.nightly import nightly
from flows.order import Lane
from flows.perform_due import perform_due
from flows.respond import respond
from flows.route_escalations import route_escalations
from flows.schedule_sessions import schedule_sessions
from flows.send_follow_ups import send_follow_ups

FLOWS: Mapping[Lane, Flow[Any, Any]] = {
    Lane.RESPOND: respond,
    Lane.ACTIVATE_TEAM: activate_team,
    Lane.SCHEDULE_SESSIONS: schedule_sessions,
    Lane.SEND_FOLLOW_UPS: send_follow_ups,
    Lane.ROUTE_ESCALATIONS: route_escalations,
    Lane.NIGHTLY: nightly,
    Lane.DELIVER: deliver,
    Lane.PERFORM_DUE: perform_due,
}
