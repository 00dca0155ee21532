"""Calendars that are kept elsewhere: read from a file once, or from their address again and again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from cism.domain import roster_cells
from cism.errors import BadInput, NotFound
from cism.services import ical_fetch, ical_in, people
from cism.services.ical_in import Read
from cism.services.on_call import Calendar
from cism.settings import Settings
from cism.store.db import Database
from cism.store.db import now as product_now
from cism.store.on_call_tables import OnCallCalendar, OnCallTurn

AGAIN_AFTER: Final = timedelta(hours=6)  # a swap made elsewhere is known here within a shift
AFTER_A_FAILURE: Final = timedelta(minutes=30)  # its server may be busy; a wrong address is told meanwhile
AHEAD_DAYS: Final = ical_in.AHEAD.days
UNREADABLE: Final = "unreadable"


@dataclass(frozen=True, slots=True)
class Report:
    """What a calendar held: how many turns were taken, and when those begin that belong to nobody here."""

    turns: int
    strangers: tuple[datetime, ...]


def add(session: Session, calendar: Calendar, zone: str, url: str | None = None) -> OnCallCalendar:
    """A calendar to read; nothing of it is known yet. Raises BadInput for a zone that is none."""
    try:
        zone = roster_cells.zone(zone)
    except roster_cells.CellError as error:
        message = f"zone: {error}"
        raise BadInput(message) from None
    row = OnCallCalendar(agency=calendar.agency, role=calendar.role, zone=zone, url=url)
    session.add(row)
    session.flush()
    return row


def get(session: Session, calendar_id: str) -> OnCallCalendar:
    """The calendar. Raises NotFound."""
    row = session.get(OnCallCalendar, calendar_id)
    if row is None:
        message = f"there is no calendar {calendar_id!r}; `cism on-call calendars` lists them"
        raise NotFound(message)
    return row


def remove(session: Session, calendar_id: str) -> OnCallCalendar:
    """Forget a calendar and its turns. Raises NotFound."""
    row = get(session, calendar_id)
    session.execute(delete(OnCallTurn).where(OnCallTurn.calendar_id == row.id))
    session.delete(row)
    return row


def take(session: Session, row: OnCallCalendar, data: bytes, now: datetime) -> Report:
    """Put what the calendar says in place of what it said before. Raises BadInput, and changes nothing then.

    Turns of nobody here are not taken: they are gaps, and are told.
    """
    found = ical_in.read(data, zone=row.zone, since=now)
    known, strange = ical_in.people_of(found, _Finder(session, row).find)
    if found and not known:
        message = "nobody in this calendar is on the roster with that role: see how people are named there"
        raise BadInput(message)
    _replace(session, row, known)
    row.read_at, row.tried_at, row.until, row.problem = now, now, now + ical_in.AHEAD, None
    return Report(len(known), tuple(one.start for one in strange))


def due(session: Session, now: datetime) -> list[tuple[str, str]]:
    """The calendars whose address is to be read again: id and address."""
    rows = session.scalars(select(OnCallCalendar).where(OnCallCalendar.url.is_not(None)))
    return [(row.id, row.url or "") for row in rows if _is_due(row, now)]


def with_address(session: Session) -> list[tuple[str, str]]:
    """Every calendar that has an address: id and address."""
    rows = session.scalars(select(OnCallCalendar).where(OnCallCalendar.url.is_not(None)))
    return [(row.id, row.url or "") for row in rows]


def of_agency(session: Session, agency: str) -> list[OnCallCalendar]:
    """The calendars of an agency."""
    query = select(OnCallCalendar).where(OnCallCalendar.agency == agency)
    return list(session.scalars(query.order_by(OnCallCalendar.role, OnCallCalendar.id)))


def _is_due(row: OnCallCalendar, now: datetime) -> bool:
    pause = AGAIN_AFTER if row.problem is None else AFTER_A_FAILURE
    return row.tried_at is None or row.tried_at <= now - pause


def refresh_due(db: Database, settings: Settings) -> dict[str, str | None]:
    """Read again what is due, in a thread of its own; as `refresh`."""
    with db.read() as session:
        wanted = due(session, product_now(session))
    return asyncio.run(refresh(db, settings, wanted)) if wanted else {}


async def refresh(
    db: Database, settings: Settings, wanted: Sequence[tuple[str, str]]
) -> dict[str, str | None]:
    """Read these again, each fetched outside of any transaction; by id what went wrong, None where nothing.

    What cannot be read leaves the turns that are known, and says so.
    """
    problems: dict[str, str | None] = {}
    for calendar_id, url in wanted:
        try:
            data = await ical_fetch.fetch(url, private=settings.calendar_private)
            with db.transaction() as session:
                take(session, get(session, calendar_id), data, product_now(session))
            problems[calendar_id] = None
        except NotFound:
            continue  # removed meanwhile
        except BadInput as error:
            problems[calendar_id] = str(error)
            with db.transaction() as session:
                row = session.get(OnCallCalendar, calendar_id)
                if row is not None:
                    row.problem, row.tried_at = UNREADABLE, product_now(session)
    return problems


def _replace(session: Session, row: OnCallCalendar, known: list[tuple[str, Read]]) -> None:
    session.execute(delete(OnCallTurn).where(OnCallTurn.calendar_id == row.id))
    for person_id, one in known:
        session.add(OnCallTurn(calendar_id=row.id, person_id=person_id, starts_at=one.start, ends_at=one.end))
    session.flush()


class _Finder:
    """Finds a person of this role and agency by e-mail, roster id or name; two of one name are nobody."""

    def __init__(self, session: Session, row: OnCallCalendar) -> None:
        self._by: dict[str, set[str]] = {}
        for person in people.with_role(session, [row.role]):
            if person.agency == row.agency:
                for name in (person.email, person.roster_id, person.name):
                    if name:
                        self._by.setdefault(name.strip().casefold(), set()).add(person.id)

    def find(self, name: str) -> str | None:
        """Their id, or None."""
        found = self._by.get(name.strip().casefold(), set())
        return next(iter(found)) if len(found) == 1 else None
