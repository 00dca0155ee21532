"""Reads an on-call calendar: whose turns it holds, every repetition of them laid out for the next weeks.

The words of a calendar are used to find the person and are not kept. Who it is stands in the address of an
attendee, or else as the whole title: an id of the roster, a name, perhaps behind "On call:" or a dash.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import recurring_ical_events  # type: ignore[import-untyped]
from icalendar import Calendar as ICalendar
from icalendar import Event

from cism.errors import BadInput

AHEAD: Final = timedelta(days=62)  # so far repetitions are laid out; read again long before they end
MOST_TURNS: Final = 2_000  # two months of hourly turns, and no more of what a rule may repeat
_BEFORE_NAME: Final = re.compile(r"^\s*on[- ]?call\s*[:\-\u2013\u2014]?\s*", re.IGNORECASE)
_MAILTO: Final = "mailto:"


@dataclass(frozen=True, slots=True)
class Read:
    """One turn, and what the calendar calls whoever has it: addresses first, then the title."""

    start: datetime
    end: datetime
    called: tuple[str, ...]


def read(data: bytes, *, zone: str, since: datetime) -> list[Read]:
    """The turns that touch the two months from `since`. `zone`: of times and days without one.

    Raises BadInput where it is no calendar, or repeats beyond measure.
    """
    try:
        calendar = ICalendar.from_ical(data)
        _refuse_floods(calendar)
        events = recurring_ical_events.of(calendar).between(since, since + AHEAD)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError) as error:
        message = f"this is no iCalendar file that can be read ({type(error).__name__})"
        raise BadInput(message) from None
    if len(events) > MOST_TURNS:
        message = f"this calendar has more than {MOST_TURNS} turns in two months"
        raise BadInput(message)
    return sorted(_turns(events, ZoneInfo(zone)), key=lambda one: (one.start, one.end, one.called))


def people_of(
    found: list[Read], find: Callable[[str], str | None]
) -> tuple[list[tuple[str, Read]], list[Read]]:
    """The turns with whose they are, by the first name that `find` knows, and those of nobody."""
    known: list[tuple[str, Read]] = []
    strange: list[Read] = []
    for one in found:
        person = next((person for name in one.called if (person := find(name)) is not None), None)
        if person is None:
            strange.append(one)
        else:
            known.append((person, one))
    return known, strange


def _refuse_floods(calendar: ICalendar) -> None:
    """Before anything is laid out: two months of seconds are five million turns."""
    for event in calendar.walk("VEVENT"):
        rules = event.get("RRULE", [])
        for rule in rules if isinstance(rules, list) else [rules]:
            often = {str(one).upper() for one in rule.get("FREQ", [])} & {"SECONDLY", "MINUTELY"}
            if often or any(len(rule.get(part, [])) > 1 for part in ("BYMINUTE", "BYSECOND")):
                message = "this calendar repeats something within the hour: that is no on-call turn"
                raise BadInput(message)


def _turns(events: list[Event], zone: ZoneInfo) -> Iterator[Read]:
    for event in events:
        if str(event.get("STATUS", "")).upper() == "CANCELLED":
            continue
        start, end = _moment(event.start, zone), _moment(event.end, zone)
        if start < end:
            yield Read(start, end, tuple(_called(event)))


def _moment(value: date, zone: ZoneInfo) -> datetime:
    if not isinstance(value, datetime):
        return datetime.combine(value, time(), zone).astimezone(UTC)
    return (value if value.tzinfo is not None else value.replace(tzinfo=zone)).astimezone(UTC)


def _called(event: Event) -> Iterator[str]:
    attendees: Any = event.get("ATTENDEE", [])
    for one in attendees if isinstance(attendees, list) else [attendees]:
        if str(one).lower().startswith(_MAILTO):
            yield str(one)[len(_MAILTO) :].strip()
    title = str(event.get("SUMMARY", "")).strip()
    for said in dict.fromkeys((title, _BEFORE_NAME.sub("", title))):
        if said:
            yield said
