"""The hour of a group session, in the arithmetic of classes: what `session_slots` says of real dates.

One class stands for a group whose members sleep alike and left in the same second, planned in that second.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from cism.domain.people import SleepWindow
from cism.domain.proof_classes import Start, second_of, seconds
from cism.domain.proof_days import MINUTE, Day
from cism.domain.protocol_model import SessionRule
from cism.domain.quiet_hours import open_stretches, sleeps_at
from cism.domain.session_slots import lead

QUARTER: Final = 15 * MINUTE
Window = tuple[int, int]  # from and until, in seconds after the start
_Fits = Callable[[int], bool]


@dataclass(frozen=True, slots=True)
class Sleeper:
    """A class of group: how they sleep, and the class of their start."""

    sleep: SleepWindow
    start: Start

    def is_up(self, at: int) -> bool:
        """Whether they are outside their own sleep window; quiet hours play no part."""
        return not sleeps_at(self.start.wall(at)[1] // MINUTE, self.sleep)


def sleeper(second: int, sleep: SleepWindow, day: Day) -> Sleeper:
    """The class of people with that sleep window who left at that second of such a day."""
    return Sleeper(sleep, Start(second, open_stretches(sleep), day))


def next_slot(rule: SessionRule, who: Sleeper, window: Window) -> int | None:
    """As `session_slots.next_slot`: the next quarter of an hour at which they are up; None: there is none."""
    now = who.start.second
    told = now if who.is_up(now) else who.start.next_open(now)
    earliest = max(now + window[0], told + ahead(rule))
    return _first_fit(rule, who, _up_quarter(earliest), now + window[1], who.is_up)


def proposed_slot(rule: SessionRule, who: Sleeper, window: Window) -> int | None:
    """As `session_slots.proposed_slot`: the protocol's hour, or later on the same day, in open hours."""
    now = who.start.second
    earliest, latest = max(now + window[0], now + ahead(rule)), now + window[1]
    day = who.start.wall(earliest)[0]
    while (preferred := who.start.at_wall(day, second_of(rule.slot_hour))) <= latest:
        day += 1
        limit = min(latest, who.start.at_wall(day, 0) - MINUTE)
        if preferred >= earliest:
            found = _first_fit(rule, who, preferred, limit, who.start.is_open)
            if found is not None:
                return found
    return None


def ahead(rule: SessionRule) -> int:
    """The least time between planning and beginning, in seconds."""
    return seconds(lead(rule) + rule.notice)


def windows(rule: SessionRule) -> dict[str, Window]:
    """Every window that this rule names, by its key in the file."""
    found = {"latest": (rule.earliest, rule.latest), "disaster": rule.disaster}
    return {key: (seconds(spans[0]), seconds(spans[1])) for key, spans in found.items() if spans is not None}


def span(length: int) -> timedelta:
    """So many seconds as a span."""
    return timedelta(seconds=length)


def _first_fit(rule: SessionRule, who: Sleeper, start: int, latest: int, fits: _Fits) -> int | None:
    while start <= latest:
        moved = _after(rule, who, start, fits)
        if moved <= start:
            return start
        start = _up_quarter(moved)
    return None


def _after(rule: SessionRule, who: Sleeper, start: int, fits: _Fits) -> int:
    last = start + seconds(rule.duration) - MINUTE
    at = start
    while fits(at):
        if at == last:
            return start
        at = min(at + QUARTER, last)
    return who.start.next_open(at)


def _up_quarter(at: int) -> int:
    return -(-at // QUARTER) * QUARTER
