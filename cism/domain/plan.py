"""What will happen: steps. A step is a row with a due time; taking it and its effect are one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType


class FlowName(StrEnum):
    """The flows that perform steps; they read like the practice in Prefect's pages."""

    RESPOND = "respond"
    ACTIVATE_TEAM = "activate-team"
    SCHEDULE_SESSIONS = "schedule-sessions"
    SEND_FOLLOW_UPS = "send-follow-ups"
    ROUTE_ESCALATIONS = "route-escalations"
    NIGHTLY = "nightly"


class StepKind(StrEnum):
    """Everything that can become due."""

    ACTIVATE = "activate"  # ask the next peers
    PLAN_RESPONSE = "plan_response"  # lay out sessions and contacts of an incident
    PROPOSE_SESSION = "propose_session"  # put a defusing on, or ask the clinician about a debriefing
    APPROVAL_DEADLINE = "approval_deadline"  # nobody answered the proposal
    INVITE = "invite"  # one invitation to one person
    SESSION_REMINDER = "session_reminder"  # tell the team again where and when
    SESSION_REPORT = "session_report"  # ask the leader for held and headcount
    SESSION_FOLLOW_UP = "session_follow_up"  # the call within a day of a group session
    ASK_EXPOSURE_END = "ask_exposure_end"  # somebody is still exposed: ask the coordinator
    MHP_REMINDER = "mhp_reminder"  # remind the coordinator of the individual session
    OFFER = "offer"  # remind whoever makes an offer, or ask the next helper to do it
    OFFER_DEADLINE = "offer_deadline"  # not made, not taken or not reported in time
    CONTACT = "contact"  # one contact point of one person
    CONTACT_REMINDER = "contact_reminder"  # the one reminder
    CONTACT_CLOSE = "contact_close"  # silence: not reached, the next point stays
    PEER_TASK = "peer_task"  # a call that a peer makes
    PEER_TASK_DEADLINE = "peer_task_deadline"  # the call was not reported
    LAST_CALL = "last_call"  # a meeting ended with its incident: whoever was invited hears it by voice
    SENSITIVE_DATE = "sensitive_date"  # a day that matters comes: a peer calls
    TELL_MISSED = "tell_missed"  # what missed its moment: one text to whoever reads the queue
    OPT_IN = "opt_in"  # keep in touch after the last point?
    CONFIRM_PHONE = "confirm_phone"  # ask for confirmation of a number
    CLOSE_INCIDENT = "close_incident"  # at a time that depends on nobody's answers
    ESCALATE = "escalate"  # ask the next rung
    ESCALATION_OVERDUE = "escalation_overdue"  # taken, but no outcome in time
    QUEUE_OVERDUE = "queue_overdue"  # a text that no human has read in time
    PAGE_UNDELIVERED = "page_undelivered"  # a page that did not arrive counts as not asked
    STEP_BACK = "step_back"  # a helper was affected by another event: somebody else takes over
    WHILE_AWAY = "while_away"  # whoever is away was asked something: the next is asked
    SWAP_OVER = "swap_over"  # a turn on call begins, and the colleague has not answered
    CALL = "call"  # a page that did not arrive, or was not answered in time, is called
    FORGET = "forget"  # words and invitations whose hours are over between two nights
    NIGHTLY = "nightly"  # retention, and the attestation that nobody is forgotten


_FLOWS: Mapping[FlowName, tuple[StepKind, ...]] = {
    FlowName.ACTIVATE_TEAM: (
        StepKind.ACTIVATE,
        StepKind.PLAN_RESPONSE,
        StepKind.PAGE_UNDELIVERED,
        StepKind.STEP_BACK,
        StepKind.WHILE_AWAY,
        StepKind.SWAP_OVER,
    ),
    FlowName.SCHEDULE_SESSIONS: (
        StepKind.PROPOSE_SESSION,
        StepKind.APPROVAL_DEADLINE,
        StepKind.INVITE,
        StepKind.SESSION_REMINDER,
        StepKind.SESSION_REPORT,
        StepKind.SESSION_FOLLOW_UP,
        StepKind.ASK_EXPOSURE_END,
        StepKind.MHP_REMINDER,
        StepKind.OFFER,
        StepKind.OFFER_DEADLINE,
    ),
    FlowName.SEND_FOLLOW_UPS: (
        StepKind.CONTACT,
        StepKind.CONTACT_REMINDER,
        StepKind.CONTACT_CLOSE,
        StepKind.PEER_TASK,
        StepKind.PEER_TASK_DEADLINE,
        StepKind.LAST_CALL,
        StepKind.SENSITIVE_DATE,
        StepKind.TELL_MISSED,
        StepKind.OPT_IN,
        StepKind.CONFIRM_PHONE,
        StepKind.CLOSE_INCIDENT,
    ),
    FlowName.ROUTE_ESCALATIONS: (
        StepKind.ESCALATE,
        StepKind.ESCALATION_OVERDUE,
        StepKind.QUEUE_OVERDUE,
        StepKind.CALL,
    ),
    FlowName.NIGHTLY: (StepKind.NIGHTLY, StepKind.FORGET),
}

KINDS_OF: Mapping[FlowName, tuple[StepKind, ...]] = MappingProxyType(dict(_FLOWS))
FLOW_OF: Mapping[StepKind, FlowName] = MappingProxyType(
    {kind: flow for flow, kinds in _FLOWS.items() for kind in kinds}
)
URGENT: frozenset[StepKind] = frozenset(
    {
        StepKind.ACTIVATE,
        StepKind.PLAN_RESPONSE,
        StepKind.ESCALATE,
        StepKind.ESCALATION_OVERDUE,
        StepKind.QUEUE_OVERDUE,
        StepKind.PAGE_UNDELIVERED,
        StepKind.STEP_BACK,
        StepKind.WHILE_AWAY,
        StepKind.CALL,
    }
)
# What goes on when its incident is stood down or closed: people who asked for help, words that nobody has
# read, and the calls that the end itself brought.
OUTLIVES: frozenset[StepKind] = frozenset(
    {
        StepKind.ESCALATE,
        StepKind.ESCALATION_OVERDUE,
        StepKind.QUEUE_OVERDUE,
        StepKind.LAST_CALL,
        StepKind.PEER_TASK_DEADLINE,
        StepKind.TELL_MISSED,
        StepKind.WHILE_AWAY,
    }
)
RECURRING: frozenset[StepKind] = frozenset({StepKind.NIGHTLY, StepKind.FORGET})


class StepState(StrEnum):
    """Where a step stands."""

    PLANNED = "planned"  # will happen at its due time
    DONE = "done"  # has happened, with its whole effect
    CANCELLED = "cancelled"  # will not happen; the outcome says why
    EXPIRED = "expired"  # its moment passed while nothing could run


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStep:
    """One future act. `key` makes planning twice add nothing; `expires_at` None never expires."""

    kind: StepKind
    due_at: datetime
    key: str
    expires_at: datetime | None = None
    incident_id: str | None = None
    person_id: str | None = None
    subject_id: str | None = None
    payload: Mapping[str, str | int] = field(default_factory=dict)
