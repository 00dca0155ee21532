"""Windows of a group session: elapsed hours from its anchor, never from the logging.

Daylight saving plays no part: twelve hours are twelve hours, whatever the wall clock says (domain.md 11
item 24). People leave at different times, so a group's window is what the windows of all have in common.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from cism.domain.protocol_model import SessionRule


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


def session_window(rule: SessionRule, anchors: Sequence[datetime]) -> Window:
    """What the windows of people with these anchors (at least one) have in common."""
    return _common(rule.earliest, rule.ideal, rule.latest, anchors)


def disaster_window(rule: SessionRule, anchors: Sequence[datetime]) -> Window:
    """The same for a catastrophe: weeks later, where the protocol says so; else the ordinary window."""
    if rule.disaster is None:
        return session_window(rule, anchors)
    earliest, latest = rule.disaster
    return _common(earliest, latest, latest, anchors)


def funeral_window(rule: SessionRule, funeral_at: datetime) -> Window:
    """The window after a funeral; it overrides the one from the end of exposure (domain.md 2.6)."""
    earliest, latest = rule.after_funeral
    return Window(funeral_at + earliest, funeral_at + latest, funeral_at + latest)


def shifted(window: Window, by: timedelta) -> Window:
    """The same window later, for a format that is held again."""
    return Window(window.earliest + by, window.ideal_end + by, window.latest + by)


def _common(earliest: timedelta, ideal: timedelta, latest: timedelta, anchors: Sequence[datetime]) -> Window:
    first, last = min(anchors), max(anchors)
    return Window(last + earliest, max(first + ideal, last + earliest), first + latest)
