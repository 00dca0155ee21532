"""What a caller is to an incident, and the refusals that follow; the tables are cism.domain.access."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.access import Access, Act, Datum, Fact, Relation, best_access, in_charge, may_do, relations
from cism.errors import NotAllowed, NotFound
from cism.services import intake
from cism.services.tokens import Caller
from cism.store.states import AssignmentState
from cism.store.tables import Assignment, Incident


@dataclass(frozen=True, slots=True)
class Standing:
    """One caller before one incident."""

    caller: Caller
    row: Incident
    relations: frozenset[Relation]
    affected: bool

    @property
    def in_charge(self) -> bool:
        """Whether more than the header may be shown."""
        return in_charge(self.relations)

    def sees(self, datum: Datum) -> bool:
        """Whether all of a datum may be shown."""
        facts = {Fact.BEFORE_HANDOVER} if self.row.accepted_at is None else set()
        return best_access(self.relations, datum, facts) is Access.YES

    def may(self, act: Act) -> bool:
        """Whether the caller's row of the table grants this act here."""
        same = self.row.agency == self.caller.agency
        return may_do([self.caller.role], act, same_agency=same, affected=self.affected)

    def require(self, act: Act) -> None:
        """Refuse what the caller's row of the table does not grant."""
        if self.may(act):
            return
        if self.affected:
            message = "you are on this incident's list: your deputy does this"
            raise NotAllowed(message)
        raise not_allowed(self.caller, act)


def standing(session: Session, caller: Caller, ref: str) -> Standing:
    """The incident as this caller stands to it; NotFound where they may not know of it at all."""
    try:
        row = intake.by_ref(session, ref)
    except NotFound:
        raise _unknown() from None
    person = caller.person_id
    affected = any(item.person_id == person for item in row.affected) if person else False
    assigned = person is not None and _assigned(session, row, person)
    if row.agency != caller.agency and not assigned and not affected:
        raise _unknown()
    held = relations(
        [caller.role],
        affected=affected,
        logged=person is not None and row.logged_by == person,
        assigned=assigned,
    )
    if best_access(held, Datum.INCIDENT_HEADER) is not Access.YES:
        raise _unknown()
    return Standing(caller, row, held, affected)


def require_in_agency(caller: Caller, act: Act, agency: str) -> None:
    """Refuse an act in an agency that is not the caller's, or that the role does not grant."""
    if agency != caller.agency:
        message = f"your token is for the agency {caller.agency!r}; use a token of the agency concerned"
        raise NotAllowed(message)
    if not may_do([caller.role], act, same_agency=True):
        raise not_allowed(caller, act)


def not_allowed(caller: Caller, act: Act) -> NotAllowed:
    """The refusal in words."""
    words = act.value.replace("_", " ")
    return NotAllowed(f"a {caller.role.value.replace('_', ' ')} may not {words}; ask the coordinator")


def _assigned(session: Session, row: Incident, person_id: str) -> bool:
    found = session.scalar(
        select(Assignment.id).where(
            Assignment.incident_id == row.id,
            Assignment.peer_id == person_id,
            Assignment.state == AssignmentState.ACCEPTED,
        )
    )
    return found is not None


def _unknown() -> NotFound:
    # the same words whether it does not exist or is another agency's
    return NotFound("there is no incident by that reference; look at the receipt, or ask the coordinator")
