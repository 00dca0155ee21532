"""The classes of a proof against real dates and zones: both must always agree, to the second."""

from __future__ import annotations

from datetime import UTC, datetime, time
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cism.domain.followup import plan_contacts
from cism.domain.people import SleepWindow
from cism.domain.proof_classes import Start, class_of, due, in_window, least_open
from cism.domain.proof_contacts import Missed, bounds, closed_stretches, longest_closed, missed
from cism.domain.proof_days import CHANGES, at_night, changes, unlike
from cism.domain.protocol import ContactRule, load_protocol
from cism.domain.quiet_hours import is_open, last_open, next_open, open_hours_per_day, open_stretches
from tests.domain.proof_world import (
    DAY,
    FIRST,
    HOUR,
    LAST,
    SECOND,
    changing,
    dated_rules,
    elapsed_rules,
    ends,
    happened,
    moving,
    sleeps,
    somebody,
    zones,
)

SFA = load_protocol("sfa-follow-up")
TROLL, HELSINKI, NEW_YORK = "Antarctica/Troll", "Europe/Helsinki", "America/New_York"
HALF_A_DAY = SleepWindow(time(10), time(8))


def planned(rule: ContactRule, end: datetime, zone: str, sleep: SleepWindow) -> datetime:
    """What the real planning says of this rule alone."""
    protocol = SFA.model_copy(update={"contacts": (rule,)})
    incident = happened(end)
    found = plan_contacts(incident, incident.affected[0], somebody(zone, sleep), protocol, end)
    return found[0].due_at


def kept(rule: ContactRule, end: datetime, zone: str, due_at: datetime) -> bool:
    """Whether a real moment lies in the rule's window, in the plainest words."""
    assert rule.window is not None
    first, last = rule.window
    if rule.kind == "elapsed":
        return end + first <= due_at <= end + last
    day = end.astimezone(ZoneInfo(zone)).date()
    return day + first <= due_at.astimezone(ZoneInfo(zone)).date() <= day + last


# What the classes rest on: what zones do to their clocks.


def test_no_zone_of_the_world_does_anything_to_its_clocks_that_no_class_stands_for() -> None:
    assert len(zones()) > 400
    assert [text for zone in zones() for text in unlike(zone, FIRST, LAST)] == []


def test_every_change_of_the_clocks_that_a_class_stands_for_is_some_zones() -> None:
    found = {
        (int((at + before - midnight(at + before)) / SECOND), int((after - before) / SECOND))
        for zone in moving()
        for at, before, after in changes(zone, FIRST, FIRST + 4 * 365 * DAY)
    }
    assert found == {(change.wall, change.by) for change in CHANGES}


def midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def test_the_clocks_change_at_night_and_never_twice_in_a_fortnight() -> None:
    assert all(at_night(change) for change in CHANGES)
    for zone in moving():
        moments = [at for at, _, _ in changes(zone, FIRST, LAST)]
        assert all(later - earlier > 14 * DAY for earlier, later in pairwise(moments))


def test_a_change_that_no_class_stands_for_is_told() -> None:
    dateline = unlike("Pacific/Apia", datetime(2011, 12, 1, tzinfo=UTC), datetime(2012, 1, 31, tzinfo=UTC))
    assert dateline == ["Pacific/Apia moves its clocks by 1 day, 0:00:00 at 2011-12-30 00:00"]


# One class is one person and date.


@given(ends(), sleeps, st.integers(0, 6 * 86_400), st.integers(0, 2 * 86_400))
@settings(max_examples=300, deadline=None)
def test_a_class_opens_and_closes_as_the_real_day_does(
    end: tuple[str, datetime], sleep: SleepWindow, later: int, before: int
) -> None:
    zone, at = end
    start = class_of(at, zone, sleep)
    there = at + later * SECOND
    before = min(before, later)  # a class says nothing of the time before its start
    assert start.second + (next_open(there, zone, sleep) - at) / SECOND == start.next_open(
        start.second + later
    )
    assert start.is_open(start.second + later) == is_open(there, zone, sleep)
    found = last_open(there - before * SECOND, there, zone, sleep)
    expected = None if found is None else start.second + (found - at) / SECOND
    assert start.last_open(start.second + later - before, start.second + later) == expected


@given(ends(), sleeps, elapsed_rules())
@settings(max_examples=400, deadline=None)
def test_the_class_of_a_text_that_counts_hours_agrees_with_the_real_plan(
    end: tuple[str, datetime], sleep: SleepWindow, rule: ContactRule
) -> None:
    zone, at = end
    start = class_of(at, zone, sleep)
    real = planned(rule, at, zone, sleep)
    found = due(rule, start)
    assert found - start.second == (real - at) / SECOND
    assert in_window(rule, start, found) == kept(rule, at, zone, real)


@given(ends(), sleeps, dated_rules())
@settings(max_examples=300, deadline=None)
def test_the_class_of_a_text_that_counts_days_agrees_with_the_real_plan(
    end: tuple[str, datetime], sleep: SleepWindow, rule: ContactRule
) -> None:
    zone, at = end
    start = class_of(at, zone, sleep)
    real = planned(rule, at, zone, sleep)
    local, left = real.astimezone(ZoneInfo(zone)), at.astimezone(ZoneInfo(zone))
    day, second = start.wall(due(rule, start))
    assert (day, second) == ((local.date() - left.date()).days, (local.hour * 60 + local.minute) * 60)
    assert in_window(rule, start, due(rule, start)) == kept(rule, at, zone, real)


# The few sleep windows stand for all.


@given(sleeps)
@settings(max_examples=300, deadline=None)
def test_every_sleep_window_leaves_at_least_the_open_minutes_of_one_of_the_least(sleep: SleepWindow) -> None:
    minutes = {minute for low, high in open_stretches(sleep) for minute in range(low, high)}
    assert any(
        minutes >= {minute for low, high in open_stretches(least) for minute in range(low, high)}
        for least in least_open()
    )


def test_the_least_leave_two_hours_each_and_are_all_there_are() -> None:
    found = list(least_open())
    assert {open_hours_per_day(sleep) for sleep in found} == {2.0}
    every = [SleepWindow(clock(start), clock(end)) for start in range(480, 1261) for end in range(480, 1261)]
    two = {open_stretches(sleep) for sleep in every if open_hours_per_day_fast(sleep) == 120}
    assert {open_stretches(sleep) for sleep in found} == two
    assert len(found) == len(two)


def clock(minute: int) -> time:
    return time(minute // 60, minute % 60)


def open_hours_per_day_fast(sleep: SleepWindow) -> int:
    return sum(high - low for low, high in open_stretches(sleep))


# The verdict about a rule is that of all starts, sleep windows and nights.


@given(elapsed_rules(), ends(), sleeps)
@settings(max_examples=400, deadline=None)
def test_a_rule_that_is_proved_reaches_everybody_in_its_window(
    rule: ContactRule, end: tuple[str, datetime], sleep: SleepWindow
) -> None:
    assume(missed(rule) is None)
    zone, at = end
    assert kept(rule, at, zone, planned(rule, at, zone, sleep))


@given(st.one_of(elapsed_rules(), dated_rules()), st.sampled_from(("first", "last", "before", "after")))
@settings(max_examples=300, deadline=None)
def test_a_rule_that_is_refused_misses_a_real_person_from_the_first_to_the_last_second_that_is_told(
    rule: ContactRule, which: str
) -> None:
    found = missed(rule)
    assume(found is not None)
    assert found is not None
    second = {"first": found.first, "last": found.last, "before": found.first - 1, "after": found.last + 1}
    zone, at = realised(found, second[which])
    real = planned(rule, at, zone, found.closed.sleep)
    if which in {"first", "last"}:
        assert not kept(rule, at, zone, real)
    elif rule.kind == "elapsed":
        assert kept(rule, at, zone, real)


def realised(found: Missed, second: int) -> tuple[str, datetime]:
    """A real zone and second: so many seconds from the midnight of the day whose night it is about."""
    if not found.closed.by:
        return "UTC", datetime(2026, 6, 10, tzinfo=UTC) + second * SECOND
    for zone in moving():
        for at, before, after in changes(zone, FIRST, LAST):
            if (after - before) / SECOND == found.closed.by:
                local = (at + before).replace(tzinfo=None)
                # the night begins on the evening before a change in the small hours
                evening = local if local.time() >= time(21) else local - DAY
                return zone, at - (local - midnight(evening)) + second * SECOND
    raise AssertionError(found)


@pytest.mark.parametrize("night", sorted({change.by for change in CHANGES}))
def test_a_window_is_as_long_as_the_longest_night_and_not_a_second_shorter(night: int) -> None:
    longest = max(one.length for one in closed_stretches() if one.by == night) // 60
    assert longest == 22 * 60 - night // 60


def test_the_shortest_window_that_reaches_everybody_is_a_day_long() -> None:
    assert longest_closed() == 24 * 3_600  # 22 hours asleep, and two more in a night at Troll
    rule = ContactRule(id="f1", after=24 * HOUR, kind="elapsed", window=(16 * HOUR, 40 * HOUR))
    assert missed(rule) is None
    shorter = missed(rule.model_copy(update={"window": (16 * HOUR + SECOND, 40 * HOUR)}))
    assert shorter is not None
    assert shorter.closed.by == -2 * 3_600
    assert shorter.first == shorter.last


def test_whoever_has_one_minute_left_of_an_open_hour_is_texted_in_it() -> None:
    """Before a night of 24 hours at Troll, where only the rest of a minute lies in the window."""
    before_the_night = changing(TROLL)[1] - 3 * HOUR  # midnight by the old clock
    closing = before_the_night - 14 * HOUR  # open 08:00 to 10:00
    end = closing - 16 * HOUR - 30 * SECOND
    assert planned(SFA.contacts[1], end, TROLL, HALF_A_DAY) == end + 16 * HOUR
    assert planned(SFA.contacts[1], end + 30 * SECOND, TROLL, HALF_A_DAY) == end + 30 * SECOND + 40 * HOUR


def test_what_happens_at_once_has_no_hour_to_wait_for() -> None:
    rule = SFA.contacts[0].model_copy(update={"window": None})
    start = Start(3 * 3_600, ((480, 1260),))
    assert due(rule, start) == 3 * 3_600
    assert in_window(rule, start, due(rule, start))


# Two points never fall together.


@given(st.one_of(elapsed_rules(), dated_rules()), ends(), sleeps)
@settings(max_examples=400, deadline=None)
def test_a_point_that_keeps_its_window_lies_in_its_bounds(
    rule: ContactRule, end: tuple[str, datetime], sleep: SleepWindow
) -> None:
    assume(missed(rule) is None)
    zone, at = end
    first, last = bounds(rule)
    assert first <= (planned(rule, at, zone, sleep) - at) / SECOND <= last
