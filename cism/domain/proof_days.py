"""The kinds of day that a proof looks at: the ordinary one, and those on which the clocks change.

A rule sees wall clocks only, and how far they jump. What lies between two changes is plain arithmetic, so a
zone's distance from UTC plays no part: noon in -12 and noon in +14 are one class. What the zones of the world
do to their clocks in a year is the short list below; `unlike` compares it with a zone's own data.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from cism.domain.quiet_hours import CLOSES, OPENS

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
_LOOK: Final = timedelta(days=7)  # no zone changes twice within a week
_SECOND: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """One change of the clocks: at which second of the old clock's day, and by how many seconds forward.

    Forward leaves a gap; back (negative) makes an hour come twice.
    """

    wall: int
    by: int


def _change(hour: int, minute: int, by: int) -> Change:
    return Change(hour * HOUR + minute * MINUTE, by * MINUTE)


# Every change of every zone in 2026 to 2037 (IANA time zones); a test reads them all. The largest is Troll's.
CHANGES: Final = (
    *(_change(hour, 0, 60) for hour in (0, 1, 2, 3, 22, 23)),
    *(_change(hour, 0, -60) for hour in (0, 1, 2, 3, 4, 22)),
    _change(2, 45, 60),  # Chatham
    _change(3, 45, -60),
    _change(2, 0, 30),  # Lord Howe
    _change(2, 0, -30),
    _change(1, 0, 120),  # Troll
    _change(3, 0, -120),
)
SHIFTS: Final = tuple(sorted({0, *(change.by for change in CHANGES)}))
LARGEST: Final = max(abs(shift) for shift in SHIFTS)


@dataclass(frozen=True, slots=True)
class Day:
    """What the clocks do after a start: nothing (`by` 0), or one change.

    `at` counts seconds of the old clock from the midnight before the start; the start lies before it.
    """

    at: int = 0
    by: int = 0


ORDINARY: Final = Day()


def day_after(start: datetime, zone: str, within: timedelta = 2 * _LOOK) -> Day:
    """What the clocks of a zone do in the time after `start` (aware)."""
    place = ZoneInfo(zone)
    found = next(changes(zone, start, start + within), None)
    if found is None:
        return ORDINARY
    at, before, after = found
    midnight = start.astimezone(place).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    old_wall = (at + before).replace(tzinfo=None)
    return Day((old_wall - midnight) // _SECOND, (after - before) // _SECOND)


def changes(zone: str, start: datetime, end: datetime) -> Iterator[tuple[datetime, timedelta, timedelta]]:
    """Every change of a zone's clocks after `start` and until `end` (aware), with the offsets around it."""
    place = ZoneInfo(zone)
    here = start.astimezone(UTC)
    while here < end:
        there = min(here + _LOOK, end)
        if _offset(here, place) != _offset(there, place):
            at = _first(here, there, place)
            yield at, _offset(here, place), _offset(at, place)
        here = there


def unlike(zone: str, start: datetime, end: datetime) -> list[str]:
    """What a zone does to its clocks in that time and no class stands for, a sentence each."""
    found = []
    for at, before, after in changes(zone, start, end):
        wall = (at + before).replace(tzinfo=None)
        second = (wall - wall.replace(hour=0, minute=0, second=0, microsecond=0)) // _SECOND
        if Change(second, (after - before) // _SECOND) not in CHANGES:
            found.append(f"{zone} moves its clocks by {after - before} at {wall:%Y-%m-%d %H:%M}")
    return found


def at_night(change: Change) -> bool:
    """Whether it falls between the last and the first minute at which anybody may be texted."""
    return not OPENS * MINUTE <= change.wall < CLOSES * MINUTE


def _offset(at: datetime, place: ZoneInfo) -> timedelta:
    return at.astimezone(place).utcoffset() or timedelta(0)


def _first(low: datetime, high: datetime, place: ZoneInfo) -> datetime:
    """The second at which the offset changes between two instants."""
    before = _offset(low, place)
    low = low.replace(microsecond=0)
    while high - low > _SECOND:
        middle = low + (high - low) // (2 * _SECOND) * _SECOND
        low, high = (middle, high) if _offset(middle, place) == before else (low, middle)
    return high
