"""Real times of the wall become product times, and hours are a person's own."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest

from demo.checking.hours import Hours, after_open_minutes, before_anniversary, last_open, next_open, on_date
from demo.checking.moves import Moves, moment

NIGHT = Hours("America/New_York", time(21), time(8))
DAY_SLEEPER = Hours("America/New_York", time(9), time(16, 30))


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


def test_the_last_move_before_a_moment_says_what_time_the_product_had() -> None:
    rows = [
        {"moved_at_real": "2026-03-01T12:00:00+00:00", "offset_after": 86_400.0},
        {"moved_at_real": "2026-03-01T12:00:10+00:00", "offset_after": 172_800.0},
    ]
    moves = Moves(reversed(rows))
    assert moves.product(utc(2026, 3, 1, 11, 59)) == utc(2026, 3, 1, 11, 59)
    assert moves.product(utc(2026, 3, 1, 12, 0, 9)) == utc(2026, 3, 2, 12, 0, 9)
    assert moves.product(utc(2026, 3, 1, 12, 0, 10)) == utc(2026, 3, 3, 12, 0, 10)


def test_a_time_without_a_zone_is_no_evidence() -> None:
    with pytest.raises(ValueError, match="no zone"):
        moment("2026-03-01T12:00:00")


@pytest.mark.parametrize(
    ("hours", "at", "expected"),
    [
        (NIGHT, utc(2026, 3, 2, 12, 59), utc(2026, 3, 2, 13, 0)),  # 07:59 is too early
        (NIGHT, utc(2026, 3, 3, 2, 0), utc(2026, 3, 3, 13, 0)),  # 21:00 is too late
        (NIGHT, utc(2026, 3, 8, 5, 0), utc(2026, 3, 8, 12, 0)),  # the clocks went forward: 08:00 comes sooner
        (DAY_SLEEPER, utc(2026, 3, 2, 15, 0), utc(2026, 3, 2, 21, 30)),  # asleep until 16:30
        (DAY_SLEEPER, utc(2026, 3, 2, 13, 30), utc(2026, 3, 2, 13, 30)),
    ],
)
def test_the_next_open_minute(hours: Hours, at: datetime, expected: datetime) -> None:
    assert next_open(at, hours) == expected


def test_the_last_open_minute_before_a_long_night() -> None:
    assert last_open(utc(2026, 3, 2, 20), utc(2026, 3, 3, 4), NIGHT) == utc(2026, 3, 3, 1, 59)
    assert last_open(utc(2026, 3, 3, 3), utc(2026, 3, 3, 4), NIGHT) is None


def test_only_open_minutes_count_for_those_who_may_wait() -> None:
    assert after_open_minutes(utc(2026, 3, 3, 1), timedelta(hours=4), NIGHT) == utc(2026, 3, 3, 16)


def test_dates_are_the_persons_own_across_daylight_saving() -> None:
    end = utc(2026, 3, 5, 4, 30)  # still the 4th in New York
    assert on_date(end, 7, NIGHT) == utc(2026, 3, 11, 14)
    assert on_date(end, 7, DAY_SLEEPER) == utc(2026, 3, 11, 20, 30)
    assert before_anniversary(end, 7, NIGHT) == utc(2027, 2, 25, 15)
