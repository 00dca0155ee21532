"""What one cell of a roster may hold; each reader returns a value or raises CellError with what to do.

Messages never repeat an id, a name, a number or an address: they end in terminals and logs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, time
from enum import StrEnum
from functools import cache
from typing import TypeVar
from zoneinfo import available_timezones

import phonenumbers

from cism.domain.csv_lines import did_you_mean, garbled, shown
from cism.domain.people import Cert, Discipline, PersonStatus, Role, SleepWindow

KNOWN_CERTS: Mapping[str, str] = {
    "AIC": "assisting individuals in crisis",
    "GCI": "group crisis intervention",
    "SFA": "stress first aid",
    "TRIM": "trauma risk management",
    "LICENSE": "mental health licence",
}
PEER_CERTS = frozenset({"AIC", "GCI", "SFA", "TRIM"})
_AGENCY = re.compile(r"[a-z0-9-]{2,32}")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_EMAIL = re.compile(r"[^@\s,;]+@[^@\s,;]+\.[^@\s,;]+")
_LANGUAGE = re.compile(r"[a-z]{2}")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_LONGEST_TEXT = 80
_Choice = TypeVar("_Choice", bound=StrEnum)


class CellError(ValueError):
    """One cell cannot be read."""


def required(value: str) -> str:
    """A text that must be there, at most 80 characters."""
    if not value:
        message = "is empty; it is needed"
        raise CellError(message)
    return text(value)


def text(value: str) -> str:
    """A text that may be empty, at most 80 characters, without control characters."""
    if garbled(value):
        message = "holds unreadable characters; save the file as UTF-8 and type the value again"
        raise CellError(message)
    if len(value) > _LONGEST_TEXT:
        message = f"is longer than {_LONGEST_TEXT} characters; shorten it"
        raise CellError(message)
    return value


def agency(value: str) -> str:
    """An agency key."""
    if not _AGENCY.fullmatch(value):
        message = f"{shown(value)} is not an agency key; use 2 to 32 of a-z, 0-9 and - (like metro-pd)"
        raise CellError(message)
    return value


def person_id(value: str) -> str:
    """An id inside its agency."""
    if not _ID.fullmatch(value):
        message = "is not an id; use 1 to 64 letters, digits and . _ @ - and begin with a letter or digit"
        raise CellError(message)
    return value


def reference(value: str, own_agency: str) -> str:
    """`ID` (same agency) or `agency:ID`, as `agency:ID`."""
    if ":" not in value:
        return f"{own_agency}:{person_id(value)}"
    other, _, rest = value.partition(":")
    return f"{agency(other)}:{person_id(rest)}"


def references(value: str, own_agency: str) -> frozenset[str]:
    """A `;` list of references, as keys `agency:ID`."""
    return frozenset(reference(part, own_agency) for part in items(value))


def phone(value: str, region: str) -> str:
    """A number in E.164; national numbers are read in `region` (two letters, like US)."""
    try:
        number = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException as error:
        message = f"is not a phone number; write +1… or a national number of {region}"
        raise CellError(message) from error
    if not phonenumbers.is_valid_number(number) or number.extension:
        message = f"is not a number that can be called; check it, write +1… or nationally for {region}"
        raise CellError(message)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def email(value: str) -> str:
    """An address, or empty."""
    if value and not _EMAIL.fullmatch(text(value)):
        message = "is not an e-mail address; correct it or leave it empty"
        raise CellError(message)
    return value


def choice(value: str, kind: type[_Choice]) -> _Choice:
    """One member of an enumeration."""
    try:
        return kind(value)
    except ValueError as error:
        known = [member.value for member in kind]
        hint = did_you_mean(value, known)
        message = f"{shown(value)} is not known{hint}; use one of {' '.join(known)}"
        raise CellError(message) from error


def discipline(value: str) -> Discipline:
    """The service a person works in."""
    return choice(value, Discipline)


def status(value: str) -> PersonStatus:
    """active, leave, retired or deceased."""
    return choice(value, PersonStatus)


def roles(value: str) -> frozenset[Role]:
    """At least one role, `;` between."""
    parts = items(value)
    if not parts:
        message = "is empty; write at least responder"
        raise CellError(message)
    return frozenset(choice(part, Role) for part in parts)


def zone(value: str) -> str:
    """An IANA time zone."""
    known = _zones()
    if value not in known:
        hint = did_you_mean(value, sorted(known))
        message = f"{shown(value)} is not a time zone{hint}; write one like America/New_York"
        raise CellError(message)
    return value


@cache
def _zones() -> frozenset[str]:
    # Names like EST or Factory are offsets or leftovers without daylight saving: never what a roster means.
    places = {name for name in available_timezones() if "/" in name and not name.startswith("Etc/")}
    return frozenset(places | {"UTC"})


def language(value: str) -> str:
    """Two letters; empty means English."""
    if not value:
        return "en"
    if not _LANGUAGE.fullmatch(value):
        message = f"{shown(value)} is not a language; write two letters like en or es, or leave it empty"
        raise CellError(message)
    return value


def yes_no(value: str) -> bool:
    """A consent: only `yes` or `no` count, never an empty cell."""
    if value not in {"yes", "no"}:
        message = f"{shown(value)} is neither yes nor no"
        raise CellError(message)
    return value == "yes"


def day(value: str) -> date:
    """An ISO 8601 date."""
    try:
        if _DATE.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    message = f"{shown(value)} is not a date; write it like 2027-03-31"
    raise CellError(message)


def clock(value: str) -> time:
    """A local clock time HH:MM."""
    match = _CLOCK.fullmatch(value)
    if not match:
        message = f"{shown(value)} is not a clock time; write HH:MM from 00:00 to 23:59"
        raise CellError(message)
    return time(int(match[1]), int(match[2]))


def sleep(start: str, end: str) -> SleepWindow:
    """When a person sleeps; both empty means the default of SleepWindow."""
    if not start and not end:
        return SleepWindow()
    if not start or not end:
        message = "give both sleep_start and sleep_end, or neither"
        raise CellError(message)
    window = SleepWindow(clock(start), clock(end))
    if window.start == window.end:
        message = "sleep_start and sleep_end are equal; leave both empty for 21:00-08:00"
        raise CellError(message)
    return window


def certs(value: str) -> tuple[Cert, ...]:
    """`NAME@EXPIRES;…` with known names."""
    return tuple(_cert(part) for part in items(value))


def _cert(part: str) -> Cert:
    name, at, expires = part.partition("@")
    if name not in KNOWN_CERTS:
        hint = did_you_mean(name, list(KNOWN_CERTS))
        message = f"{shown(name)} is not a known certificate{hint}; known: {' '.join(KNOWN_CERTS)}"
        raise CellError(message)
    if not at:
        message = f"{name} has no expiry; write {name}@2027-03-31"
        raise CellError(message)
    return Cert(name, day(expires))


def items(value: str) -> list[str]:
    """The parts of a `;` list without empty ones."""
    return [part.strip() for part in value.split(";") if part.strip()]
