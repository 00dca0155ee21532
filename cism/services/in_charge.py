"""Who answers for an incident: never somebody whom it affects, but a deputy (domain.md 11.17)."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import cache
from typing import Final

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from cism.domain.incident import IncidentState
from cism.domain.people import Role
from cism.services import choice, mutual_aid, people
from cism.store.tables import AffectedPerson, Agency, Incident, Person, PersonRole

Staff = Callable[[Role], list[Person]]
_DEPUTIES: Final = (Role.CLINICAL_DIRECTOR, Role.CLINICIAN)
_UNTAKEN: Final = (Incident.state == IncidentState.OPEN, Incident.accepted_at.is_(None))


def in_charge(session: Session, row: Incident, roles: tuple[str, ...] = ("coordinator",)) -> list[Person]:
    """Everybody of these roles, each once, in the order given; with nobody among them the clinical director,
    or else a clinician.

    The agency's own people; where it has none, one of another agency.
    """
    affected = {item.person_id for item in row.affected}
    return _among(session, row.agency, affected, _staff(session), roles)


def is_untaken(row: Incident) -> bool:
    """Whether nobody has taken over yet."""
    return row.state is IncidentState.OPEN and row.accepted_at is None


def to_take_over(session: Session, person: Person) -> tuple[ColumnElement[bool], ...]:
    """The incidents that nobody has taken over and that this person is in charge of, as the database asks it.

    Who is in charge hangs on the agency alone, but for the few incidents with somebody of these on the list.
    """
    staff = _staff(session)
    odd = {
        key: _is_in(person, _among(session, agency, listed, staff))
        for key, (agency, listed) in _staff_listed(session).items()
    }
    agencies = session.scalars(select(Agency)).all()  # whole: each is looked at again for its mutual aid
    theirs = [one.key for one in agencies if _is_in(person, _among(session, one.key, (), staff))]
    usual = Incident.agency.in_(theirs) & Incident.id.not_in(list(odd))
    return (*_UNTAKEN, or_(usual, Incident.id.in_([key for key, mine in odd.items() if mine])))


def _staff_listed(session: Session) -> dict[str, tuple[str, set[str]]]:
    """Of the untaken incidents that affect somebody who could be in charge: the agency, and whom."""
    could = select(PersonRole.person_id).where(PersonRole.role.in_([Role.COORDINATOR, *_DEPUTIES]))
    query = (
        select(Incident.id, Incident.agency, AffectedPerson.person_id)
        .join(AffectedPerson, AffectedPerson.incident_id == Incident.id)
        .where(*_UNTAKEN, AffectedPerson.person_id.in_(could))
    )
    found: dict[str, tuple[str, set[str]]] = {}
    for key, agency, person_id in session.execute(query):
        found.setdefault(key, (agency, set()))[1].add(person_id)
    return found


def told_at_once(session: Session, row: Incident) -> list[Person]:
    """Who hears that it was logged: the coordinators, from the protocol's severity on a clinician too."""
    graver = choice.protocol_of(row).activation.page_clinician_from
    with_clinician = graver is not None and row.severity.at_least(graver)
    return in_charge(session, row, ("coordinator", "clinician") if with_clinician else ("coordinator",))


def _staff(session: Session) -> Staff:
    """Everybody active who holds a role, asked once however many incidents there are."""
    return cache(lambda role: people.with_role(session, [role]))


def _among(
    session: Session,
    agency: str,
    affected: Collection[str],
    staff: Staff,
    roles: tuple[str, ...] = (Role.COORDINATOR.value,),
) -> list[Person]:
    found: list[Person] = []
    for role in roles:
        found += _of_role(session, agency, affected, staff(Role(role)))
    for role in _DEPUTIES:  # somebody must know of it
        found = found or _of_role(session, agency, affected, staff(role))
    return list({item.id: item for item in found}.values())


def _of_role(session: Session, agency: str, affected: Collection[str], holders: list[Person]) -> list[Person]:
    asked = mutual_aid.within(session, agency, holders)
    ready = [item for item in asked if item.id not in affected and people.reachable(item)]
    own = [item for item in ready if item.agency == agency]
    return own or ready[:1]


def _is_in(person: Person, others: Collection[Person]) -> bool:
    return any(item.id == person.id for item in others)
