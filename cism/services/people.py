"""From rows to the snapshots that the rules work on, and who answers for an agency."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session
from sqlalchemy.orm.util import identity_key

from cism.domain import incident as rules
from cism.domain.people import Cert, Person, PersonStatus, Role, SleepWindow
from cism.errors import NotFound
from cism.store import tables
from cism.store.db import find_hash

_HELD: Final = "people held"  # key of a session's own notes


def snapshot(row: tables.Person) -> Person:
    """One person as the rules see them."""
    return Person(
        id=row.id,
        agency=row.agency,
        roles=frozenset(item.role for item in row.roles),
        discipline=row.discipline,
        unit=row.unit,
        station=row.station,
        rank=row.rank,
        reports_to=row.reports_to,
        zone=row.zone,
        sleep=SleepWindow(row.sleep_start, row.sleep_end),
        language=row.language,
        consent_pages=row.consent_pages and not row.revoked_pages,
        consent_care=row.consent_care and not row.revoked_care,
        phone_confirmed=row.phone_confirmed_at is not None,
        opted_out=row.opted_out_at is not None,
        frozen=row.frozen_at is not None,
        care_held=row.care_held_at is not None,
        designated_at=row.designated_at,
        certs=tuple(Cert(item.name, item.expires) for item in row.certs),
        not_with=frozenset(item.other_id for item in row.conflicts),
        status=row.status,
    )


def incident_snapshot(row: tables.Incident) -> rules.Incident:
    """One incident with its affected people as the rules see it."""
    return rules.Incident(
        id=row.id,
        ref=row.ref,
        agency=row.agency,
        type=row.type,
        severity=row.severity,
        logged_at=row.logged_at,
        occurred_at=row.occurred_at,
        ended_at=row.ended_at,
        kin_notified=row.kin_notified,
        funeral_at=row.funeral_at,
        statements_complete=row.statements_complete,
        logged_by=row.logged_by,
        state=row.state,
        affected=tuple(
            rules.Affected(
                person_id=item.person_id,
                circle=item.circle,
                exposure_end=item.exposure_end,
                added_at=item.added_at,
                ended=item.ended_at is not None,
            )
            for item in row.affected
        ),
    )


def get(session: Session, person_id: str) -> tables.Person:
    """The row of somebody who must exist."""
    row = session.get(tables.Person, person_id)
    if row is None:
        message = "no such person on the roster"
        raise NotFound(message)
    return row


def lock_incident(session: Session, incident_id: str) -> tables.Incident:
    """Whoever decides on an incident's state holds its row first: two accepts never overfill a team."""
    query = select(tables.Incident).where(tables.Incident.id == incident_id).with_for_update(key_share=True)
    # what was read before the row was held may be old
    row = session.execute(query, execution_options={"populate_existing": True}).scalar_one_or_none()
    if row is None:
        message = "no such incident"
        raise NotFound(message)
    return row


def lock_person(session: Session, person_id: str) -> tables.Person:
    """Whoever acts on one person's questions holds their row first.

    Not against foreign keys: a text to them, written by whoever holds an incident, must not wait for this.
    """
    if person_id in session.info.get(_HELD, ()):
        return session.get_one(tables.Person, person_id)
    query = select(tables.Person).where(tables.Person.id == person_id).with_for_update(key_share=True)
    # what was read before the row was held may be old
    row = session.execute(query, execution_options={"populate_existing": True}).scalar_one_or_none()
    if row is None:
        message = "no such person on the roster"
        raise NotFound(message)
    return row


@contextmanager
def held(session: Session, ids: Collection[str]) -> Iterator[None]:
    """Hold all of them at once, in one order; within the block `lock_person` finds them held."""
    before = session.info.get(_HELD, frozenset())
    if before.issuperset(ids):
        yield
        return
    query = (
        select(tables.Person)
        .where(tables.Person.id.in_(ids))
        .order_by(tables.Person.id)
        .with_for_update(key_share=True)
    )
    rows = session.scalars(query, execution_options={"populate_existing": True}).all()
    session.info[_HELD] = before | {row.id for row in rows}
    try:
        yield
    finally:
        session.info[_HELD] = before


def hold_always(session: Session, ids: Iterable[str]) -> None:
    """Nobody else can write to this session's database: these people need not be read anew to be held."""
    session.info[_HELD] = frozenset(ids)


def by_ids(session: Session, ids: Iterable[str]) -> dict[str, tables.Person]:
    """Rows by id. Whoever was read before in this transaction is not asked for again: roles, certificates
    and conflicts are a query each.
    """
    wanted = list(ids)
    found = {row.id: row for row in map(partial(_read_before, session), wanted) if row is not None}
    missing = [one for one in wanted if one not in found]
    if missing:
        query = select(tables.Person).where(tables.Person.id.in_(missing))
        found |= {row.id: row for row in session.scalars(query)}
    return found


def _read_before(session: Session, person_id: str) -> tables.Person | None:
    row = session.identity_map.get(identity_key(tables.Person, person_id))
    return row if row is not None and not inspect(row).expired else None


def by_roster_id(session: Session, agency: str, roster_id: str) -> tables.Person | None:
    """Find somebody by the id that the agency's roster gives them."""
    hashed = find_hash(session, "roster", f"{agency}\0{roster_id}")
    return session.scalar(
        select(tables.Person).where(tables.Person.agency == agency, tables.Person.roster_hash == hashed)
    )


def by_phone(session: Session, number: str) -> tables.Person | None:
    """Whose number this is; an active person before one who left.

    A phone outlives its owner: whoever texts from it then is somebody whom we do not know.
    """
    hashed = find_hash(session, "phone", number)
    living = tables.Person.status != PersonStatus.DECEASED
    rows = list(session.scalars(select(tables.Person).where(tables.Person.phone_hash == hashed, living)))
    rows.sort(key=lambda row: (row.status is not PersonStatus.ACTIVE, row.id))
    return rows[0] if rows else None


def agency_of_the_late(session: Session, number: str) -> str | None:
    """The agency of somebody who had this number and died: its people read what comes from it now."""
    hashed = find_hash(session, "phone", number)
    query = select(tables.Person.agency).where(
        tables.Person.phone_hash == hashed, tables.Person.status == PersonStatus.DECEASED
    )
    return session.scalar(query.order_by(tables.Person.agency).limit(1))


def with_role(session: Session, roles: Collection[Role], agency: str | None = None) -> list[tables.Person]:
    """Everybody active who holds one of the roles, in a stable order; of one agency or of all."""
    query = (
        select(tables.Person.id, tables.Person.agency)
        .join(tables.PersonRole)
        .where(tables.PersonRole.role.in_(list(roles)), tables.Person.status == PersonStatus.ACTIVE)
        .order_by(tables.Person.agency, tables.Person.id)
        .distinct()
    )
    if agency is not None:
        query = query.where(tables.Person.agency == agency)
    ids = list(session.scalars(query))
    rows = by_ids(session, ids)
    return [rows[one] for one in ids]


def is_staff_for(session: Session, row: tables.Person, incident_id: str | None) -> bool:
    """Whether somebody may act as staff here: never in an incident that affects themselves (trap 17)."""
    if incident_id is None:
        return True
    found = session.scalar(
        select(tables.AffectedPerson.id).where(
            tables.AffectedPerson.incident_id == incident_id, tables.AffectedPerson.person_id == row.id
        )
    )
    return found is None


def on_lists_with(session: Session, person_id: str) -> tuple[set[str], set[str]]:
    """The open incidents that somebody is affected by, and everybody on their lists, themselves among them.

    Whoever is part of something handles nothing of it and of nobody in it (domain.md 11.17).
    """
    mine = (
        select(tables.AffectedPerson.incident_id)
        .join(tables.Incident, tables.Incident.id == tables.AffectedPerson.incident_id)
        .where(
            tables.AffectedPerson.person_id == person_id, tables.Incident.state == rules.IncidentState.OPEN
        )
    )
    incidents = set(session.scalars(mine))
    there = select(tables.AffectedPerson.person_id).where(tables.AffectedPerson.incident_id.in_(incidents))
    return incidents, {person_id, *session.scalars(there)}


def stands_apart(session: Session, helper_id: str, person_id: str | None, incident_id: str | None) -> bool:
    """Whether somebody may see and handle what is about a person, or an incident, or both."""
    incidents, persons = on_lists_with(session, helper_id)
    return person_id not in persons and incident_id not in incidents


REACHABLE: Final = (
    tables.Person.phone.is_not(None),
    tables.Person.status == PersonStatus.ACTIVE,
    tables.Person.consent_pages.is_(True),
    tables.Person.revoked_pages.is_(False),
    tables.Person.opted_out_at.is_(None),
    tables.Person.frozen_at.is_(None),
)
"""`reachable`, as the database asks it."""


def reachable(row: tables.Person) -> bool:
    """Whether a page to this person may leave at all."""
    return bool(
        row.phone
        and row.status is PersonStatus.ACTIVE
        and row.consent_pages
        and not row.revoked_pages
        and row.opted_out_at is None
        and row.frozen_at is None
    )


def looked_after(session: Session, peer_id: str, incident_id: str | None) -> list[tables.Person]:
    """The people one helper looks after in one incident."""
    query = (
        select(tables.Person)
        .join(tables.AffectedPerson, tables.AffectedPerson.person_id == tables.Person.id)
        .where(
            tables.AffectedPerson.peer_id == peer_id,
            tables.AffectedPerson.incident_id == incident_id,
            tables.AffectedPerson.ended_at.is_(None),
        )
        .order_by(tables.AffectedPerson.circle, tables.Person.id)
    )
    return list(session.scalars(query))
