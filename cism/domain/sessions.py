"""Group sessions: which groups could meet, when, and why one may not. Nobody has to come.

A defusing is offered; a debriefing is only ever proposed, and a clinician decides. Whatever speaks against a
group leaves one-to-one support, which needs no window.
Source: domain.md 2 (windows, scheduling rules, 2.6), 10 and 11 items 1, 2 and 19; contract.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from cism.domain.incident import Circle, Incident, IncidentState
from cism.domain.incident_types import INCIDENT_TYPES, IncidentType, Intervention
from cism.domain.people import Discipline, Person
from cism.domain.protocol import Protocol, SessionRule
from cism.domain.session_groups import Group, Member, even_parts, groups_of
from cism.domain.session_slots import next_slot, proposed_slot
from cism.domain.windows import (
    Window,
    WindowState,
    disaster_window,
    funeral_window,
    session_window,
    window_state,
)

DEFUSING: Final = "defusing"
CISD: Final = "cisd"
ONE_ON_ONE: Final = "one_on_one"
# Two at least, and one for every seven participants (MCISD).
_LEAST_TEAM: Final = 2
_PER_HELPER: Final = 7
_MEANT_BY: Final = {DEFUSING: Intervention.DEFUSING, CISD: Intervention.DEBRIEFING}


class Blocked(StrEnum):
    """Why a group is not held; one-to-one support is offered instead."""

    FAMILY_APART = "family_apart"  # families never sit in employees' groups
    GROUP_NOT_ALLOWED = "group_not_allowed"  # a group would do harm after this kind of event
    NOT_FOR_THIS_TYPE = "not_for_this_type"  # the protocol excludes it
    LEGAL_JEOPARDY = "legal_jeopardy"  # statements are pending
    INDIVIDUAL_FIRST = "individual_first"  # an individual session first, then by own wish
    FUNERAL_UNKNOWN = "funeral_unknown"  # after a death the dates hang on the funeral; nothing is guessed
    EXPOSURE_END_UNKNOWN = "exposure_end_unknown"  # still exposed, or nobody knows until when
    WINDOW_CLOSED = "window_closed"  # the person's own window is over
    TOO_FEW = "too_few"  # not a group
    NO_COMMON_WINDOW = "no_common_window"  # the members' windows do not meet
    NO_COMMON_HOUR = "no_common_hour"  # no hour of the window at which all of them are up


FUNERAL_MOVED: Final = "funeral_moved"
# What speaks against a group whatever the hour: also one that was planned before is then not held.
_FORBIDDING: Final = frozenset(
    {
        Blocked.GROUP_NOT_ALLOWED,
        Blocked.NOT_FOR_THIS_TYPE,
        Blocked.LEGAL_JEOPARDY,
        Blocked.INDIVIDUAL_FIRST,
        Blocked.FUNERAL_UNKNOWN,
    }
)
OFF: Final = frozenset({FUNERAL_MOVED, *(reason.value for reason in _FORBIDDING)})


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPlan:
    """One group session that could be held, or the reason why not.

    `starts_at` (UTC) is set exactly when `blocked` is not. `team_size` counts the helpers, for a debriefing
    one clinician among them; 0 when blocked. `window` is None when no window was asked for.
    """

    kind: str
    group: str
    members: tuple[str, ...]
    window: Window | None
    starts_at: datetime | None
    blocked: Blocked | None
    alternative: str | None
    team_size: int
    needs_approval: bool


@dataclass(frozen=True, slots=True)
class _Case:
    """What one kind of session of one incident is judged by."""

    incident: Incident
    type: IncidentType
    kind: str
    rule: SessionRule
    now: datetime

    @property
    def debriefing(self) -> bool:
        return self.kind == CISD


def plan_sessions(
    incident: Incident,
    people: Mapping[str, Person],
    protocol: Protocol,
    now: datetime,
    *,
    types: Mapping[str, IncidentType] = INCIDENT_TYPES,
) -> list[SessionPlan]:
    """Every defusing to offer and debriefing to propose, group by group, blocked ones with their reason.

    `people` holds at least the affected ones. Empty for kinds of incident that no group format is meant
    for, and when the incident is not open.
    """
    type_ = types.get(incident.type)
    if type_ is None or incident.state is not IncidentState.OPEN:
        return []
    groups = groups_of(incident, people)
    plans: list[SessionPlan] = []
    for kind, intervention in _MEANT_BY.items():
        rule = protocol.sessions.get(kind)
        meant = intervention in type_.interventions or not type_.group_allowed
        if rule is not None and meant:
            case = _Case(incident, type_, kind, rule, now)
            plans += [plan for group in groups for plan in _plans(case, group)]
    return plans


def why_off(
    incident: Incident,
    plan: SessionPlan,
    starts_at: datetime | None,
    *,
    types: Mapping[str, IncidentType] = INCIDENT_TYPES,
) -> str | None:
    """Why a session of the same group, planned before for `starts_at`, is not held after all; None: it is.

    `plan` is what would be planned now. Somebody may be charged after the statements were complete, and a
    funeral may be moved; the hours of people who were added later do not take away what was promised.
    """
    if plan.blocked in _FORBIDDING:
        return str(plan.blocked)
    type_ = types.get(incident.type)
    funeral = incident.funeral_at if type_ is not None and type_.lodd and plan.kind == CISD else None
    if funeral is None or starts_at is None:
        return None
    window = funeral_window(funeral)
    return None if window.earliest <= starts_at <= window.latest else FUNERAL_MOVED


def team_size(participants: int) -> int:
    """How many helpers a session of so many participants needs."""
    return max(_LEAST_TEAM, math.ceil(participants / _PER_HELPER))


def _plans(case: _Case, group: Group) -> Iterator[SessionPlan]:
    reason = _why_not(case, group)
    if reason is not None:
        yield _plan(case, group, blocked=reason)
        return
    sorted_out: dict[Blocked | None, list[Member]] = {}
    for member in group.members:
        sorted_out.setdefault(_why_not_they(case, member), []).append(member)
    able = Group(group.key, tuple(sorted_out.pop(None, ())))
    # One member who is still out there, or left long ago, does not take it from the others.
    for why, members in sorted_out.items():
        yield _plan(case, Group(f"{group.key}/{why}", tuple(members)), blocked=why)
    for part in even_parts(able, case.rule.size[1]):
        yield _timed(case, part)


def _why_not(case: _Case, group: Group) -> Blocked | None:
    """What speaks against any group of these people, whatever the hour."""
    first = case.debriefing and case.type.jeopardy and group.circle is Circle.A
    reasons = (
        (group.circle is Circle.F, Blocked.FAMILY_APART),
        (not case.type.group_allowed, Blocked.GROUP_NOT_ALLOWED),
        (case.type.code in case.rule.blocked_for_types, Blocked.NOT_FOR_THIS_TYPE),
        (_statements_pending(case, group), Blocked.LEGAL_JEOPARDY),
        (first, Blocked.INDIVIDUAL_FIRST),
        (_after_funeral(case) and case.incident.funeral_at is None, Blocked.FUNERAL_UNKNOWN),
    )
    return next((reason for holds, reason in reasons if holds), None)


def _statements_pending(case: _Case, group: Group) -> bool:
    if case.incident.statements_complete:
        return False
    if case.rule.after_statements and group.circle in case.rule.statement_circles:
        return True
    # Dispatchers heard it and have no act of their own to state: they may be offered a defusing at once.
    dispatch = group.circle is Circle.C and group.members[0].person.discipline is Discipline.DISPATCH
    return case.type.jeopardy and not (dispatch and not case.debriefing)


def _why_not_they(case: _Case, member: Member) -> Blocked | None:
    """What keeps one person out, judged by their own end of exposure."""
    if member.affected.exposure_end is None:
        return Blocked.EXPOSURE_END_UNKNOWN
    own = _window(case, [member.affected.exposure_end])
    return Blocked.WINDOW_CLOSED if window_state(own, case.now) is WindowState.CLOSED else None


def _after_funeral(case: _Case) -> bool:
    return case.debriefing and case.type.lodd


def _window(case: _Case, ends: list[datetime]) -> Window:
    if _after_funeral(case) and case.incident.funeral_at is not None:
        return funeral_window(case.incident.funeral_at)
    if case.debriefing and case.type.disaster:
        return disaster_window(case.rule, ends)
    return session_window(case.rule, ends)


def _timed(case: _Case, group: Group) -> SessionPlan:
    window = _window(case, group.ends)
    if len(group.members) < case.rule.size[0]:
        return _plan(case, group, window, blocked=Blocked.TOO_FEW)
    if window.empty:
        return _plan(case, group, window, blocked=Blocked.NO_COMMON_WINDOW)
    find = proposed_slot if case.debriefing else next_slot
    starts_at = find(case.rule, [member.person for member in group.members], window, case.now)
    if starts_at is None:
        return _plan(case, group, window, blocked=Blocked.NO_COMMON_HOUR)
    return _plan(case, group, window, starts_at=starts_at)


def _plan(
    case: _Case,
    group: Group,
    window: Window | None = None,
    *,
    starts_at: datetime | None = None,
    blocked: Blocked | None = None,
) -> SessionPlan:
    return SessionPlan(
        kind=case.kind,
        group=group.key,
        members=tuple(member.person.id for member in group.members),
        window=window,
        starts_at=starts_at,
        blocked=blocked,
        alternative=None if blocked is None else ONE_ON_ONE,
        team_size=0 if blocked else team_size(len(group.members)),
        needs_approval=case.rule.approval == "clinician",
    )
