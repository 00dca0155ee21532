"""When a text may reach a person: 08:00-21:00 on their own wall clock, and outside their own sleep.

Everything here works on whole minutes of the wall clock in the person's IANA zone, also on the two days
a year when clocks change. Between two changes of offset the wall clock runs evenly, so the next minute
that matters is plain arithmetic; a change of offset on the way is found by bisection and cuts the way in two.
Source: contract.md (texts to affected people), domain.md 7.6 and 11 items 6 and 24.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from cism.domain.people import SleepWindow
from cism.errors import BadInput

# The floor is law for solicitations in the United States; here every care text keeps it.
OPENS: Final = 8 * 60
CLOSES: Final = 21 * 60
_DAY = 24 * 60
_MINUTE = timedelta(minutes=1)
_SECOND = timedelta(seconds=1)


def is_asleep(at: datetime, zone: str, sleep: SleepWindow) -> bool:
    """Whether the person's own sleep window covers `at` (aware); the floor of 08:00-21:00 plays no part."""
    return sleeps_at(_minute(at.astimezone(ZoneInfo(zone))), sleep)


def is_open(at: datetime, zone: str, sleep: SleepWindow) -> bool:
    """Whether a care text may arrive at `at` (aware): 08:00-21:00 local and outside the sleep window."""
    return _open(_minute(at.astimezone(ZoneInfo(zone))), sleep)


def next_open(at: datetime, zone: str, sleep: SleepWindow) -> datetime:
    """The first open instant from `at` (aware) on, in UTC: `at` itself, or the start of the next open minute.

    Raises BadInput when the sleep window leaves no open minute at all (the roster refuses those).
    """
    starts = _open_ones((OPENS, _minutes(sleep.end)), sleep)
    place = ZoneInfo(zone)
    here = at.astimezone(UTC)
    while not is_open(here, zone, sleep):
        local = here.astimezone(place)
        ahead = min((start - _minute(local)) % _DAY for start in starts)
        there = here - _into_minute(local) + ahead * _MINUTE
        here = _first_change(here, there, place) or there
    return here


def last_open(earliest: datetime, latest: datetime, zone: str, sleep: SleepWindow) -> datetime | None:
    """The last open minute that starts in [`earliest`, `latest`] (aware), in UTC; None if there is none.

    Raises BadInput when the sleep window leaves no open minute at all.
    """
    ends = _open_ones((CLOSES - 1, (_minutes(sleep.start) - 1) % _DAY), sleep)
    place = ZoneInfo(zone)
    here = _whole_minute(latest.astimezone(UTC), place)
    while here >= earliest and not is_open(here, zone, sleep):
        back = min((_minute(here.astimezone(place)) - end) % _DAY for end in ends)
        there = here - back * _MINUTE
        change = _first_change(there, here, place)
        here = there if change is None else _whole_minute(change - _MINUTE, place)
    return here if here >= earliest else None


def closes(at: datetime, zone: str, sleep: SleepWindow) -> datetime:
    """When the open stretch around `at` (aware) ends, in UTC; `at` itself where it is closed."""
    place = ZoneInfo(zone)
    here = at.astimezone(UTC)
    while is_open(here, zone, sleep):
        local = here.astimezone(place)
        ahead = min((end - _minute(local)) % _DAY for end in (CLOSES, _minutes(sleep.start)))
        there = here - _into_minute(local) + ahead * _MINUTE
        here = _first_change(here, there, place) or there
    return here


def open_hours_per_day(sleep: SleepWindow) -> float:
    """How many hours of an ordinary day are open; the roster refuses a window that leaves fewer than two."""
    return sum(until - since for since, until in open_stretches(sleep)) / 60


def open_stretches(sleep: SleepWindow) -> tuple[tuple[int, int], ...]:
    """The open minutes of an ordinary day, one or two stretches `[from, until)` of minutes since midnight."""
    clipped = (min(max(_minutes(at), OPENS), CLOSES) for at in (sleep.start, sleep.end))
    edges = sorted({OPENS, CLOSES, *clipped})
    return tuple((low, high) for low, high in pairwise(edges) if _open(low, sleep))


def _minutes(wall: time) -> int:
    return wall.hour * 60 + wall.minute


def _minute(local: datetime) -> int:
    return local.hour * 60 + local.minute


def sleeps_at(minute: int, sleep: SleepWindow) -> bool:
    """Whether the sleep window covers that minute of a day."""
    start, end = _minutes(sleep.start), _minutes(sleep.end)
    if start < end:
        return start <= minute < end
    # Past midnight. Equal ends are the whole day: a window that says nothing must not wake anybody.
    return minute >= start or minute < end


def _open(minute: int, sleep: SleepWindow) -> bool:
    return OPENS <= minute < CLOSES and not sleeps_at(minute, sleep)


def _open_ones(edges: tuple[int, int], sleep: SleepWindow) -> list[int]:
    """The edges at which an open stretch begins or ends; an open stretch has no others."""
    found = [edge for edge in edges if _open(edge, sleep)]
    if not found:
        message = "This sleep window leaves no minute of the day open; correct it on the roster."
        raise BadInput(message)
    return found


def _into_minute(local: datetime) -> timedelta:
    return timedelta(seconds=local.second, microseconds=local.microsecond)


def _whole_minute(at: datetime, place: ZoneInfo) -> datetime:
    return at - _into_minute(at.astimezone(place))


def _first_change(start: datetime, end: datetime, place: ZoneInfo) -> datetime | None:
    """The second at which the zone's offset changes between two UTC instants within a day, if it does."""
    before = start.astimezone(place).utcoffset()
    if end.astimezone(place).utcoffset() == before:
        return None
    low, high = start.replace(microsecond=0), end
    while high - low > _SECOND:
        middle = low + (high - low) // (2 * _SECOND) * _SECOND
        if middle.astimezone(place).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high
