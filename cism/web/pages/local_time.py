"""Times as people write them on a form, in a zone that the page names; the browser's is not trusted."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime

from cism.errors import BadInput
from cism.web.words import ENGLISH, Said, _, language

_PATTERN: Final = "EEE d MMM, HH:mm"
_DAY_PATTERN: Final = "EEEE d 'de' MMMM"
_UNITS: Final = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))  # the same in all languages


def instant(day: str, clock: str, zone: str) -> datetime:
    """A local date and clock time as aware UTC; refused where that minute came twice or not at all."""
    try:
        wall = datetime.combine(date.fromisoformat(day), time.fromisoformat(clock))
    except ValueError:
        message = _("Write the date like 2026-03-07 and the time like 23:10.")
        raise BadInput(message) from None
    if wall.tzinfo is not None:
        message = _("Write the time without a zone; it is read as %(zone)s.", zone=zone)
        raise BadInput(message)
    place = ZoneInfo(zone)
    try:
        first, second = (wall.replace(tzinfo=place, fold=fold).astimezone(UTC) for fold in (0, 1))
        back = first.astimezone(place).replace(tzinfo=None)
    except (OverflowError, ValueError):
        message = _("This date is out of range.")
        raise BadInput(message) from None
    if back != wall:
        message = _(
            "The clocks were set forward then, and this minute did not exist; write it an hour later."
        )
        raise BadInput(message)
    if first != second:
        message = _(
            "The clocks were set back then: this minute came twice; say how many minutes ago it was instead."
        )
        raise BadInput(message)
    return first


def local(at: datetime, zone: str) -> datetime:
    """An instant on the clocks of a zone."""
    return at.astimezone(ZoneInfo(zone))


def spoken(at: datetime, zone: str) -> Said:
    """An instant for a page, e.g. "Sat 7 Mar, 23:10"."""
    return _Moment(local(at, zone))


def clock_time(written: str) -> Said:
    """A local time that a machine wrote, e.g. "2026-03-07T23:10:00-05:00", for a page."""
    return _Moment(datetime.fromisoformat(written))


def zone_name(zone: str, at: datetime) -> Said:
    """A zone as people know it, e.g. "New York time (EST)"."""
    city = zone.rpartition("/")[2].replace("_", " ")
    short = f"{local(at, zone):%Z}"
    if short.isalpha() and short != city:
        return _("%(city)s time (%(short)s)", city=city, short=short)
    return _("%(city)s time", city=city)


def lasting(span: timedelta) -> str:
    """A length of time in the two units that matter, as a countdown shows it, e.g. "1 d 2 h"; at least 0."""
    left, parts = max(0, int(span.total_seconds())), list[str]()
    for each, name in _UNITS:
        many, left = divmod(left, each)
        if many or parts or each == 1:
            parts.append(f"{many} {name}")
    return " ".join(parts[:2])


def spoken_day(day: date) -> Said:
    """A day for a page, e.g. "Wednesday 1 April"."""
    return _Day(day)


class _Day(Said):
    """A date that reads as people of the page's language write it."""

    __slots__ = ("day",)
    day: date

    def __new__(cls, day: date) -> _Day:
        made = str.__new__(cls, f"{day:%A} {day.day} {day:%B}")
        made.day = day
        return made

    def told(self) -> str:
        tag = language()
        return str(self) if tag == ENGLISH else format_date(self.day, _DAY_PATTERN, locale=tag)


class _Moment(Said):
    """A local time that reads as people of the page's language write it."""

    __slots__ = ("here",)
    here: datetime

    def __new__(cls, here: datetime) -> _Moment:
        made = str.__new__(cls, f"{here:%a} {here.day} {here:%b}, {here:%H:%M}")
        made.here = here
        return made

    def told(self) -> str:
        tag = language()
        return str(self) if tag == ENGLISH else format_datetime(self.here, _PATTERN, locale=tag)
