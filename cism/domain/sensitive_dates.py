"""Days on which no automatic text about themselves reaches the people of an incident; a voice does instead.

A birthday of somebody who died, a memorial, a day in court: a text that knows nothing of the day is tactless
on it. What falls on it comes the next open minute after it, and the peer is asked to call on the day before.
On the day of the funeral only the hours of the service are kept free, where they are known. Source: domain.md
2.6 and 10 B; the day before and the hours around a funeral are `design`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

_DAY: Final = timedelta(days=1)
CALL_FROM: Final = time(10)  # design: on the day before, by the person's own clock
BEFORE_SERVICE: Final = timedelta(hours=2)  # design: around a funeral whose beginning alone is known
AFTER_SERVICE: Final = timedelta(hours=6)


class DateKind(StrEnum):
    """What the day is; a word for the coordinator, that no text carries."""

    BIRTHDAY = "birthday"
    MEMORIAL = "memorial"
    FUNERAL = "funeral"
    TRIAL = "trial"  # any day in court, or a finding that is made public
    ANNIVERSARY = "anniversary"


@dataclass(frozen=True, slots=True, kw_only=True)
class SensitiveDate:
    """A day, by the calendar of whoever is texted; `starts` and `ends` where only some hours of it matter."""

    day: date
    kind: DateKind
    starts: time | None = None
    ends: time | None = None


@dataclass(frozen=True, slots=True)
class Quiet:
    """From when until when (UTC) no automatic text goes to one person."""

    starts: datetime
    ends: datetime


def quiet_on(found: SensitiveDate, zone: str) -> Quiet:
    """The hours of this day in which nothing automatic goes to somebody in this zone."""
    place = ZoneInfo(zone)
    ends = _at(found.day + _DAY, time(0), place) if found.ends is None else _at(found.day, found.ends, place)
    return Quiet(_at(found.day, found.starts or time(0), place), ends)


def quiet_around(funeral: datetime) -> Quiet:
    """The hours around a funeral of which only the beginning (UTC) is known."""
    return Quiet(funeral - BEFORE_SERVICE, funeral + AFTER_SERVICE)


def quiet_until(now: datetime, quiet: Iterable[Quiet]) -> datetime | None:
    """When it is over for somebody for whom all of these hold; None where none holds at `now`."""
    until = now
    for one in sorted(quiet, key=lambda one: one.starts):
        if one.starts <= until < one.ends:
            until = one.ends
    return None if until == now else until


def call_at(found: SensitiveDate, zone: str) -> datetime:
    """When the peer is asked to call somebody in this zone: on the day before (UTC)."""
    return _at(found.day - _DAY, CALL_FROM, ZoneInfo(zone))


def _at(day: date, wall: time, place: ZoneInfo) -> datetime:
    return datetime.combine(day, wall, tzinfo=place).astimezone(UTC)
