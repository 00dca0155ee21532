"""Which function performs which kind of step. Every kind has exactly one; a test holds that."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session

from cism.domain.plan import StepKind
from cism.services import (
    activation,
    calls,
    contacts,
    escalations,
    meetings,
    missed,
    nightly,
    on_call_swaps,
    opt_ins,
    passing_on,
    queue,
    response,
    retention,
    rungs,
    sensitive_dates,
    session_late,
    sessions,
    stepping_back,
    turns,
    voice,
)
from cism.store.tables import Step

Handler = Callable[[Session, Step, datetime], str | None]


class _Handlers(dict[StepKind, Handler]):
    """The handlers, and what else happens when a step's moment passed while nothing could run."""

    on_expired: dict[StepKind, Handler]


HANDLERS = _Handlers(
    {
        StepKind.ACTIVATE: activation.on_activate,
        StepKind.PAGE_UNDELIVERED: activation.on_page_undelivered,
        StepKind.STEP_BACK: stepping_back.on_step_back,
        StepKind.PLAN_RESPONSE: response.on_plan_response,
        StepKind.WHILE_AWAY: passing_on.on_pass_on,
        StepKind.SWAP_OVER: on_call_swaps.on_over,
        StepKind.ASK_EXPOSURE_END: response.on_ask_exposure_end,
        StepKind.MHP_REMINDER: response.on_mhp_reminder,
        StepKind.OFFER: turns.on_offer,
        StepKind.OFFER_DEADLINE: turns.on_offer_deadline,
        StepKind.CLOSE_INCIDENT: response.on_close_incident,
        StepKind.PROPOSE_SESSION: sessions.on_propose,
        StepKind.APPROVAL_DEADLINE: sessions.on_approval_deadline,
        StepKind.INVITE: meetings.on_invite,
        StepKind.SESSION_REMINDER: meetings.on_reminder,
        StepKind.SESSION_REPORT: meetings.on_report,
        StepKind.SESSION_FOLLOW_UP: meetings.on_follow_up,
        StepKind.CONTACT: contacts.on_contact,
        StepKind.CONTACT_REMINDER: contacts.on_reminder,
        StepKind.CONTACT_CLOSE: contacts.on_close,
        StepKind.PEER_TASK: calls.on_peer_task,
        StepKind.LAST_CALL: calls.on_peer_task,
        StepKind.SENSITIVE_DATE: sensitive_dates.on_date,
        StepKind.PEER_TASK_DEADLINE: calls.on_peer_task_deadline,
        StepKind.TELL_MISSED: missed.on_tell_missed,
        StepKind.OPT_IN: opt_ins.on_opt_in,
        StepKind.CONFIRM_PHONE: contacts.on_confirm_phone,
        StepKind.ESCALATE: rungs.on_escalate,
        StepKind.ESCALATION_OVERDUE: escalations.on_overdue,
        StepKind.QUEUE_OVERDUE: queue.on_overdue,
        StepKind.CALL: voice.on_call,
        StepKind.NIGHTLY: nightly.on_nightly,
        StepKind.FORGET: retention.on_forget,
    }
)
HANDLERS.on_expired = {
    StepKind.CONTACT: contacts.on_contact_expired,
    StepKind.PEER_TASK: calls.on_peer_task_expired,
    StepKind.INVITE: session_late.on_invite_expired,
}
