"""Who is on call: rotations and calendars that were read, after all changes; the gaps; a person's own turns.

An agency without any calendar for a role has no gaps: there everybody may be asked, as the roster says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Final

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from cism.domain import on_call as rules
from cism.domain import roster_cells
from cism.domain.on_call import Change, Gap, Rotation, Turn
from cism.domain.people import Role
from cism.errors import BadInput, NotFound
from cism.services import away, people
from cism.store.on_call_tables import ChangeState, OnCallCalendar, OnCallChange, OnCallRotation, OnCallTurn
from cism.store.tables import Person, PersonRole

MOST_DAYS: Final = 31


@dataclass(frozen=True, slots=True)
class Calendar:
    """Whose turns: people of one role in one agency."""

    agency: str
    role: Role


@dataclass(frozen=True, slots=True)
class OwnTurn:
    """One turn of somebody's own."""

    role: Role
    start: datetime
    end: datetime


def turns(session: Session, calendar: Calendar, since: datetime, until: datetime) -> list[Turn]:
    """Everybody's turns that touch this span, after all changes; a piece may begin or end outside of it."""
    return rules.changed(_planned(session, calendar, since, until), _changes(session, calendar, since, until))


def now_on_call(session: Session, role: Role, now: datetime) -> frozenset[str]:
    """The ids of those on call in this role at this moment, in every agency; empty without any calendar."""
    found: set[str] = set()
    for calendar in kept(session, role=role):
        found |= set(rules.at(turns(session, calendar, now, now + timedelta(seconds=1)), now))
    return frozenset(found)


def kept(session: Session, *, agency: str | None = None, role: Role | None = None) -> list[Calendar]:
    """The calendars that there are, of this agency or role where one is given."""
    found: set[Calendar] = set()
    for table in (OnCallRotation, OnCallCalendar):
        query = select(table.agency, table.role).distinct()
        if agency is not None:
            query = query.where(table.agency == agency)
        if role is not None:
            query = query.where(table.role == role)
        found |= {Calendar(key, of) for key, of in session.execute(query)}
    return sorted(found, key=lambda one: (one.agency, one.role.value))


def gaps(session: Session, agency: str, since: datetime, until: datetime) -> dict[Role, list[Gap]]:
    """When nobody who can be reached is on call, for each role that has a calendar in this agency.

    Whoever has the turn and cannot be paged (left, said STOP, took the consent back) or asked to be left
    alone for a while leaves a gap as well.
    """
    found = {}
    resting = away.of_many(session, None, since)
    for calendar in kept(session, agency=agency):
        there = turns(session, calendar, since, until)
        able = _able(session, {turn.person for turn in there}, calendar.role)
        back = [replace(turn, start=max(turn.start, resting.get(turn.person, since))) for turn in there]
        left = rules.gaps((one for one in back if one.person in able and one.start < one.end), since, until)
        if left:
            found[calendar.role] = left
    return found


def own_turns(session: Session, person_id: str, since: datetime, until: datetime) -> list[OwnTurn]:
    """What somebody has themselves, in every role, in order of time."""
    person = people.get(session, person_id)
    found = [
        OwnTurn(calendar.role, turn.start, turn.end)
        for calendar in kept(session, agency=person.agency)
        for turn in turns(session, calendar, since, until)
        if turn.person == person_id and turn.end > since and turn.start < until
    ]
    return sorted(found, key=lambda turn: (turn.start, turn.role.value))


def rotate(
    session: Session,
    calendar: Calendar,
    members: Sequence[str],
    *,
    zone: str,
    first_day: date,
    handover: time,
    days: int,
    now: datetime,
) -> OnCallRotation:
    """Begin a rotation of these people (their ids, in order). Raises BadInput with what cannot be."""
    problems = [] if members else ["a rotation has at least one person"]
    if not 1 <= days <= MOST_DAYS:
        problems.append(f"a turn lasts 1 to {MOST_DAYS} days")
    try:
        zone = roster_cells.zone(zone)
    except roster_cells.CellError as error:
        problems.append(f"zone: {error}")
    problems += _cannot(session, calendar, members)
    if problems:
        raise BadInput("; ".join(problems), errors=problems)
    row = OnCallRotation(
        agency=calendar.agency,
        role=calendar.role,
        members=list(members),
        zone=zone,
        first_day=first_day,
        handover=handover.strftime("%H:%M"),
        days=days,
        made_at=now,
    )
    session.add(row)
    session.flush()
    return row


def rotations(session: Session, agency: str) -> list[OnCallRotation]:
    """Every rotation of an agency, also those that have ended."""
    query = select(OnCallRotation).where(OnCallRotation.agency == agency)
    return list(session.scalars(query.order_by(OnCallRotation.made_at, OnCallRotation.id)))


def end_rotation(session: Session, rotation_id: str, at: datetime) -> OnCallRotation:
    """Let a rotation end at this moment. Raises NotFound."""
    row = session.get(OnCallRotation, rotation_id)
    if row is None:
        message = f"there is no rotation {rotation_id!r}; `cism on-call rotations` lists them"
        raise NotFound(message)
    row.ends_at = at
    return row


def override(
    session: Session,
    calendar: Calendar,
    span: tuple[datetime, datetime],
    *,
    of: str | None,
    instead: str | None,
    now: datetime,
) -> OnCallChange:
    """Let somebody else have the turn, or nobody (a gap is left), by order of whoever makes the calendar."""
    if span[0] >= span[1]:
        message = "the end of a span comes after its beginning"
        raise BadInput(message)
    problems = _cannot(session, calendar, [instead] if instead else [])
    if problems:
        raise BadInput("; ".join(problems), errors=problems)
    row = OnCallChange(
        agency=calendar.agency,
        role=calendar.role,
        person_id=of,
        instead_id=instead,
        starts_at=span[0],
        ends_at=span[1],
        state=ChangeState.HOLDS,
        made_at=now,
        decided_at=now,
    )
    session.add(row)
    session.flush()
    return row


def _planned(session: Session, calendar: Calendar, since: datetime, until: datetime) -> list[Turn]:
    rotations = session.scalars(
        select(OnCallRotation)
        .where(
            OnCallRotation.agency == calendar.agency,
            OnCallRotation.role == calendar.role,
            or_(OnCallRotation.ends_at.is_(None), OnCallRotation.ends_at > since),
        )
        .order_by(OnCallRotation.made_at, OnCallRotation.id)
    )
    found = [turn for row in rotations for turn in rules.turns(_rotation(row), since, until)]
    read = session.execute(
        select(OnCallTurn.person_id, OnCallTurn.starts_at, OnCallTurn.ends_at)
        .join(OnCallCalendar, OnCallCalendar.id == OnCallTurn.calendar_id)
        .where(
            OnCallCalendar.agency == calendar.agency,
            OnCallCalendar.role == calendar.role,
            OnCallTurn.starts_at < until,
            OnCallTurn.ends_at > since,
        )
    )
    return [*found, *(Turn(person, start, end) for person, start, end in read)]


def _rotation(row: OnCallRotation) -> Rotation:
    return Rotation(
        members=tuple(row.members),
        zone=row.zone,
        first_day=row.first_day,
        handover=time.fromisoformat(row.handover),
        days=row.days,
        ends=row.ends_at,
    )


def _changes(session: Session, calendar: Calendar, since: datetime, until: datetime) -> list[Change]:
    rows = session.scalars(
        select(OnCallChange)
        .where(
            OnCallChange.agency == calendar.agency,
            OnCallChange.role == calendar.role,
            OnCallChange.state == ChangeState.HOLDS,
        )
        .order_by(OnCallChange.decided_at, OnCallChange.id)
    )
    return [one for row in rows for one in _both(row) if one.start < until and one.end > since]


def _both(row: OnCallChange) -> Iterator[Change]:
    """A change, and the turn that is given in return for it."""
    yield Change(start=row.starts_at, end=row.ends_at, of=row.person_id, instead=row.instead_id)
    if row.return_starts_at is not None and row.return_ends_at is not None:
        yield Change(
            start=row.return_starts_at, end=row.return_ends_at, of=row.instead_id, instead=row.person_id
        )


def cannot_serve(session: Session, calendar: Calendar, person_id: str) -> bool:
    """Whether somebody may not stand in this calendar: of another agency, without the role, not active."""
    return bool(_cannot(session, calendar, [person_id]))


def _cannot(session: Session, calendar: Calendar, members: Iterable[str]) -> list[str]:
    found = []
    for person_id in dict.fromkeys(members):
        row = people.get(session, person_id)
        held = {item.role for item in row.roles}
        if row.agency != calendar.agency or calendar.role not in held or not people.reachable(row):
            role = calendar.role.value.replace("_", " ")
            found.append(f"{row.roster_id} is no {role} of {calendar.agency} who can be paged")
    return found


def _able(session: Session, ids: set[str], role: Role) -> set[str]:
    query = (
        select(Person.id)
        .join(PersonRole, PersonRole.person_id == Person.id)
        .where(Person.id.in_(ids), PersonRole.role == role, *people.REACHABLE)
    )
    return set(session.scalars(query))
