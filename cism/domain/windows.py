"""Windows of a group session: elapsed hours from the end of exposure, never from the logging.

Daylight saving plays no part: twelve hours are twelve hours, whatever the wall clock says (domain.md 11
item 24). People leave at different times, so a group's window is what the windows of all have in common.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from cism.domain.protocol import SessionRule

# After a line-of-duty death: three to seven days after the funeral (domain.md 2.6).
_AFTER_FUNERAL = (timedelta(days=3), timedelta(days=7))


class WindowState(StrEnum):
    """Where an instant lies in a window."""

    NOT_YET = "not_yet"  # it is too early
    OPEN = "open"  # the best stretch
    LATE = "late"  # still allowed
    CLOSED = "closed"  # something else is offered


@dataclass(frozen=True, slots=True)
class Window:
    """From `earliest` to `latest`, both included; best until `ideal_end`."""

    earliest: datetime
    ideal_end: datetime
    latest: datetime

    @property
    def empty(self) -> bool:
        """Whether no instant lies in it: the people have no time in common."""
        return self.latest < self.earliest


def window_state(window: Window, now: datetime) -> WindowState:
    """Where `now` lies in the window."""
    if now > window.latest:
        return WindowState.CLOSED
    if now < window.earliest:
        return WindowState.NOT_YET
    return WindowState.OPEN if now <= window.ideal_end else WindowState.LATE


def session_window(rule: SessionRule, ends: Sequence[datetime]) -> Window:
    """What the windows of people whose exposure ended at `ends` (at least one) have in common."""
    return _common(rule.earliest, rule.ideal, rule.latest, ends)


def disaster_window(rule: SessionRule, ends: Sequence[datetime]) -> Window:
    """The same for a catastrophe: weeks later, where the protocol says so; else the ordinary window."""
    if rule.disaster is None:
        return session_window(rule, ends)
    earliest, latest = rule.disaster
    return _common(earliest, latest, latest, ends)


def funeral_window(funeral_at: datetime) -> Window:
    """The window after a funeral; it overrides the one from the end of exposure."""
    earliest, latest = _AFTER_FUNERAL
    return Window(funeral_at + earliest, funeral_at + latest, funeral_at + latest)


def _common(earliest: timedelta, ideal: timedelta, latest: timedelta, ends: Sequence[datetime]) -> Window:
    first, last = min(ends), max(ends)
    return Window(last + earliest, max(first + ideal, last + earliest), first + latest)
