"""Readers of single cells; each returns a value or raises RowRefusedError with the reason in words."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from cism.domain.csv_lines import garbled, shown

EARLIEST, LATEST = date(1900, 1, 1), date(2199, 12, 31)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_STAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?")
_HALF_DAY_CLOCK = re.compile(r"(1[0-2]|0?[1-9]):([0-5][0-9]) ?([AP])M", re.IGNORECASE)
_COUNT = re.compile(r"[0-9]{1,3}(,[0-9]{3})+|[0-9]{1,9}")
_NUMBER = re.compile(r"-?[0-9]{1,3}(\.[0-9]{1,12})?")
_LONGEST = 200


class RowRefusedError(ValueError):
    """A row cannot be used; the message is the reason."""


def words(column: str, value: str) -> str:
    """A text that must be there and be readable; inner spaces are made single."""
    found = optional_words(column, value)
    if not found:
        message = f"{column} is empty"
        raise RowRefusedError(message)
    return found


def optional_words(column: str, value: str) -> str:
    """A text that may be empty and must be readable."""
    if garbled(value):
        message = f"{column} holds garbled characters"
        raise RowRefusedError(message)
    if len(value) > _LONGEST:
        message = f"{column} is longer than {_LONGEST} characters"
        raise RowRefusedError(message)
    return " ".join(value.split())


def day(column: str, value: str) -> date:
    """An ISO date of the years 1900 to 2199."""
    try:
        found = date.fromisoformat(value) if _DATE.fullmatch(value) else None
    except ValueError:
        found = None
    if found is None or not EARLIEST <= found <= LATEST:
        message = f"{column} {shown(value)} is not a possible date"
        raise RowRefusedError(message)
    return found


def stamp(column: str, value: str) -> datetime:
    """A local date and time without offset, like 2014-01-22T08:36:42; naive on purpose."""
    try:
        found = datetime.fromisoformat(value) if _STAMP.fullmatch(value) else None
    except ValueError:
        found = None
    if found is None or not EARLIEST <= found.date() <= LATEST:
        message = f"{column} {shown(value)} is not a possible time"
        raise RowRefusedError(message)
    return found


def half_day_clock(column: str, value: str) -> time | None:
    """A clock time like `8:15 AM` or `2:30PM`; None where the cell is empty."""
    if not value:
        return None
    match = _HALF_DAY_CLOCK.fullmatch(value)
    if not match:
        message = f"{column} {shown(value)} is not a possible clock time"
        raise RowRefusedError(message)
    return time(int(match[1]) % 12 + (12 if match[3] in "Pp" else 0), int(match[2]))


def count(column: str, value: str) -> int:
    """A whole number from 0 on; `1,369` is read too."""
    if not _COUNT.fullmatch(value):
        what = "a negative number" if value.startswith("-") else "not a whole number"
        message = f"{column} {shown(value)} is {what}"
        raise RowRefusedError(message)
    return int(value.replace(",", ""))


def coordinates(latitude: str, longitude: str) -> tuple[float, float] | None:
    """Degrees north and east, or None where either cell is empty."""
    if not latitude or not longitude:
        return None
    if not (_NUMBER.fullmatch(latitude) and _NUMBER.fullmatch(longitude)):
        message = f"coordinates {shown(latitude)}, {shown(longitude)} are not numbers"
        raise RowRefusedError(message)
    lat, lng = float(latitude), float(longitude)
    if abs(lat) > 90 or abs(lng) > 180:
        message = f"coordinates {lat}, {lng} are not on earth"
        raise RowRefusedError(message)
    return lat, lng


def from_local(column: str, local: datetime, zone: str, *, not_before: datetime | None = None) -> datetime:
    """The UTC instant of a local clock time.

    A time that a change of clocks skipped never was: refused. Of a time that came twice the first is
    taken (daylight saving time), unless that lies before `not_before`: then the second.
    """
    place = ZoneInfo(zone)
    first = local.replace(tzinfo=place, fold=0).astimezone(UTC)
    if first.astimezone(place).replace(tzinfo=None) != local:
        message = f"{column} {local.isoformat()} never was in {zone}: the clocks went forward over it"
        raise RowRefusedError(message)
    if not_before is not None and first < not_before:
        return local.replace(tzinfo=place, fold=1).astimezone(UTC)
    return first


def came_twice(local: datetime, zone: str) -> bool:
    """Whether a change of clocks made this local time come twice."""
    place = ZoneInfo(zone)
    offsets = {local.replace(tzinfo=place, fold=fold).utcoffset() for fold in (0, 1)}
    back = local.replace(tzinfo=place).astimezone(UTC).astimezone(place).replace(tzinfo=None)
    return len(offsets) == 2 and back == local


def not_in_future(found: date, today: date | None) -> None:
    """Refuse a day after tomorrow or later; tomorrow has begun somewhere when it is still today here."""
    if today is not None and found > today + timedelta(days=1):
        message = f"{found.isoformat()} lies in the future"
        raise RowRefusedError(message)
