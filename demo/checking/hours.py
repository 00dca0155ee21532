"""When a person may be texted: 08:00-21:00 on their own wall clock, and not in their own hours of sleep."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_MINUTE = timedelta(minutes=1)
_FLOOR, _CEILING = time(8), time(21)


@dataclass(frozen=True)
class Hours:
    """One person's zone and sleep."""

    zone: str
    sleep_from: time
    sleep_to: time

    def is_open(self, at: datetime) -> bool:
        """Whether a care text may arrive at this instant."""
        wall = at.astimezone(ZoneInfo(self.zone)).time()
        return _FLOOR <= wall < _CEILING and not self._asleep(wall)

    def _asleep(self, wall: time) -> bool:
        if self.sleep_from < self.sleep_to:
            return self.sleep_from <= wall < self.sleep_to
        return wall >= self.sleep_from or wall < self.sleep_to


@lru_cache(maxsize=20_000)
def next_open(at: datetime, hours: Hours) -> datetime:
    """`at` itself when it is open, else the first whole minute that is."""
    if hours.is_open(at):
        return at
    here = at.replace(second=0, microsecond=0) + _MINUTE
    for _ in range(3 * 24 * 60):
        if hours.is_open(here):
            return here
        here += _MINUTE
    message = f"nobody with these hours can ever be texted: {hours}"
    raise ValueError(message)


def last_open(earliest: datetime, latest: datetime, hours: Hours) -> datetime | None:
    """The last whole open minute from `earliest` to `latest`."""
    here = latest.replace(second=0, microsecond=0)
    while here >= earliest:
        if hours.is_open(here):
            return here
        here -= _MINUTE
    return None


def after_open_minutes(at: datetime, span: timedelta, hours: Hours) -> datetime:
    """`span` later, counting only minutes that are open."""
    here, left = next_open(at, hours), int(span / _MINUTE)
    while left:
        here = next_open(here, hours) + _MINUTE
        left -= 1
    return here


def on_date(start: datetime, days: int, hours: Hours) -> datetime:
    """From 10:00 on the calendar date `days` after the local date of `start`: the first open minute."""
    return next_open(_ten(start, days, hours), hours)


def before_anniversary(start: datetime, days: int, hours: Hours) -> datetime:
    """From 10:00 so many days before the same local date a year later."""
    local = start.astimezone(ZoneInfo(hours.zone)).date()
    day = 28 if (local.month, local.day) == (2, 29) else local.day
    later = local.replace(year=local.year + 1, day=day) - timedelta(days=days)
    ten = datetime.combine(later, time(10), tzinfo=ZoneInfo(hours.zone)).astimezone(UTC)
    return next_open(ten, hours)


def _ten(start: datetime, days: int, hours: Hours) -> datetime:
    local = start.astimezone(ZoneInfo(hours.zone)).date() + timedelta(days=days)
    return datetime.combine(local, time(10), tzinfo=ZoneInfo(hours.zone)).astimezone(UTC)


def end_of_date(start: datetime, days: int, hours: Hours) -> datetime:
    """The end of the local day `days` after the local date of `start`."""
    local = start.astimezone(ZoneInfo(hours.zone)).date() + timedelta(days=days + 1)
    return datetime.combine(local, time(0), tzinfo=ZoneInfo(hours.zone)).astimezone(UTC)
