"""What the stop list keeps of people: everything that says "no more", as it stands at each commit.

Found by watching the rows that change, not by asking each act to remember: an act that is written next year
is covered too. Nothing here is a name or a number; a number stands as its keyed hash.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import event, inspect
from sqlalchemy.orm import Session, UOWTransaction

from cism.domain.people import PersonStatus
from cism.store.tables import AffectedPerson, Person

GONE: Final = "gone"  # removed from the roster: name, number and address were forgotten
PERSON: Final = "person"
CONTACTS: Final = "contacts"
_TOUCHED: Final = "restraints"
_OF_PERSON: Final = (
    "phone_hash",
    "status",
    "opted_out_at",
    "frozen_at",
    "care_held_at",
    "revoked_pages",
    "revoked_care",
    "consent_pages",
    "consent_care",
)
_OF_CONTACTS: Final = ("ended_at",)
WATCHED: Final = frozenset({*_OF_PERSON, *_OF_CONTACTS})
PER_LINE: Final = 200  # entries: a roster of thousands makes several lines


def of_person(row: Person) -> dict[str, Any]:
    """One person's entry."""
    return {
        "what": PERSON,
        "id": row.id,
        "phone": row.phone_hash,
        "status": row.status.value,
        "stopped": _stamp(row.opted_out_at),
        "frozen": _stamp(row.frozen_at),
        "held": _stamp(row.care_held_at),
        "no_pages": row.revoked_pages or not row.consent_pages,
        "no_care": row.revoked_care or not row.consent_care,
        GONE: row.phone is None and row.email is None and row.revoked_pages and row.revoked_care,
    }


def of_contacts(row: AffectedPerson) -> dict[str, Any]:
    """The end of one incident's contacts with one person, or that they go on again."""
    return {
        "what": CONTACTS,
        "id": row.id,
        "incident": row.incident_id,
        PERSON: row.person_id,
        "ended": _stamp(row.ended_at),
        "reason": row.ended_reason,
    }


def restrains(entry: Mapping[str, Any]) -> bool:
    """Whether an entry forbids anything at all."""
    if entry["what"] == CONTACTS:
        return entry["ended"] is not None
    words = ("stopped", "frozen", "held", "no_pages", "no_care", GONE)
    return entry["status"] != PersonStatus.ACTIVE.value or any(entry[word] for word in words)


def touched(session: Session) -> list[dict[str, Any]]:
    """The entries of everybody whose restraints this transaction changed, as they stand now."""
    found = []
    for table, row_id in sorted(session.info.pop(_TOUCHED, {})):
        if table == PERSON and (person := session.get(Person, row_id)) is not None:
            found.append(of_person(person))
        if table == CONTACTS and (item := session.get(AffectedPerson, row_id)) is not None:
            found.append(of_contacts(item))
    return found


def _watch(session: Session, _context: UOWTransaction) -> None:
    # a set of ids and not of rows: a savepoint that was given up leaves a row as it was before
    mine: dict[tuple[str, str], None] = session.info.setdefault(_TOUCHED, {})
    for row in session.dirty:
        if isinstance(row, Person) and _changed(row, _OF_PERSON):
            mine[PERSON, row.id] = None
        elif isinstance(row, AffectedPerson) and _changed(row, _OF_CONTACTS):
            mine[CONTACTS, row.id] = None
    for row in session.new:
        if isinstance(row, Person) and restrains(of_person(row)):
            mine[PERSON, row.id] = None
        elif isinstance(row, AffectedPerson) and row.ended_at is not None:
            mine[CONTACTS, row.id] = None


def _changed(row: object, names: tuple[str, ...]) -> bool:
    attributes = inspect(row).attrs
    return any(attributes[name].history.has_changes() for name in names)


def _stamp(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None


event.listen(Session, "after_flush", _watch)
