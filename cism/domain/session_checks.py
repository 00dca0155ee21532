"""What the group formats of a protocol must not contradict: the catalogue, and the order of things.

Windows, sizes, teams and leaders are the catalogue's (`interventions`): an agency may narrow them, never
widen them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import time, timedelta
from itertools import pairwise
from typing import Final

from cism.domain.incident_types import INCIDENT_TYPES
from cism.domain.interventions import GROUP_FORMATS, Element, TeamRule
from cism.domain.protocol_model import SessionRule
from cism.domain.suggestions import nearest_hint
from cism.domain.yaml_lines import Problem

OPEN_FROM: Final = time(8, 0)  # the floor of quiet hours; nobody's own sleep window opens it wider
OPEN_UNTIL: Final = time(21, 0)
_NOTHING: Final = timedelta(0)


def check_sessions(sessions: Mapping[str, SessionRule]) -> Iterator[Problem]:
    """Every group format keeps its window, its size, its team, and a clinician's word where it needs one."""
    for name, rule in sessions.items():
        element = GROUP_FORMATS.get(name)
        if element is None:
            hint = nearest_hint(name, GROUP_FORMATS)
            yield Problem((name,), f"there is no such group format. {hint}")
        yield from (Problem((name, *p.loc), p.text, p.line) for p in _session(name, rule, element))


def _session(name: str, rule: SessionRule, element: Element | None) -> Iterator[Problem]:
    for check in (_session_types, _session_window, _session_again, _session_details):
        yield from check(rule)
    if element is not None:
        yield from _session_lead(name, rule, element)
        yield from _session_bounds(name, rule, element)
        yield from _session_size(rule, element)
        yield from _session_team(name, rule.team, element)


def _session_types(rule: SessionRule) -> Iterator[Problem]:
    for code in sorted(rule.blocked_for_types - INCIDENT_TYPES.keys()):
        hint = nearest_hint(code, INCIDENT_TYPES)
        yield Problem(("blocked_for_types",), f"there is no incident type {code!r}. {hint}")


def _session_lead(name: str, rule: SessionRule, element: Element) -> Iterator[Problem]:
    if element.approval == "clinician" and rule.approval != "clinician":
        said = "a debriefing" if name == "cisd" else f"a {name}"
        yield Problem(
            ("approval",), f"{said} is only ever proposed, a clinician approves it; write clinician"
        )
    if rule.lead is not None and rule.lead not in element.lead:
        yield Problem(("lead",), f"a {name} is led by {' or '.join(element.lead)}; write one of them")
    if rule.anchor is not None and rule.anchor not in element.anchors:
        yield Problem(
            ("anchor",), f"a {name} counts from {' or '.join(element.anchors)}; write one of them, or nothing"
        )


def _session_window(rule: SessionRule) -> Iterator[Problem]:
    if not rule.earliest < rule.ideal:
        yield Problem(("ideal",), "the ideal stretch ends before it begins; write more than earliest")
    if not rule.ideal <= rule.latest:
        yield Problem(("latest",), "the window closes inside the ideal stretch; write ideal or more")
    if rule.as_disaster and rule.disaster is None:
        yield Problem(("as_disaster",), "it needs a window; write disaster, e.g. [21d, 28d]")
    if not rule.after_funeral[0] < rule.after_funeral[1]:
        yield Problem(("after_funeral",), "it closes before it opens; write e.g. [3d, 7d]")
    if rule.approval == "clinician" and not rule.propose_at + rule.approve_within < rule.latest:
        yield Problem(("approve_within",), "the answer would come after the window closed; write less")


def _session_again(rule: SessionRule) -> Iterator[Problem]:
    for index, (before, after) in enumerate(pairwise((_NOTHING, *rule.again_after))):
        if not before < after:
            yield Problem(("again_after", index), "each time is later than the one before; put them in order")


def _session_bounds(name: str, rule: SessionRule, element: Element) -> Iterator[Problem]:
    if rule.earliest < element.earliest:
        first = _hours(element.earliest)
        yield Problem(("earliest",), f"a {name} is not held that early; write {first} or more")
    if element.latest is not None and rule.latest > element.latest:
        last = _hours(element.latest)
        yield Problem(("latest",), f"a {name} is not held that late; write {last} or less")
    if rule.disaster and not _fits(rule.disaster, rule.latest, element.disaster):
        yield Problem(("disaster",), _disaster_text(element.disaster))
    if rule.again_after and not element.repeatable:
        yield Problem(("again_after",), f"a {name} is held once; take it out")


def _fits(
    window: tuple[timedelta, timedelta], after: timedelta, bounds: tuple[timedelta, timedelta] | None
) -> bool:
    return bounds is not None and max(after, bounds[0]) <= window[0] < window[1] <= bounds[1]


def _disaster_text(bounds: tuple[timedelta, timedelta] | None) -> str:
    if bounds is None:
        return "it knows no later window for catastrophes; take it out"
    first, last = (span // timedelta(days=1) for span in bounds)
    return f"it must lie after latest, the smaller first; write e.g. [{first}d, {last}d]"


def _session_size(rule: SessionRule, element: Element) -> Iterator[Problem]:
    least, most = element.group.size if element.group is not None else rule.size
    if not least <= rule.size[0] <= rule.size[1] <= most:
        said = f"a group has {least} to {most} people, the smaller first; write [{least}, {most}]"
        yield Problem(("size",), said)


def _session_team(name: str, team: TeamRule | None, element: Element) -> Iterator[Problem]:
    least = element.team
    if team is None or least is None:
        return
    if team.least < least.least:
        yield Problem(("team", "least"), f"a {name} has {least.least} helpers at least; write that or more")
    if least.one_for is not None and (team.one_for is None or team.one_for > least.one_for):
        yield Problem(("team", "one_for"), f"one helper for {least.one_for} at most; write that or less")
    if least.extra_for is not None and (team.extra_for is None or team.extra_for > least.extra_for):
        yield Problem(("team", "extra_for"), f"one more for each {least.extra_for}; write that or less")
    if team.clinicians < least.clinicians:
        yield Problem(("team", "clinicians"), f"{least.clinicians} of them at least; write that or more")


def _session_details(rule: SessionRule) -> Iterator[Problem]:
    if rule.invite_before is not None and rule.invite_before < rule.notice:
        yield Problem(("invite_before",), "people would be told too late; write notice or more")
    if rule.duration <= _NOTHING:
        yield Problem(("duration",), "it lasts no time; write e.g. 45m")
    if not OPEN_FROM <= rule.slot_hour < OPEN_UNTIL:
        yield Problem(("slot_hour",), "it lies in quiet hours; write 08:00 to 20:59, e.g. 14:00")


def _hours(span: timedelta) -> str:
    return f"{span // timedelta(hours=1)}h"
