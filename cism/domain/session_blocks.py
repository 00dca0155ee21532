"""What speaks against a group session. Whatever it is leaves one-to-one support, which needs no window."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from cism.domain.incident import Circle, Severity
from cism.domain.interventions import Contraindication
from cism.domain.people import Discipline
from cism.domain.session_case import DEFUSING, SessionCase
from cism.domain.session_groups import Group, Member
from cism.domain.windows import WindowState, window_state


class Blocked(StrEnum):
    """Why a group is not held; one-to-one support is offered instead."""

    FAMILY_APART = "family_apart"  # families never sit in employees' groups
    GROUP_NOT_ALLOWED = "group_not_allowed"  # a group would do harm after this kind of event
    NOT_FOR_THIS_TYPE = "not_for_this_type"  # the protocol excludes it
    LODD_DAY = "lodd_day"  # after a death in the line of duty its own sequence takes its place
    ROUTINE_SIZE = "routine_size"  # only for large-scale events
    LEGAL_JEOPARDY = "legal_jeopardy"  # statements are pending
    INDIVIDUAL_FIRST = "individual_first"  # an individual session first, then by own wish
    KIN_NOT_TOLD = "kin_not_told"  # not before the next of kin of the dead have been told
    FUNERAL_UNKNOWN = "funeral_unknown"  # after a death the dates hang on the funeral; nothing is guessed
    EXPOSURE_END_UNKNOWN = "exposure_end_unknown"  # still exposed, or nobody knows until when
    INCIDENT_END_UNKNOWN = "incident_end_unknown"  # it is not over yet
    WINDOW_CLOSED = "window_closed"  # the person's own window is over
    TOO_FEW = "too_few"  # not a group
    NO_COMMON_WINDOW = "no_common_window"  # the members' windows do not meet
    NO_COMMON_HOUR = "no_common_hour"  # no hour of the window at which all of them are up


# What speaks against a group whatever the hour: also one that was planned before is then not held.
FORBIDDING: Final = frozenset(
    {
        Blocked.GROUP_NOT_ALLOWED,
        Blocked.NOT_FOR_THIS_TYPE,
        Blocked.LEGAL_JEOPARDY,
        Blocked.INDIVIDUAL_FIRST,
        Blocked.KIN_NOT_TOLD,
        Blocked.FUNERAL_UNKNOWN,
    }
)


def why_no_group(case: SessionCase, group: Group) -> Blocked | None:
    """What speaks against any group of these people, whatever the hour."""
    incident, type_, forbids = case.incident, case.type, case.element.forbids
    first = case.debriefing and type_.jeopardy and group.circle is Circle.A
    large = type_.disaster or incident.severity is Severity.S4
    kin = type_.lodd and not incident.kin_notified
    reasons = (
        (group.circle is Circle.F, Blocked.FAMILY_APART),
        (not type_.group_allowed, Blocked.GROUP_NOT_ALLOWED),
        (type_.code in case.rule.blocked_for_types, Blocked.NOT_FOR_THIS_TYPE),
        (type_.lodd and forbids(Contraindication.LODD), Blocked.LODD_DAY),
        (not large and forbids(Contraindication.ROUTINE_SIZE), Blocked.ROUTINE_SIZE),
        (any(_statement_pending(case, member) for member in group.members), Blocked.LEGAL_JEOPARDY),
        (first, Blocked.INDIVIDUAL_FIRST),
        (kin and forbids(Contraindication.KIN_UNAWARE), Blocked.KIN_NOT_TOLD),
        (case.after_funeral and incident.funeral_at is None, Blocked.FUNERAL_UNKNOWN),
    )
    return next((reason for holds, reason in reasons if holds), None)


def why_not_they(case: SessionCase, member: Member) -> Blocked | None:
    """What keeps one person out: still out there, or their own window is over."""
    if member.affected.exposure_end is None:
        return Blocked.EXPOSURE_END_UNKNOWN
    anchor = case.instant(member.affected)
    if anchor is None:  # an unknown funeral has spoken against the whole group already
        return Blocked.INCIDENT_END_UNKNOWN
    closed = window_state(case.window([anchor]), case.now) is WindowState.CLOSED
    return Blocked.WINDOW_CLOSED if closed else None


def _statement_pending(case: SessionCase, member: Member) -> bool:
    if case.incident.statements_complete:
        return False
    if case.rule.after_statements and member.affected.circle in case.rule.statement_circles:
        return True
    # Dispatchers heard it and have no act of their own to state: they may be offered a defusing at once.
    remote = member.affected.circle is Circle.C and member.person.discipline is Discipline.DISPATCH
    return case.type.jeopardy and not (remote and case.kind == DEFUSING)
