"""Whether somebody could answer: an agency without a reachable coordinator and clinician sends no check-
in.
"""

from __future__ import annotations

from sqlalchemy.orm import Session

from cism.domain.people import Role
from cism.services import people


def agency_can_answer(session: Session, agency: str) -> bool:
    """A reachable coordinator and a reachable clinician, own or by mutual aid (contract.md)."""
    return not missing_roles(session, agency)


def missing_roles(session: Session, agency: str) -> list[Role]:
    """Which of the two nobody reachable holds, in this agency or any other."""
    missing = []
    for role in (Role.COORDINATOR, Role.CLINICIAN):
        own = people.with_role(session, [role], agency)
        ready = [row for row in own if people.reachable(row)]
        aid = [row for row in people.with_role(session, [role]) if people.reachable(row)]
        if not ready and not aid:
            missing.append(role)
    return missing
