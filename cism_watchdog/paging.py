"""When to page: a first page, repeats at growing intervals, one "is well again". Pure; times are seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from cism_watchdog.judging import TROUBLES, Verdicts
from cism_watchdog.settings import Rhythm

_MISSED_LOOKS: Final = 3  # after a pause (asleep, stopped) only this many looks' time counts


class Page(StrEnum):
    """What a page is."""

    FIRST = "first"  # something has gone wrong
    MORE = "more"  # something else has, too
    AGAIN = "again"  # it is still wrong
    WELL = "well"  # nothing is wrong any more


@dataclass(frozen=True, slots=True)
class Alarm:
    """What the watchdog remembers, also over a restart.

    `levels`: seconds in which each trouble was there, less those in which it was not. Full it is on, empty
    it is off, and in between it stays what it was: one that comes and goes is neither forgotten nor told
    of at each turn. `since`: when it was first seen. `told`: the troubles of the pages so far.
    """

    levels: Mapping[str, float] = field(default_factory=dict)
    since: Mapping[str, float] = field(default_factory=dict)
    on: frozenset[str] = frozenset()
    told: frozenset[str] = frozenset()
    pages: int = 0
    paged_at: float = 0.0
    clear_since: float | None = None
    looked_at: float | None = None

    @property
    def troubles(self) -> list[str]:
        """What is on, the worst first."""
        return [key for key in TROUBLES if key in self.on]


def note(alarm: Alarm, verdicts: Verdicts, now: float, rhythm: Rhythm) -> Alarm:
    """One look more. What nobody can say keeps its level: a silent engine hides everything else."""
    passed = _passed(alarm, now, rhythm)
    levels, since, on = dict(alarm.levels), dict(alarm.since), set(alarm.on)
    for key, wrong in verdicts.items():
        if wrong is None:
            continue
        # the time before it was first seen does not count: it began somewhere in it
        change = -passed if not wrong else passed if key in since else 0.0
        levels[key] = level = min(max(levels.get(key, 0.0) + change, 0.0), rhythm.after)
        if wrong:
            since.setdefault(key, now)
            if level >= rhythm.after:
                on.add(key)
        elif level == 0.0:
            since.pop(key, None)
            on.discard(key)
    # also what is not on yet: "all is well" must not be followed by a page within the minute
    clear = not on and not any(levels.values()) and not any(verdicts.values())
    clear_since = None if not clear else now if alarm.clear_since is None else min(alarm.clear_since, now)
    return replace(
        alarm,
        levels=levels,
        since=since,
        on=frozenset(on),
        clear_since=clear_since,
        looked_at=now,
        paged_at=min(alarm.paged_at, now),  # a clock that was put back must not silence the repeats
    )


def due(alarm: Alarm, now: float, rhythm: Rhythm) -> Page | None:
    """The page that is to go out now, if any."""
    if not alarm.on:
        clear = alarm.clear_since is not None and now - alarm.clear_since >= rhythm.well_after
        return Page.WELL if alarm.pages and clear else None
    if not alarm.pages:
        return Page.FIRST
    rests = now - alarm.paged_at
    if rests >= next_repeat(alarm, rhythm):
        return Page.AGAIN
    return Page.MORE if alarm.on - alarm.told and rests >= min(rhythm.after, rhythm.repeat[0]) else None


def sent(alarm: Alarm, page: Page, now: float) -> Alarm:
    """The page went out."""
    if page is Page.WELL:
        return replace(alarm, pages=0, told=frozenset(), paged_at=0.0)
    pages = alarm.pages if page is Page.MORE else alarm.pages + 1
    return replace(alarm, pages=pages, told=alarm.told | alarm.on, paged_at=now)


def next_repeat(alarm: Alarm, rhythm: Rhythm) -> float:
    """Seconds from the last page to the one after it; after the first page alone it is the shortest."""
    return rhythm.repeat[min(max(alarm.pages, 1), len(rhythm.repeat)) - 1]


def _passed(alarm: Alarm, now: float, rhythm: Rhythm) -> float:
    if alarm.looked_at is None:
        return 0.0
    return min(max(now - alarm.looked_at, 0.0), _MISSED_LOOKS * rhythm.every)
