"""Whether somebody could answer: without a reachable coordinator and clinician no check-in goes out."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.people import Role
from cism.services import mutual_aid, people
from cism.store.tables import Person, PersonRole


def somebody_can_answer(session: Session, agency: str) -> bool:
    """A reachable coordinator and a reachable clinician, own or by mutual aid (contract.md)."""
    return not missing_roles(session, agency)


def missing_roles(session: Session, agency: str) -> list[Role]:
    """Which of the two nobody reachable holds in this agency and those that lend it mutual aid.

    Columns alone and no whole people: it is asked before each check-in, and thousands fall due in a minute.
    """
    wanted = (Role.COORDINATOR, Role.CLINICIAN)
    query = (
        select(PersonRole.role)
        .join(Person, Person.id == PersonRole.person_id)
        .where(PersonRole.role.in_(wanted), *people.REACHABLE)
        .distinct()
    )
    keys = mutual_aid.helping(session, agency)
    if keys is not None:
        query = query.where(Person.agency.in_(keys))
    held = set(session.scalars(query))
    return [role for role in wanted if role not in held]
