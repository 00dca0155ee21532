"""Group sessions: which groups could meet, when, and why one may not. Nobody has to come.

A defusing is offered; a debriefing is only ever proposed, and a clinician decides. Which formats there are
is the protocol's to say, within the catalogue of interventions. Whatever speaks against a group leaves
one-to-one support, which needs no window.
Source: domain.md 2 (windows, scheduling rules, 2.6), 10 and 11 items 1, 2 and 19; contract.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from cism.domain.incident import Incident, IncidentState
from cism.domain.incident_types import INCIDENT_TYPES, IncidentType
from cism.domain.interventions import CATALOGUE, TeamRule
from cism.domain.people import Person
from cism.domain.protocol import Protocol
from cism.domain.session_blocks import FORBIDDING, Blocked, why_no_group, why_not_they
from cism.domain.session_case import CISD, DEFUSING, SessionCase, formats_for, split_of, team_of
from cism.domain.session_groups import Group, Member, even_parts, groups_of
from cism.domain.session_slots import next_slot, proposed_slot
from cism.domain.windows import Window

__all__ = [
    "CISD",
    "DEFUSING",
    "FUNERAL_MOVED",
    "OFF",
    "ONE_ON_ONE",
    "Blocked",
    "SessionPlan",
    "plan_sessions",
    "team_size",
    "why_off",
]

ONE_ON_ONE: Final = "one_on_one"
FUNERAL_MOVED: Final = "funeral_moved"
OFF: Final = frozenset({FUNERAL_MOVED, *(reason.value for reason in FORBIDDING)})


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
    after_funeral: tuple[timedelta, timedelta] | None = None  # the funeral sets its dates: so long after


def plan_sessions(
    incident: Incident,
    people: Mapping[str, Person],
    protocol: Protocol,
    now: datetime,
    *,
    types: Mapping[str, IncidentType] = INCIDENT_TYPES,
) -> list[SessionPlan]:
    """Every group to offer and debriefing to propose, group by group, blocked ones with their reason.

    `people` holds at least the affected ones. Empty for kinds of incident that no group format of the
    protocol is meant for, and when the incident is not open.
    """
    type_ = types.get(incident.type)
    if type_ is None or incident.state is not IncidentState.OPEN:
        return []
    plans: list[SessionPlan] = []
    for kind, rule in formats_for(protocol, type_, incident).items():
        groups = groups_of(incident, people, split_of(kind))
        for turn, later in enumerate((timedelta(0), *rule.again_after), start=1):
            case = SessionCase(incident, type_, kind, rule, now, later)
            plans += [plan for group in groups for plan in _plans(case, _of_turn(group, turn))]
    return plans


def why_off(incident: Incident, plan: SessionPlan, starts_at: datetime | None) -> str | None:
    """Why a session of the same group, planned before for `starts_at`, is not held after all; None: it is.

    `plan` is what would be planned now. Somebody may be charged after the statements were complete, and a
    funeral may be moved; the hours of people who were added later do not take away what was promised.
    """
    if plan.blocked in FORBIDDING:
        return str(plan.blocked)
    funeral = incident.funeral_at
    if plan.after_funeral is None or funeral is None or starts_at is None:
        return None
    earliest, latest = plan.after_funeral
    return None if funeral + earliest <= starts_at <= funeral + latest else FUNERAL_MOVED


def team_size(participants: int, team: TeamRule | None = None) -> int:
    """How many helpers so many participants need: a debriefing's ratio, unless `team` says otherwise."""
    return (team or CATALOGUE[CISD].team or TeamRule()).size(participants)


def _of_turn(group: Group, turn: int) -> Group:
    """A group that meets again is planned, held and reported anew."""
    return group if turn == 1 else replace(group, key=f"{group.key}#{turn}")


def _plans(case: SessionCase, group: Group) -> Iterator[SessionPlan]:
    reason = why_no_group(case, group)
    if reason is not None:
        yield _plan(case, group, blocked=reason)
        return
    sorted_out: dict[Blocked | None, list[Member]] = {}
    for member in group.members:
        sorted_out.setdefault(why_not_they(case, member), []).append(member)
    able = Group(group.key, tuple(sorted_out.pop(None, ())))
    # One member who is still out there, or left long ago, does not take it from the others.
    for why, members in sorted_out.items():
        yield _plan(case, Group(f"{group.key}/{why}", tuple(members)), blocked=why)
    for part in even_parts(able, case.rule.size[1]):
        yield _timed(case, part)


def _timed(case: SessionCase, group: Group) -> SessionPlan:
    anchors = [case.instant(member.affected) for member in group.members]
    window = case.window([anchor for anchor in anchors if anchor is not None])
    if len(group.members) < case.rule.size[0]:
        return _plan(case, group, window, blocked=Blocked.TOO_FEW)
    if window.empty:
        return _plan(case, group, window, blocked=Blocked.NO_COMMON_WINDOW)
    find = proposed_slot if case.element.at_hour else next_slot
    starts_at = find(case.rule, [member.person for member in group.members], window, case.now)
    if starts_at is None:
        return _plan(case, group, window, blocked=Blocked.NO_COMMON_HOUR)
    return _plan(case, group, window, starts_at=starts_at)


def _plan(
    case: SessionCase,
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
        team_size=0 if blocked else team_size(len(group.members), team_of(case.kind, case.rule)),
        needs_approval=case.rule.approval == "clinician",
        after_funeral=case.funeral_spans,
    )
