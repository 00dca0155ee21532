"""Names and moments as they stand in a text: short, plain, and in the GSM-7 alphabet."""

import unicodedata
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from notifications.gsm import BASIC

NAME_LIMIT: Final = 20
"""The longest name in a text, in characters; each costs one GSM-7 unit."""

_PLAIN: Final = BASIC - {"\n", "\r"}
# Letters that carry their stroke or ligature inside, which Unicode therefore does not take apart.
_NEAREST: Final = str.maketrans(
    {
        "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "\u0131": "i",
        "œ": "oe", "Œ": "OE", "ħ": "h", "Ħ": "H", "ŋ": "n", "Ŋ": "N", "ẞ": "SS", "\u02bb": "'",
        "\u2018": "'", "\u2019": "'", "\u02bc": "'", "`": "'", "\u00b4": "'", "\u201c": '"', "\u201d": '"',
        "\u2010": "-", "\u2011": "-", "\u2013": "-", "\u2014": "-", "\u2026": "...",
    }
)  # fmt: skip
_TITLES: Final = frozenset(
    {
        "capt",
        "captain",
        "chaplain",
        "chief",
        "deputy",
        "dr",
        "lt",
        "mr",
        "mrs",
        "ms",
        "mx",
        "officer",
        "rev",
        "sgt",
    }
)
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def plain_text(text: str) -> str:
    """`text` on one line in one-unit GSM-7 characters; others become their nearest letter or are left out."""
    nearest = "".join(_nearest(c) for c in unicodedata.normalize("NFC", text).translate(_NEAREST))
    return " ".join(nearest.split())


def cut(text: str, limit: int = NAME_LIMIT) -> str:
    """`text` plain, and no longer than `limit` characters."""
    return plain_text(text)[:limit].rstrip()


def short_name(name: str) -> str:
    """What to call a person: the first name, at most 20 GSM-7 characters.

    "Rivera, Jordan" is Jordan; a name that begins with a title or an initial stays whole. It is empty
    where no letter of it can be written in GSM-7: templates then greet without a name.
    """
    plain = plain_text(name)
    family, _, given = plain.partition(",")
    words = (given.strip() or family).split()
    if not words:
        return ""
    first = words[0]
    formal = first.endswith(".") or len(first) == 1 or first.lower() in _TITLES
    return cut(" ".join(words) if formal else first)


def by_text(at: datetime, now: datetime, zone: str) -> str:
    """A deadline on the reader's own clock, at most 10 characters: "14:00", "Tue 14:00" or "Tue 10 Mar".

    Both moments are aware; `zone` is the reader's. The clock time is left out from the seventh day on.
    """
    local, today = _local(at, now, zone)
    if local.date() == today.date():
        return f"{local:%H:%M}"
    if today.date() < local.date() < today.date() + timedelta(days=7):
        return f"{_DAYS[local.weekday()]} {local:%H:%M}"
    return _date(local)


def when_text(at: datetime, now: datetime, zone: str) -> str:
    """An appointment on the reader's own clock, at most 16 characters: "14:00" or "Tue 10 Mar 14:00"."""
    local, today = _local(at, now, zone)
    clock = f"{local:%H:%M}"
    return clock if local.date() == today.date() else f"{_date(local)} {clock}"


def span_text(start: datetime, end: datetime, zone: str) -> str:
    """From when until when on the reader's own clock, at most 33 characters."""
    place = ZoneInfo(zone)
    since, until = start.astimezone(place), end.astimezone(place)
    return f"{_date(since)} {since:%H:%M}-{_date(until)} {until:%H:%M}"


def _local(at: datetime, now: datetime, zone: str) -> tuple[datetime, datetime]:
    place = ZoneInfo(zone)
    return at.astimezone(place), now.astimezone(place)


def _date(local: datetime) -> str:
    return f"{_DAYS[local.weekday()]} {local.day} {_MONTHS[local.month - 1]}"


def _nearest(character: str) -> str:
    if character in _PLAIN:
        return character
    if character.isspace():
        return " "
    return "".join(c for c in unicodedata.normalize("NFKD", character) if c in _PLAIN)
