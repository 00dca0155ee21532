"""Swaps: somebody asks a colleague to take a turn, perhaps for one in return. Only a yes changes anything."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from cism.domain import on_call as rules
from cism.domain.people import Role
from cism.errors import AlreadyDone, BadInput, NotFound
from cism.services import events, on_call, people, swap_telling
from cism.services.on_call import Calendar, OwnTurn
from cism.store.on_call_tables import ChangeState, OnCallChange
from cism.store.tables import Person, Step

AHEAD: Final = timedelta(days=14)  # design: whose turn it is later than that may change without a swap
Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Swap:
    """One question between two colleagues: `from_id` gives `span` away, perhaps for `in_return`."""

    id: str
    role: Role
    from_id: str
    to_id: str
    span: Span
    in_return: Span | None


def ask(
    session: Session,
    person: Person,
    role: Role,
    to_id: str,
    span: Span,
    now: datetime,
    *,
    in_return: Span | None = None,
) -> OnCallChange:
    """Ask a colleague to take a span of one's own turn. Raises BadInput where either turn is not theirs."""
    calendar = Calendar(person.agency, role)
    if to_id == person.id or on_call.cannot_serve(session, calendar, to_id):
        message = "Choose a colleague of the same role in your agency who can be paged."
        raise BadInput(message)
    _refuse_past(span, in_return, now)
    _refuse_not_theirs(session, calendar, person.id, to_id, span, in_return)
    row = OnCallChange(
        agency=person.agency,
        role=role,
        person_id=person.id,
        instead_id=to_id,
        starts_at=span[0],
        ends_at=span[1],
        return_starts_at=in_return[0] if in_return else None,
        return_ends_at=in_return[1] if in_return else None,
        state=ChangeState.ASKED,
        made_at=now,
    )
    session.add(row)
    session.flush()
    swap_telling.asked(session, row, now)
    return row


def turn_on(
    session: Session, owner: str, day: date, zone: str, now: datetime, role: Role | None = None
) -> OwnTurn | None:
    """The one turn of `owner` that begins on this day by the clocks of `zone`; None for none or several."""
    place = ZoneInfo(zone)
    fitting = [
        one
        for one in on_call.own_turns(session, owner, now, now + AHEAD)
        if one.start.astimezone(place).date() == day and role in {None, one.role}
    ]
    return fitting[0] if len(fitting) == 1 else None


def ask_once(
    session: Session,
    person: Person,
    turn: OwnTurn,
    to_id: str,
    now: datetime,
    *,
    in_return: Span | None = None,
) -> None:
    """Ask a colleague to take one whole turn; asked already, and not decided, it does nothing more."""
    span = (turn.start, turn.end)
    asked = [one for one in open_swaps(session, person.id, now) if one.from_id == person.id]
    if not any(one.span == span and one.to_id == to_id for one in asked):
        ask(session, person, turn.role, to_id, span, now, in_return=in_return)


def colleagues(session: Session, person: Person, role: Role) -> list[Person]:
    """Whom somebody may ask: the same role in the same agency, and can be paged; by name."""
    calendar = Calendar(person.agency, role)
    found = [one for one in people.with_role(session, [role]) if one.id != person.id]
    found = [one for one in found if not on_call.cannot_serve(session, calendar, one.id)]
    return sorted(found, key=lambda one: (one.name, one.id))


def open_swaps(session: Session, person_id: str, now: datetime) -> list[Swap]:
    """What this person has asked or is asked, and is not decided; a turn that has begun is past asking."""
    rows = session.scalars(
        select(OnCallChange)
        .where(
            or_(OnCallChange.person_id == person_id, OnCallChange.instead_id == person_id),
            OnCallChange.state == ChangeState.ASKED,
            OnCallChange.starts_at > now,
        )
        .order_by(OnCallChange.starts_at, OnCallChange.id)
    )
    return [_swap(row) for row in rows]


def accept(session: Session, swap_id: str, by: str, now: datetime) -> None:
    """The colleague takes it; from now on the turn is theirs.

    Raises NotFound for whoever was not asked, AlreadyDone where it was decided or began, BadInput where the
    turns have changed hands meanwhile.
    """
    row = _asked(session, swap_id, by, now)
    if row.person_id is None or row.instead_id is None:
        raise NotFound
    swap, calendar = _swap(row), Calendar(row.agency, row.role)
    if on_call.cannot_serve(session, calendar, row.instead_id):
        message = "You cannot stand in this calendar now: tell the coordinator."
        raise BadInput(message)
    _refuse_not_theirs(session, calendar, row.person_id, row.instead_id, swap.span, swap.in_return)
    row.state, row.decided_at = ChangeState.HOLDS, now
    events.record(session, "on_call.swapped", now, subject_id=row.id, actor_id=by)
    swap_telling.decided(session, row, now, taken=True)
    _ask_nobody_else(session, row, now)


def refuse(session: Session, swap_id: str, by: str, now: datetime) -> None:
    """The colleague does not take it; no reason is asked. Raises as `accept` does."""
    row = _asked(session, swap_id, by, now)
    row.state, row.decided_at = ChangeState.REFUSED, now
    swap_telling.decided(session, row, now, taken=False)


def withdraw(session: Session, swap_id: str, by: str, now: datetime) -> None:
    """Whoever asked takes the question back. Raises NotFound, AlreadyDone."""
    row = session.get(OnCallChange, swap_id, with_for_update=True)
    if row is None or row.person_id != by:
        raise NotFound
    if row.state is not ChangeState.ASKED:
        raise AlreadyDone
    _take_back(session, row, now)


def on_over(session: Session, step: Step, now: datetime) -> str | None:
    """A turn begins that a colleague was asked to take and has not answered: whoever has it is told."""
    row = session.get(OnCallChange, step.subject_id or "", with_for_update=True)
    if row is None or row.state is not ChangeState.ASKED or row.person_id is None or row.instead_id is None:
        return "decided meanwhile"
    row.state, row.decided_at = ChangeState.WITHDRAWN, now
    swap_telling.nobody(session, row, now)
    return "nobody answered"


def _take_back(session: Session, row: OnCallChange, now: datetime) -> None:
    row.state, row.decided_at = ChangeState.WITHDRAWN, now
    swap_telling.withdrawn(session, row, now)


def _ask_nobody_else(session: Session, taken: OnCallChange, now: datetime) -> None:
    """Others who were asked for the same hours need not answer any more."""
    rows = session.scalars(
        select(OnCallChange).where(
            OnCallChange.person_id == taken.person_id,
            OnCallChange.state == ChangeState.ASKED,
            OnCallChange.role == taken.role,
            OnCallChange.instead_id.is_not(None),
            OnCallChange.starts_at < taken.ends_at,
            OnCallChange.ends_at > taken.starts_at,
        )
    )
    for row in rows.all():
        _take_back(session, row, now)


def _asked(session: Session, swap_id: str, by: str, now: datetime) -> OnCallChange:
    row = session.get(OnCallChange, swap_id, with_for_update=True)
    if row is None or row.instead_id != by:
        raise NotFound
    if row.state is not ChangeState.ASKED or row.starts_at <= now:
        raise AlreadyDone
    return row


def _swap(row: OnCallChange) -> Swap:
    back = row.return_starts_at, row.return_ends_at
    return Swap(
        row.id,
        row.role,
        row.person_id or "",
        row.instead_id or "",
        (row.starts_at, row.ends_at),
        (back[0], back[1]) if back[0] is not None and back[1] is not None else None,
    )


def _refuse_past(span: Span, in_return: Span | None, now: datetime) -> None:
    if span[0] <= now or (in_return is not None and in_return[0] <= now):
        message = "A turn that has begun is not swapped here: call the coordinator."
        raise BadInput(message)


def _refuse_not_theirs(
    session: Session, calendar: Calendar, giver: str, taker: str, span: Span, in_return: Span | None
) -> None:
    wanted = [(giver, span), *([(taker, in_return)] if in_return else [])]
    for person_id, (start, end) in wanted:
        if not rules.holds(on_call.turns(session, calendar, start, end), person_id, start, end):
            message = "That turn is not whose it was: open the page again."
            raise BadInput(message)
