"""Who answers for an incident: never somebody whom it affects, but a deputy (domain.md 11.17)."""

from __future__ import annotations

from sqlalchemy.orm import Session

from cism.domain.people import Role
from cism.services import choice, mutual_aid, people
from cism.store.tables import Incident, Person


def in_charge(session: Session, row: Incident, roles: tuple[str, ...] = ("coordinator",)) -> list[Person]:
    """Everybody of these roles, each once, in the order given; with nobody among them the clinical director,
    or else a clinician.

    The agency's own people; where it has none, one of another agency.
    """
    affected = {item.person_id for item in row.affected}
    found: list[Person] = []
    for role in roles:
        found += _of_role(session, row, Role(role), affected)
    for role in (Role.CLINICAL_DIRECTOR, Role.CLINICIAN):
        found = found or _of_role(session, row, role, affected)  # somebody must know of it
    return list({item.id: item for item in found}.values())


def told_at_once(session: Session, row: Incident) -> list[Person]:
    """Who hears that it was logged: the coordinators, from the protocol's severity on a clinician too."""
    graver = choice.protocol_of(row).activation.page_clinician_from
    with_clinician = graver is not None and row.severity.at_least(graver)
    return in_charge(session, row, ("coordinator", "clinician") if with_clinician else ("coordinator",))


def _of_role(session: Session, row: Incident, role: Role, affected: set[str]) -> list[Person]:
    asked = mutual_aid.within(session, row.agency, people.with_role(session, [role]))
    everybody = [item for item in asked if item.id not in affected]
    ready = [item for item in everybody if people.reachable(item)]
    own = [item for item in ready if item.agency == row.agency]
    return own or ready[:1]
