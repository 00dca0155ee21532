"""Rotations at local wall time, changes to them, and the gaps that are left."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cism.domain.on_call import Change, Gap, Rotation, Turn, at, changed, gaps, holds, turns

NEW_YORK = ZoneInfo("America/New_York")


def rotation(**given_: object) -> Rotation:
    fields: dict[str, object] = {
        "members": ("a", "b", "c"),
        "zone": "America/New_York",
        "first_day": date(2026, 2, 23),  # a Monday
        "handover": time(8),
        "days": 7,
        **given_,
    }
    return Rotation(**fields)  # type: ignore[arg-type]


def day(month: int, number: int, hour: int = 0) -> datetime:
    return datetime(2026, month, number, hour, tzinfo=UTC)


def test_a_turn_begins_at_the_same_wall_time_on_both_sides_of_a_change_of_clocks() -> None:
    found = turns(rotation(), day(3, 1), day(3, 20))
    assert [turn.person for turn in found] == ["a", "b", "c", "a"]
    assert {turn.start.astimezone(NEW_YORK).time() for turn in found} == {time(8)}
    assert found[1].start == day(3, 2, 13)  # eight o'clock in winter
    assert found[2].start == day(3, 9, 12)  # and after the clocks went forward
    lasted = [turn.end - turn.start for turn in found]
    assert lasted == [timedelta(days=7), timedelta(days=7, hours=-1), timedelta(days=7), timedelta(days=7)]


def test_a_wall_time_that_is_leapt_over_or_comes_twice_has_one_instant() -> None:
    daily = rotation(days=1, handover=time(2, 30), first_day=date(2026, 3, 7))
    assert daily.boundary(1) == datetime(2026, 3, 8, 7, 30, tzinfo=UTC)  # 02:30 is leapt over: 03:30
    autumn = rotation(days=1, handover=time(1, 30), first_day=date(2026, 10, 31))
    assert autumn.boundary(1) == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)  # the first 01:30


def test_nobody_is_on_call_before_the_first_handover_or_after_the_end() -> None:
    ended = rotation(ends=day(3, 4))
    assert turns(rotation(), day(2, 1), day(2, 20)) == []
    assert turns(ended, day(2, 1), day(3, 30)) == [
        Turn("a", day(2, 23, 13), day(3, 2, 13)),
        Turn("b", day(3, 2, 13), day(3, 4)),
    ]
    assert turns(ended, day(3, 5), day(3, 30)) == []
    assert turns(rotation(members=()), day(3, 1), day(3, 30)) == []


def test_a_swap_relieves_one_person_for_a_span_and_nobody_else() -> None:
    both = [Turn("a", day(3, 2), day(3, 9)), Turn("x", day(3, 2), day(3, 9))]
    swap = Change(start=day(3, 4), end=day(3, 5), of="a", instead="b")
    assert changed(both, [swap]) == [
        Turn("a", day(3, 2), day(3, 4)),
        Turn("x", day(3, 2), day(3, 9)),
        Turn("b", day(3, 4), day(3, 5)),
        Turn("a", day(3, 5), day(3, 9)),
    ]


def test_a_later_change_looks_at_what_the_earlier_ones_left() -> None:
    first = Change(start=day(3, 3), end=day(3, 6), of="a", instead="b")
    second = Change(start=day(3, 4), end=day(3, 5), of="b", instead="c")
    lost = Change(start=day(3, 5), end=day(3, 12), of=None, instead=None)
    found = changed([Turn("a", day(3, 2), day(3, 9))], [first, second, lost])
    assert found == [
        Turn("a", day(3, 2), day(3, 3)),
        Turn("b", day(3, 3), day(3, 4)),
        Turn("c", day(3, 4), day(3, 5)),
    ]
    assert gaps(found, day(3, 2), day(3, 9)) == [Gap(day(3, 5), day(3, 9))]


def test_a_turn_or_a_change_that_only_touches_a_span_is_none_of_it() -> None:
    assert [turn.person for turn in turns(rotation(), day(3, 1), day(3, 2, 13))] == ["a"]
    assert [turn.person for turn in turns(rotation(), day(3, 2, 13), day(3, 3))] == ["b"]
    turn = Turn("a", day(3, 2), day(3, 4))
    after = Change(start=day(3, 4), end=day(3, 5), of="a", instead="b")
    before = Change(start=day(3, 1), end=day(3, 2), of="a", instead="b")
    assert changed([turn], [before, after]) == [turn]


def test_gaps_are_what_no_turn_covers() -> None:
    found = [
        Turn("b", day(3, 5), day(3, 7)),
        Turn("a", day(3, 2), day(3, 4)),
        Turn("c", day(3, 6), day(3, 6, 12)),
        Turn("d", day(3, 20), day(3, 21)),
    ]
    assert gaps(found, day(3, 1), day(3, 10)) == [
        Gap(day(3, 1), day(3, 2)),
        Gap(day(3, 4), day(3, 5)),
        Gap(day(3, 7), day(3, 10)),
    ]
    assert gaps(found, day(3, 5), day(3, 6)) == []
    assert gaps([], day(3, 1), day(3, 2)) == [Gap(day(3, 1), day(3, 2))]


def test_who_is_on_call_at_a_moment_is_given_once_and_not_at_its_end() -> None:
    found = [
        Turn("a", day(3, 2), day(3, 4)),
        Turn("a", day(3, 3), day(3, 5)),
        Turn("b", day(3, 4), day(3, 5)),
    ]
    assert at(found, day(3, 3, 12)) == ["a"]
    assert at(found, day(3, 4)) == ["a", "b"]
    assert at(found, day(3, 5)) == []


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [(day(3, 2), day(3, 6), True), (day(3, 1), day(3, 3), False), (day(3, 3), day(3, 3), False)],
)
def test_a_turn_is_held_only_where_all_of_it_is_theirs(
    start: datetime, end: datetime, expected: bool
) -> None:
    found = [
        Turn("a", day(3, 2), day(3, 4)),
        Turn("a", day(3, 4), day(3, 6)),
        Turn("b", day(3, 1), day(3, 9)),
    ]
    assert holds(found, "a", start, end) is expected


ZONES = ("America/New_York", "Australia/Lord_Howe", "Europe/London", "Asia/Kathmandu", "America/St_Johns")


@given(
    zone=st.sampled_from(ZONES),
    first=st.dates(date(2025, 1, 1), date(2027, 1, 1)),
    minute=st.integers(0, 1439),
    days=st.integers(1, 28),
    size=st.integers(1, 5),
    offset=st.integers(0, 400),
)
def test_a_rotation_leaves_no_gap_and_no_overlap_in_any_zone(
    zone: str, first: date, minute: int, days: int, size: int, offset: int
) -> None:
    one = Rotation(
        members=tuple("abcde"[:size]),
        zone=zone,
        first_day=first,
        handover=time(*divmod(minute, 60)),
        days=days,
    )
    since = one.boundary(0) + timedelta(days=offset)
    until = since + timedelta(days=40)
    found = turns(one, since, until)
    assert gaps(found, since, until) == []
    assert all(before.end == after.start for before, after in itertools.pairwise(found))
    assert found[0].start <= since
    assert {at(found, since)[0]} == {turns(one, since, since + timedelta(seconds=1))[0].person}
