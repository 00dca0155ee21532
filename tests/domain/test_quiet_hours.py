"""Quiet hours, minute by minute: the fast arithmetic must agree with asking every single minute."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cism.domain.people import SleepWindow
from cism.domain.quiet_hours import closes, is_asleep, is_open, last_open, next_open, open_hours_per_day
from cism.errors import BadInput

MINUTE = timedelta(minutes=1)
NIGHT = SleepWindow()
DAY_SLEEPER = SleepWindow(time(8), time(16))
NEW_YORK, CHICAGO, LA = "America/New_York", "America/Chicago", "America/Los_Angeles"
ZONES = [
    "Etc/GMT+12",
    "Pacific/Honolulu",
    LA,
    "America/Phoenix",
    CHICAGO,
    NEW_YORK,
    "America/St_Johns",
    "America/Sao_Paulo",
    "Atlantic/Azores",
    "Europe/Berlin",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "Pacific/Apia",
    "Pacific/Kiritimati",
]


def local(zone: str, *parts: int, fold: int = 0) -> datetime:
    return datetime(*parts, tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)  # type: ignore[misc,arg-type]


def asked_minute_by_minute(at: datetime, zone: str, sleep: SleepWindow) -> bool:
    """The rule in the plainest words: no arithmetic shared with the code under test."""
    wall = at.astimezone(ZoneInfo(zone)).time().replace(second=0, microsecond=0)
    if not time(8) <= wall < time(21):
        return False
    if sleep.start < sleep.end:
        return not sleep.start <= wall < sleep.end
    return sleep.end <= wall < sleep.start


def brute_next(at: datetime, zone: str, sleep: SleepWindow) -> datetime:
    while not asked_minute_by_minute(at, zone, sleep):
        at = at.replace(second=0, microsecond=0) + MINUTE
    return at


def brute_last(earliest: datetime, latest: datetime, zone: str, sleep: SleepWindow) -> datetime | None:
    at = latest.replace(second=0, microsecond=0)
    while at >= earliest:
        if asked_minute_by_minute(at, zone, sleep):
            return at
        at -= MINUTE
    return None


wall_times = st.builds(time, st.integers(0, 23), st.sampled_from([0, 1, 15, 30, 59]))
sleeps = st.builds(SleepWindow, wall_times, wall_times).filter(lambda s: open_hours_per_day(s) > 0)
ordinary = st.integers(0, 2 * 365 * 86_400).map(
    lambda s: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=s)
)
# the days around both changes of clocks in North America, Europe and the far south
changes = st.builds(
    lambda day, minutes, seconds: day + timedelta(minutes=minutes, seconds=seconds),
    st.sampled_from(
        [
            datetime(2026, 3, 8, 7, tzinfo=UTC),
            datetime(2026, 3, 29, 1, tzinfo=UTC),
            datetime(2026, 4, 4, 15, tzinfo=UTC),
            datetime(2026, 10, 3, 15, tzinfo=UTC),
            datetime(2026, 10, 25, 1, tzinfo=UTC),
            datetime(2026, 11, 1, 6, tzinfo=UTC),
        ]
    ),
    st.integers(-2 * 1440, 2 * 1440),
    st.integers(0, 59),
)
instants = st.one_of(ordinary, changes)


@settings(max_examples=400, deadline=None)
@given(at=instants, zone=st.sampled_from(ZONES), sleep=sleeps)
@example(at=local(LA, 2026, 3, 7, 23, 10), zone=LA, sleep=NIGHT)
@example(at=local(CHICAGO, 2026, 11, 1, 1, 30, fold=0), zone=CHICAGO, sleep=NIGHT)
def test_the_next_open_minute_is_the_one_found_by_asking_every_minute(
    at: datetime, zone: str, sleep: SleepWindow
) -> None:
    assert next_open(at, zone, sleep) == brute_next(at, zone, sleep)


@settings(max_examples=400, deadline=None)
@given(latest=instants, span=st.integers(0, 48 * 3600), zone=st.sampled_from(ZONES), sleep=sleeps)
@example(latest=local(CHICAGO, 2026, 11, 1, 7), span=10 * 3600, zone=CHICAGO, sleep=NIGHT)
@example(latest=local(LA, 2026, 3, 8, 7), span=24 * 3600, zone=LA, sleep=NIGHT)
@example(latest=local(LA, 2026, 3, 8, 7), span=0, zone=LA, sleep=NIGHT)
def test_the_last_open_minute_is_the_one_found_by_asking_every_minute(
    latest: datetime, span: int, zone: str, sleep: SleepWindow
) -> None:
    earliest = latest - timedelta(seconds=span)
    assert last_open(earliest, latest, zone, sleep) == brute_last(earliest, latest, zone, sleep)


@settings(max_examples=200, deadline=None)
@given(at=instants, zone=st.sampled_from(ZONES), sleep=sleeps)
@example(at=local(LA, 2026, 6, 1, 20, 59), zone=LA, sleep=NIGHT)
def test_an_open_stretch_ends_where_asking_every_minute_says_so(
    at: datetime, zone: str, sleep: SleepWindow
) -> None:
    end = at
    while asked_minute_by_minute(end, zone, sleep):
        end = end.replace(second=0, microsecond=0) + MINUTE
    assert closes(at, zone, sleep) == end


@settings(max_examples=200, deadline=None)
@given(at=instants, zone=st.sampled_from(ZONES), sleep=sleeps)
def test_the_next_open_minute_is_open_never_earlier_and_itself_its_next(
    at: datetime, zone: str, sleep: SleepWindow
) -> None:
    found = next_open(at, zone, sleep)
    assert found >= at
    assert is_open(found, zone, sleep)
    assert next_open(found, zone, sleep) == found
    assert found == at or (found.second, found.microsecond) == (0, 0)


def test_the_next_open_minute_begins_with_no_fraction_of_a_second() -> None:
    early = local(NEW_YORK, 2026, 6, 1, 7, 30) + timedelta(microseconds=5)
    assert next_open(early, NEW_YORK, NIGHT) == local(NEW_YORK, 2026, 6, 1, 8)


def test_texts_may_arrive_from_eight_to_the_last_minute_before_twenty_one() -> None:
    late = SleepWindow(time(23), time(5))
    assert not is_open(local(NEW_YORK, 2026, 6, 1, 7, 59, 59), NEW_YORK, late)
    assert is_open(local(NEW_YORK, 2026, 6, 1, 8), NEW_YORK, late)
    assert is_open(local(NEW_YORK, 2026, 6, 1, 20, 59, 59), NEW_YORK, late)
    assert not is_open(local(NEW_YORK, 2026, 6, 1, 21), NEW_YORK, late)


def test_a_person_who_sleeps_by_day_is_left_alone_by_day() -> None:
    assert not is_open(local(CHICAGO, 2026, 6, 1, 8), CHICAGO, DAY_SLEEPER)
    assert not is_open(local(CHICAGO, 2026, 6, 1, 15, 59), CHICAGO, DAY_SLEEPER)
    assert is_open(local(CHICAGO, 2026, 6, 1, 16), CHICAGO, DAY_SLEEPER)


def test_asleep_means_the_persons_own_window_and_not_the_floor() -> None:
    at_two = local(CHICAGO, 2026, 6, 1, 2)
    assert not is_asleep(at_two, CHICAGO, DAY_SLEEPER)
    assert not is_open(at_two, CHICAGO, DAY_SLEEPER)
    assert is_asleep(at_two, CHICAGO, NIGHT)


def test_an_open_instant_is_its_own_next_with_its_seconds() -> None:
    at = local(NEW_YORK, 2026, 6, 1, 12) + timedelta(seconds=17, microseconds=4)
    assert next_open(at, NEW_YORK, NIGHT) == at


def test_the_hour_that_does_not_exist_is_jumped_over_once() -> None:
    # 2026-03-08 02:30 does not exist in Los Angeles; as an instant it is 03:30 PDT
    at = local(LA, 2026, 3, 8, 2, 30)
    assert next_open(at, LA, NIGHT) == local(LA, 2026, 3, 8, 8)
    assert next_open(at, LA, NIGHT) - at == timedelta(hours=4, minutes=30)


def test_the_hour_that_comes_twice_leads_to_one_and_the_same_minute() -> None:
    first = local(CHICAGO, 2026, 11, 1, 1, 30, fold=0)
    second = local(CHICAGO, 2026, 11, 1, 1, 30, fold=1)
    assert second - first == timedelta(hours=1)
    assert next_open(first, CHICAGO, NIGHT) == next_open(second, CHICAGO, NIGHT)
    assert next_open(first, CHICAGO, NIGHT) == local(CHICAGO, 2026, 11, 1, 8)


def test_a_clock_that_jumps_by_hours_or_by_a_whole_day_loses_no_open_minute() -> None:
    # Casey station moved its clocks by three hours in one go; Apia left out 30 December 2011 altogether.
    casey = "Antarctica/Casey"
    before = datetime(2010, 3, 4, 14, 30, tzinfo=UTC)
    assert next_open(before, casey, NIGHT) == brute_next(before, casey, NIGHT)
    apia = "Pacific/Apia"
    eve = local(apia, 2011, 12, 29, 20, 59) + 2 * MINUTE
    assert next_open(eve, apia, NIGHT) == brute_next(eve, apia, NIGHT) == local(apia, 2011, 12, 31, 8)
    morning = local(apia, 2011, 12, 31, 7)
    assert last_open(morning - timedelta(days=1), morning, apia, NIGHT) == local(apia, 2011, 12, 29, 20, 59)


def test_no_open_minute_between_two_instants_of_one_night_is_none() -> None:
    assert last_open(local(LA, 2026, 6, 1, 22), local(LA, 2026, 6, 2, 7), LA, NIGHT) is None


def test_the_last_open_minute_of_an_evening_is_a_minute_before_nine() -> None:
    found = last_open(local(LA, 2026, 6, 1, 12), local(LA, 2026, 6, 2, 7), LA, NIGHT)
    assert found == local(LA, 2026, 6, 1, 20, 59)


def test_on_the_night_without_its_third_hour_the_last_open_minute_is_still_the_one_before_nine() -> None:
    found = last_open(local(LA, 2026, 3, 7, 12), local(LA, 2026, 3, 8, 7), LA, NIGHT)
    assert found == local(LA, 2026, 3, 7, 20, 59)
    assert local(LA, 2026, 3, 8, 7) - found == timedelta(hours=9, minutes=1)


def test_a_minute_that_began_before_the_span_is_not_its_last() -> None:
    noon = local(LA, 2026, 6, 1, 12)
    span = noon + timedelta(seconds=10), noon + timedelta(seconds=50)
    assert last_open(*span, LA, NIGHT) is None


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        (time(21), time(8), 13.0),
        (time(8), time(16), 5.0),
        (time(22), time(7), 13.0),
        (time(12), time(13), 12.0),
        (time(10), time(8), 2.0),
        (time(9, 59), time(8), 119 / 60),
        (time(8), time(21), 0.0),
        (time(0), time(0), 0.0),
    ],
)
def test_open_hours_are_counted_for_the_roster(start: time, end: time, hours: float) -> None:
    assert open_hours_per_day(SleepWindow(start, end)) == hours


def test_a_window_without_any_open_minute_is_refused_in_words() -> None:
    at = local(LA, 2026, 6, 1, 12)
    for closed in (SleepWindow(time(8), time(21)), SleepWindow(time(9), time(9))):
        with pytest.raises(BadInput, match="correct it on the roster"):
            next_open(at, LA, closed)
        with pytest.raises(BadInput, match="correct it on the roster"):
            last_open(at, at, LA, closed)
