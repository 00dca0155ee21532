"""One class of people and days, in seconds: what a proof computes in place of real dates and zones.

A class is the local second at which somebody's exposure ended, the stretches of a day in which they may be
texted, and what the clocks do in the days after. Everything that `followup` and `sessions` ask of a real date
and zone depends on nothing else, because they look at wall clocks and at elapsed time and at no third thing;
so one class stands for all dates and zones that look like it. Tests hold the two against each other.

All instants here are seconds of elapsed time since the midnight before the start.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import count
from typing import Final
from zoneinfo import ZoneInfo

from cism.domain.people import SleepWindow
from cism.domain.proof_days import DAY, MINUTE, ORDINARY, Day, day_after
from cism.domain.protocol_model import ContactRule
from cism.domain.quiet_hours import CLOSES, OPENS, open_stretches

LEAST_OPEN: Final = 2 * 60  # minutes a day; the roster refuses a sleep window that leaves fewer
Open = tuple[tuple[int, int], ...]  # stretches of minutes since midnight


@dataclass(frozen=True, slots=True)
class Start:
    """A class: the second of the day at which it begins, when the person may be texted, and the clocks."""

    second: int
    open: Open
    day: Day = ORDINARY

    def at_wall(self, day: int, second: int) -> int:
        """The instant at which the clock on the wall shows that second of that day (0: the start's own)."""
        wall = day * DAY + second
        return wall - self.day.by if self._changed(wall) else wall

    def next_open(self, at: int) -> int:
        """As `quiet_hours.next_open`: the instant itself, or the start of the next open minute."""
        return next(max(at, opens) for opens, closes in self._stretches(at) if closes > at)

    def last_open(self, earliest: int, latest: int) -> int | None:
        """As `quiet_hours.last_open`: the last open minute that starts in between."""
        latest -= latest % MINUTE
        found = [min(latest, closes - MINUTE) for opens, closes in self._before(latest) if opens <= latest]
        return max((at for at in found if at >= earliest), default=None)

    def is_open(self, at: int) -> bool:
        """Whether a text may arrive then."""
        return self.next_open(at) == at

    def wall(self, at: int) -> tuple[int, int]:
        """The local day (0: the start's own) and the second of it that the clock shows."""
        changed = self.day.by and at >= self.day.at
        return divmod(at + self.day.by if changed else at, DAY)

    def _changed(self, wall: int) -> bool:
        return bool(self.day.by) and wall >= self.day.at

    def _stretches(self, at: int) -> Iterator[tuple[int, int]]:
        """Open stretches from the day before `at` on, in order."""
        return (self._stretch(day, *edges) for day in count(at // DAY - 1) for edges in self.open)

    def _before(self, at: int) -> Iterator[tuple[int, int]]:
        last = at // DAY + 1
        return (self._stretch(day, *edges) for day in range(last - 6, last + 1) for edges in self.open)

    def _stretch(self, day: int, opens: int, closes: int) -> tuple[int, int]:
        return self.at_wall(day, opens * MINUTE), self.at_wall(day, closes * MINUTE)


def due(rule: ContactRule, start: Start) -> int:
    """When a contact point is due, as `followup.plan_contacts` plans it at once.

    An anniversary is counted here from the day 365 days before it, whichever day that is.
    """
    if rule.kind != "elapsed":
        day = seconds(rule.after) // DAY
        return start.next_open(start.at_wall(day, second_of(rule.at)))
    wanted = start.second + seconds(rule.after)
    if not rule.after:
        return wanted
    at = start.next_open(wanted)
    if rule.window is None or at <= start.second + seconds(rule.window[1]):
        return at
    earliest = start.second + seconds(rule.window[0])
    found = start.last_open(earliest, wanted)
    if found is None:
        return earliest if start.is_open(earliest) else at
    return found


def in_window(rule: ContactRule, start: Start, at: int) -> bool:
    """Whether a point that is due then keeps to its window; the last day of a window counts as a whole."""
    if rule.window is None:
        return True
    first, last = (seconds(span) for span in rule.window)
    if rule.kind == "elapsed":
        return first <= at - start.second <= last
    return first // DAY <= start.wall(at)[0] <= last // DAY


def class_of(end: datetime, zone: str, sleep: SleepWindow) -> Start:
    """The class of somebody in that zone whose exposure ended then (aware)."""
    local = end.astimezone(ZoneInfo(zone))
    second = (local.hour * 60 + local.minute) * MINUTE + local.second
    return Start(second, open_stretches(sleep), day_after(end, zone))


def least_open() -> Iterator[SleepWindow]:
    """The sleep windows that leave exactly two hours a day: one stretch anywhere, or one at either end.

    Whatever is reachable under each of these is reachable under every sleep window that the roster takes:
    each of those leaves at least the open minutes of one of these, and more open minutes only make a stretch
    without any shorter. A test holds this against sleep windows drawn at random.
    """
    for opens in range(OPENS, CLOSES - LEAST_OPEN + 1):
        yield SleepWindow(_clock(opens + LEAST_OPEN), _clock(opens))
    for first in range(1, LEAST_OPEN):
        yield SleepWindow(_clock(OPENS + first), _clock(CLOSES - LEAST_OPEN + first))


def seconds(span: timedelta) -> int:
    """A span of a protocol in whole seconds."""
    return span // timedelta(seconds=1)


def second_of(at: time) -> int:
    """A time of day in seconds since midnight."""
    return (at.hour * 60 + at.minute) * MINUTE


def _clock(minute: int) -> time:
    return time(minute // 60, minute % 60)
