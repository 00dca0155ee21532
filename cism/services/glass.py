"""Break-glass: somebody whom the table refuses looks all the same, for an hour, and another hears of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.access import Act, may_do
from cism.domain.break_glass import LASTS, GlassReason, refused_because, witness_of
from cism.domain.people import Role
from cism.errors import NotAllowed, NotFound
from cism.services import events, people, unsent, words
from cism.store.db import offset, real_now
from cism.store.tables import BrokenGlass, Incident, Person
from notifications import messages as m


@dataclass(frozen=True, slots=True)
class Reachable:
    """Somebody on the list, and how to reach them."""

    person_id: str
    circle: str
    name: str = field(repr=False)
    phone: str | None = field(repr=False)


def broken(session: Session, row: Incident, *, reason: GlassReason, by: Person, now: datetime) -> BrokenGlass:
    """Break it for one incident: an hour, and a text to the clinical director at once. Raises NotAllowed."""
    _refuse_unfit(session, row, by)
    made = BrokenGlass(
        person_id=by.id,
        incident_id=row.id,
        reason=reason,
        broken_at=now,
        ends_real=real_now(session) + LASTS,
        reads=0,
    )
    session.add(made)
    session.flush()
    events.record(session, "glass.broken", now, subject_id=made.id, actor_id=by.id, after=reason.value)
    for one in _witnesses(session, row, by):
        at = m.when_text(now, now, one.zone)
        message = m.Looked(agency=words.agency_name(session, row.agency), at=at)
        words.put(session, message, f"looked:{made.id}:{one.id}", now, one)
    return made


def look(session: Session, glass_id: str, *, by: Person) -> tuple[BrokenGlass, list[Reachable]]:
    """Who is on the list and how to reach them; every look counts. Raises NotFound once the hour is over."""
    made = session.get(BrokenGlass, glass_id, with_for_update=True)
    if made is None or made.person_id != by.id or made.ends_real <= real_now(session):
        message = "there is no look-up of yours by that id, or its hour is over"
        raise NotFound(message)
    row = session.get_one(Incident, made.incident_id)
    _refuse_unfit(session, row, by)  # they may have become affected, or command, meanwhile
    made.reads += 1
    known = people.by_ids(session, [item.person_id for item in row.affected])
    found = []
    for item in row.affected:
        one = known[item.person_id]
        found.append(Reachable(one.roster_id, item.circle.value, one.name, one.phone))
    return made, found


def listed(session: Session, agency: str) -> Sequence[tuple[BrokenGlass, Incident, Person]]:
    """Every breaking of an agency's glass, newest first."""
    query = (
        select(BrokenGlass, Incident, Person)
        .join(Incident, Incident.id == BrokenGlass.incident_id)
        .join(Person, Person.id == BrokenGlass.person_id)
        .where(Incident.agency == agency)
        .order_by(BrokenGlass.broken_at.desc(), BrokenGlass.id)
    )
    return [(made, row, who) for made, row, who in session.execute(query)]


def ends_at(session: Session, made: BrokenGlass) -> datetime:
    """When its hour is over, in product time."""
    return made.ends_real + timedelta(seconds=offset(session))


def _refuse_unfit(session: Session, row: Incident, by: Person) -> None:
    roles = frozenset(item.role for item in by.roles)
    affected = not people.is_staff_for(session, by, row.id)
    if problem := refused_because(roles, affected=affected):
        raise NotAllowed(problem)
    if not may_do(roles, Act.BREAK_GLASS, same_agency=by.agency == row.agency):
        message = "a peer, a clinician or a coordinator of the incident's own agency may: call the duty phone"
        raise NotAllowed(message)


def _witnesses(session: Session, row: Incident, by: Person) -> list[Person]:
    """Whoever is to hear of it, never the one who looked; without one, the coordinators."""
    wanted = witness_of(frozenset[Role](item.role for item in by.roles))
    found = [
        one
        for one in people.with_role(session, [wanted], row.agency)
        if one.id != by.id and people.reachable(one)
    ]
    return found or unsent.coordinators(session, row.agency, but=by.id)
