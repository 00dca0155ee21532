"""The words of the board: states, steps, points and reasons as people say them."""

from __future__ import annotations

from typing import Final

from cism.domain.incident import IncidentState
from cism.domain.incident_types import INCIDENT_TYPES
from cism.domain.interventions import GROUP_FORMATS
from cism.domain.ledger import Owner
from cism.domain.plan import StepKind
from cism.domain.sensitive_dates import DateKind
from cism.services.calls_made import Stage
from cism.services.picture import BY_PEER, TO_PUT, Item, Lane, Standing
from cism.services.picture import UNREPORTED as NOT_REPORTED
from cism.store.states import SessionState
from cism.web.pages import offer_sections
from cism.web.words import Said, _

STATES: Final = {
    IncidentState.OPEN: _("open"),
    IncidentState.STOOD_DOWN: _("stood down"),
    IncidentState.CLOSED: _("closed"),
    IncidentState.HISTORY: _("history"),
}
MEETINGS: Final = {
    SessionState.BLOCKED: _("may not be held; one-to-one instead"),
    SessionState.PROPOSED: _("a clinician is asked"),
    SessionState.APPROVED: _("approved"),
    SessionState.REFUSED: _("refused by the clinician; one-to-one instead"),
    SessionState.HELD: _("held"),
    SessionState.CANCELLED: _("called off"),
    SessionState.LAPSED: _("nobody decided in time; one-to-one instead"),
}
OWNERS: Final = {
    Owner.ENGINE: _("by itself"),
    Owner.PEER: _("their peer"),
    Owner.HELPER: _("the helper who took it"),
    Owner.LADDER: _("whoever is asked next"),
    Owner.COORDINATOR: _("yours to see to"),
    Owner.LEADER: _("the leader, or the clinician who decides"),
}
STEPS: Final = {
    StepKind.ACTIVATE: _("the next helpers are asked"),
    StepKind.PLAN_RESPONSE: _("the response is laid out"),
    StepKind.PROPOSE_SESSION: _("a meeting is put to a clinician"),
    StepKind.APPROVAL_DEADLINE: _("a clinician decides on a meeting"),
    StepKind.INVITE: _("invitations to a meeting"),
    StepKind.SESSION_REMINDER: _("the team is told again where and when"),
    StepKind.SESSION_REPORT: _("the leader says how many came"),
    StepKind.SESSION_FOLLOW_UP: _("a call after a meeting"),
    StepKind.ASK_EXPOSURE_END: _("you are asked when it ended"),
    StepKind.CONTACT: _("a check-in"),
    StepKind.CONTACT_REMINDER: _("the reminder of a check-in"),
    StepKind.CONTACT_CLOSE: _("the wait for an answer ends"),
    StepKind.PEER_TASK: _("a peer is asked to call"),
    StepKind.PEER_TASK_DEADLINE: _("a peer reports a call"),
    StepKind.LAST_CALL: _("a last call by voice"),
    StepKind.SENSITIVE_DATE: _("a call before a day that matters"),
    StepKind.OPT_IN: _("the question whether to keep in touch"),
    StepKind.ESCALATE: _("somebody is called to help"),
    StepKind.ESCALATION_OVERDUE: _("the outcome of a call for help"),
    StepKind.QUEUE_OVERDUE: _("something waits in the queue"),
}
LANES: Final = {
    Lane.TEAM: _("Team"),
    Lane.CHECK_INS: _("Check-ins"),
    Lane.CALLS: _("Calls by peers"),
    Lane.MEETINGS: _("Meetings"),
    Lane.OFFERS: _("Offers"),
}
UNREPORTED: Final = _("it is over, and its leader has not said yet how many came")
_CHECK_INS: Final = {
    Standing.DONE: _("sent"),
    Standing.PLANNED: _("to come"),
    Standing.LATE: _("late, not sent yet"),
    Standing.MISSED: _("not sent in time"),
}
_CALLS: Final = {
    Stage.TO_COME: _("to come"),
    Stage.BEHIND: _("late, no peer has been asked yet"),
    Stage.ASKED: _("asked, not reported yet"),
    Stage.LATE: _("asked, not reported"),
    Stage.REPORTED: _("reported"),
    Stage.IN_CHARGE: _("without a peer, in your queue"),
    Stage.SEEN_TO: _("seen to from your queue"),
    Stage.PASSED: _("nobody could be asked in time"),
}
_OFFERS: Final = {
    Standing.DONE: _("made"),
    Standing.PLANNED: _("to come"),
    Standing.LATE: _("late, not made yet"),
    Standing.OFF: _("not needed, or not possible here"),
}
_TEAM: Final = {
    "logged": _("logged"),
    "taken_over": _("taken over"),
    "joined": _("a helper joined"),
    "ended": _("ended"),
}
_POINTS: Final = {
    "f0": _("first call"),
    "fA": _("anniversary"),
    "date": _("before a day that matters"),
}
REASONS: Final = {
    "false_alarm": _("It was a false alarm"),
    "duplicate": _("It was logged twice"),
    "by_mistake": _("It was entered by mistake"),
    "facts_changed": _("More is known now"),
    "clinician_asks": _("A clinician asks for it"),
    "team_asks": _("The team on the ground asks for it"),
}
ASKING: Final = {
    "knows_them": _("They know the people, or the work"),
    "speaks": _("They speak the language"),
    "nearer": _("They are nearer"),
    "said_yes": _("They have said on the phone that they can"),
    "team_asks": _("The team on the ground asks for it"),
}
"""Why this helper and not the next in turn."""
DATES: Final = {
    DateKind.BIRTHDAY: _("birthday"),
    DateKind.MEMORIAL: _("memorial"),
    DateKind.FUNERAL: _("funeral"),
    DateKind.TRIAL: _("day in court"),
    DateKind.ANNIVERSARY: _("anniversary"),
}


def kind_of(code: str) -> Said:
    """A kind of incident; one that nobody translated stays as it is."""
    found = INCIDENT_TYPES.get(code)
    return Said(found.label if found else code)


def meeting(kind: str) -> Said:
    """A kind of group meeting."""
    return Said(GROUP_FORMATS[kind].title if kind in GROUP_FORMATS else kind.replace("_", " "))


def step(kind: StepKind) -> Said:
    """What a step does."""
    return STEPS.get(kind, _("something that is planned"))


def item(found: Item) -> Said:
    """One thing of the picture, by its lane's words."""
    if found.lane is Lane.TEAM:
        return _TEAM[found.name]
    if found.lane is Lane.MEETINGS:
        return meeting(found.name)
    if found.lane is Lane.OFFERS:
        return Said(offer_sections.words(found.name))
    return point(found.name)


def standing(found: Item) -> Said:
    """How one thing of the picture stands, by its lane's words."""
    if found.lane is Lane.CALLS:
        return _CALLS[Stage(found.how)]
    if found.lane is Lane.MEETINGS:
        return _meeting_stands(found)
    if found.lane is Lane.OFFERS:
        return _OFFERS[found.standing]
    return _("handed to a peer, who calls") if found.how == BY_PEER else _CHECK_INS[found.standing]


def waits_for_report(found: Item) -> bool:
    """Whether somebody was asked and was to have said by now how it went."""
    return found.how == Stage.LATE


def _meeting_stands(found: Item) -> Said:
    if found.how == NOT_REPORTED:
        return UNREPORTED
    return _("not put to a clinician yet") if found.how == TO_PUT else MEETINGS[SessionState(found.how)]


def point(name: str) -> Said:
    """A point of the plan: the day that it is for."""
    if name in _POINTS:
        return _POINTS[name]
    if name.startswith("f") and name[1:].isdecimal():
        return _("day %(number)s", number=name[1:])
    return _("another call")
