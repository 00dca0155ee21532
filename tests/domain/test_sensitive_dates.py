"""Days and hours in which nothing automatic reaches somebody."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

from hypothesis import given
from hypothesis import strategies as st

from cism.domain.sensitive_dates import (
    DateKind,
    Quiet,
    SensitiveDate,
    call_at,
    quiet_around,
    quiet_on,
    quiet_until,
)

NEW_YORK = "America/New_York"
BIRTHDAY = SensitiveDate(day=date(2026, 10, 15), kind=DateKind.BIRTHDAY)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(NEW_YORK)).astimezone(UTC)


def test_a_whole_day_is_the_persons_own_from_midnight_to_midnight() -> None:
    assert quiet_on(BIRTHDAY, NEW_YORK) == Quiet(local("2026-10-15 00:00"), local("2026-10-16 00:00"))


def test_where_hours_are_known_only_those_are_kept_free() -> None:
    service = SensitiveDate(
        day=date(2026, 10, 10), kind=DateKind.FUNERAL, starts=time(10, 30), ends=time(14, 0)
    )
    assert quiet_on(service, NEW_YORK) == Quiet(local("2026-10-10 10:30"), local("2026-10-10 14:00"))


def test_a_day_on_which_clocks_change_has_23_or_25_hours() -> None:
    for day, hours in ((date(2026, 3, 8), 23), (date(2026, 11, 1), 25)):
        quiet = quiet_on(SensitiveDate(day=day, kind=DateKind.MEMORIAL), NEW_YORK)
        assert quiet.ends - quiet.starts == timedelta(hours=hours)


def test_around_a_funeral_two_hours_before_and_six_after_are_kept_free() -> None:
    begins = local("2026-10-10 11:00")
    assert quiet_around(begins) == Quiet(local("2026-10-10 09:00"), local("2026-10-10 17:00"))


def test_days_that_follow_each_other_end_together_and_a_gap_ends_them() -> None:
    days = [
        quiet_on(SensitiveDate(day=date(2026, 10, n), kind=DateKind.TRIAL), NEW_YORK) for n in (16, 15, 18)
    ]
    assert quiet_until(local("2026-10-15 09:00"), days) == local("2026-10-17 00:00")
    assert quiet_until(local("2026-10-14 23:59"), days) is None
    assert quiet_until(local("2026-10-17 00:00"), days) is None
    assert quiet_until(local("2026-10-18 00:00"), days) == local("2026-10-19 00:00")


def test_the_peer_is_asked_on_the_day_before() -> None:
    assert call_at(BIRTHDAY, NEW_YORK) == local("2026-10-14 10:00")


@given(
    st.dates(date(2026, 1, 1), date(2027, 12, 30)),
    st.sampled_from(sorted(available_timezones())),
    st.integers(0, 2 * 24 * 60),
)
def test_whoever_waits_for_the_end_waits_no_longer(day: date, zone: str, minutes: int) -> None:
    quiet = quiet_on(SensitiveDate(day=day, kind=DateKind.MEMORIAL), zone)
    now = quiet.starts - timedelta(hours=12) + timedelta(minutes=minutes)
    until = quiet_until(now, [quiet])
    assert (until is not None) == (now.astimezone(ZoneInfo(zone)).date() == day)
    assert until is None or quiet_until(until, [quiet]) is None
