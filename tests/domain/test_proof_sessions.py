"""The hour of a group in the arithmetic of classes, held against the real planning of groups."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cism.domain.people import SleepWindow
from cism.domain.proof import facts_of, problems_with
from cism.domain.proof_classes import class_of
from cism.domain.proof_sessions import SLEEPERS
from cism.domain.proof_slots import Sleeper, next_slot, proposed_slot, windows
from cism.domain.protocol import Protocol, SessionRule, load_protocol
from cism.domain.sessions import CISD, DEFUSING, ONE_ON_ONE, Blocked, SessionPlan, plan_sessions
from tests.domain.proof_world import HOUR, SECOND, ends, happened, sleeps, somebody

SFA = load_protocol("sfa-follow-up")
MINUTE = timedelta(minutes=1)


@st.composite
def rules(draw: st.DrawFn, kind: str) -> SessionRule:
    """A format with other hours than the shipped ones."""
    changed = {
        "notice": draw(st.integers(0, 300)) * MINUTE,
        "duration": draw(st.sampled_from((1, 15, 44, 45, 120, 180))) * MINUTE,
        "slot_hour": time(draw(st.integers(8, 20)), draw(st.sampled_from((0, 15, 30)))),
        "latest": SFA.sessions[kind].ideal + draw(st.integers(0, 4)) * HOUR,
        "propose_at": draw(st.integers(0, 3)) * HOUR,
    }
    return SFA.sessions[kind].model_copy(update=changed)


def planned(
    protocol: Protocol, kind: str, end: datetime, zone: str, sleep: SleepWindow, type_: str = "CHILD"
) -> SessionPlan:
    """What the real planning says of three people who sleep alike."""
    incident = happened(end, type_=type_, people=3)
    people = {f"p{number}": somebody(zone, sleep, number) for number in (1, 2, 3)}
    found = [plan for plan in plan_sessions(incident, people, protocol, end) if plan.kind == kind]
    assert len(found) == 1
    return found[0]


def agrees(kind: str, rule: SessionRule, end: datetime, zone: str, sleep: SleepWindow) -> None:
    plan = planned(SFA.model_copy(update={"sessions": {kind: rule}}), kind, end, zone, sleep)
    who = Sleeper(sleep, class_of(end, zone, sleep))
    find = proposed_slot if kind == CISD else next_slot
    found = find(rule, who, windows(rule)["latest"])
    if found is None:
        assert (plan.blocked, plan.alternative) == (Blocked.NO_COMMON_HOUR, ONE_ON_ONE)
    else:
        assert plan.starts_at == end + (found - who.start.second) * SECOND


@given(ends(), sleeps, rules(DEFUSING))
@settings(max_examples=300, deadline=None)
def test_the_class_of_a_group_of_the_same_day_agrees_with_the_real_plan(
    end: tuple[str, datetime], sleep: SleepWindow, rule: SessionRule
) -> None:
    agrees(DEFUSING, rule, end[1], end[0], sleep)


@given(ends(), sleeps, rules(CISD))
@settings(max_examples=200, deadline=None)
def test_the_class_of_a_group_of_a_later_day_agrees_with_the_real_plan(
    end: tuple[str, datetime], sleep: SleepWindow, rule: SessionRule
) -> None:
    agrees(CISD, rule, end[1], end[0], sleep)


@given(ends(), st.sampled_from(sorted(SLEEPERS)), rules(CISD))
@settings(max_examples=40, deadline=None)
def test_a_debriefing_that_is_proved_has_an_hour_for_every_real_group(
    end: tuple[str, datetime], sleeps_when: str, rule: SessionRule
) -> None:
    protocol = SFA.model_copy(update={"sessions": {CISD: rule.model_copy(update={"disaster": None})}})
    sleep = SLEEPERS[sleeps_when]
    if not problems_with(protocol):
        assert planned(protocol, CISD, end[1], end[0], sleep).starts_at is not None


@pytest.mark.parametrize(
    "changed",
    [
        {"duration": 6 * HOUR},  # longer than the evening of those who sleep by day
        {"slot_hour": time(20), "duration": 2 * HOUR},  # beyond the last open minute
        {"latest": 30 * HOUR, "duration": HOUR},  # six hours, which may all be night
        {"latest": 47 * HOUR + 59 * MINUTE, "duration": HOUR},
    ],
    ids=str,
)
def test_a_debriefing_that_is_refused_lacks_an_hour_for_some_real_group(changed: dict[str, Any]) -> None:
    rule = SFA.sessions[CISD].model_copy(update=changed)
    protocol = SFA.model_copy(update={"sessions": {CISD: rule.model_copy(update={"disaster": None})}})
    told = [problem.text for problem in problems_with(protocol) if problem.loc[-1] == "latest"]
    assert told
    sleep = next(sleep for name, sleep in SLEEPERS.items() if f"sleeps {name} " in told[0])
    days = [
        ("UTC", datetime(2026, 6, 10, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 11, 1, 4, tzinfo=UTC)),
    ]
    starts = [(zone, day + minute * 5 * MINUTE + SECOND) for zone, day in days for minute in range(288)]
    assert any(planned(protocol, CISD, end, zone, sleep).blocked for zone, end in starts)


def test_a_proof_tells_how_often_a_group_is_there_in_time() -> None:
    found = {(reach.kind, reach.sleeps): reach.minutes for reach in facts_of(SFA).groups}
    # whoever left between 19:30 and 20:00 would have to stay up beyond 21:00 or come after twelve hours
    assert found[DEFUSING, "at night"] == 1440 - 30
    assert {minutes for key, minutes in found.items() if key != (DEFUSING, "at night")} == {1440}
