"""Makers of people and incidents for the tests of the choice of helpers."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from cism.domain.incident import Affected, Circle, Incident, Severity
from cism.domain.people import Cert, Person, Role, SleepWindow
from cism.domain.selection import SelectionContext

NOON = datetime(2026, 10, 7, 12, 0, tzinfo=UTC)
NIGHT = datetime(2026, 10, 7, 3, 0, tzinfo=UTC)
SFA = Cert("SFA", date(2027, 12, 31))
NIGHTS = SleepWindow(time(9, 0), time(17, 0))  # sleeps by day


def peer(person_id: str = "p", **changes: Any) -> Person:
    """Somebody who passes every rule."""
    given: dict[str, Any] = {
        "id": person_id,
        "agency": "metro",
        "roles": frozenset({Role.RESPONDER, Role.PEER}),
        "unit": f"unit-{person_id}",
        "consent_pages": True,
        "designated_at": date(2025, 1, 1),
        "certs": (SFA,),
    }
    return Person(**given | changes)


def responder(person_id: str, **changes: Any) -> Person:
    """Somebody who may be affected."""
    return Person(**{"id": person_id, "agency": "metro", "unit": f"unit-{person_id}"} | changes)


def incident(
    *people: tuple[str, Circle],
    severity: Severity = Severity.S3,
    logged_by: str | None = None,
    ref: str = "i1",
) -> Incident:
    """An incident that ended an hour before noon."""
    listed = tuple(
        Affected(person_id=i, circle=circle, exposure_end=NOON - timedelta(hours=1), added_at=NOON)
        for i, circle in people
    )
    return Incident(
        id=ref,
        ref=ref,
        agency="metro",
        type="OTHER",
        severity=severity,
        logged_at=NOON,
        occurred_at=NOON - timedelta(hours=2),
        logged_by=logged_by,
        affected=listed,
    )


def context(
    *affected: Person, circle: Circle = Circle.A, severity: Severity = Severity.S3, **changes: Any
) -> SelectionContext:
    """A choice at noon for an incident with these people in one circle."""
    given: dict[str, Any] = {
        "incident": incident(*((person.id, circle) for person in affected), severity=severity),
        "now": NOON,
        "people": {person.id: person for person in affected},
    }
    return SelectionContext(**given | changes)
