"""When each affected person is to be asked how they are: the contract's cadence, written down again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from demo.checking.evidence import Affected, Incident, Person
from demo.checking.hours import before_anniversary, end_of_date, last_open, next_open, on_date

_H = timedelta(hours=1)
BY_SEVERITY = {
    "S1": ("f1", "f7", "f30"),
    "S2": ("f1", "f3", "f7", "f30", "f90"),
    "S3": ("f1", "f3", "f7", "f30", "f90"),
    "S4": ("f1", "f3", "f7", "f30", "f90"),
}
BY_WISH = {"S1": ("fA",), "S2": ("fA",), "S3": ("f180", "fA"), "S4": ("f180", "fA")}
_LAST_DAY = {"f7": 8, "f30": 33, "f90": 95, "f180": 190}


@dataclass(frozen=True)
class Point:
    """One contact point of one person: due then, and not after `expires`."""

    name: str
    ref: str
    circle: str
    due: datetime
    expires: datetime
    last: bool
    earliest: datetime  # an older check-in, of another incident, does not speak for this one
    kin_told: datetime | None = None  # no text before it, where somebody close died on duty


def points_of(incident: Incident, affected: Affected, person: Person, *, by_wish: bool) -> list[Point]:
    """The points of one person of one incident, in order of time."""
    names = BY_WISH[incident.severity] if by_wish else BY_SEVERITY[incident.severity]
    dues = {name: due_of(name, affected.exposure_end, person) for name in names}
    earliest = affected.exposure_end + 16 * _H
    found = []
    for place, name in enumerate(names):
        following = dues[names[place + 1]] if place + 1 < len(names) else None
        expires = _expires(name, affected.exposure_end, person, following)
        last = not by_wish and name == names[-1]
        kin = incident.kin_told if incident.type == "LODD" and affected.circle in "DF" else None
        found.append(Point(name, incident.ref, affected.circle, dues[name], expires, last, earliest, kin))
    return found


def due_of(name: str, end: datetime, person: Person) -> datetime:
    """The due moment of a point, from the person's own end of exposure."""
    if name == "f1":
        due = next_open(end + 24 * _H, person.hours)
        if due <= end + 40 * _H:
            return due
        return last_open(end + 16 * _H, end + 24 * _H, person.hours) or due
    if name == "f3":
        return next_open(end + 72 * _H, person.hours)
    if name == "fA":
        return before_anniversary(end, 7, person.hours)
    return on_date(end, int(name[1:]), person.hours)


def _expires(name: str, end: datetime, person: Person, following: datetime | None) -> datetime:
    if name == "f1":
        return following or end + 40 * _H
    if name == "f3":
        return min(end + 96 * _H, following or end + 96 * _H)
    if name == "fA":
        return before_anniversary(end, 1, person.hours)
    closes = end_of_date(end, _LAST_DAY[name], person.hours)
    return min(closes, following) if following else closes
