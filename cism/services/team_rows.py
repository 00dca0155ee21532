"""Who was asked to help with an incident, what they said, and how many are missing."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cism.domain import people as rules
from cism.domain.incident import Circle
from cism.services import choice, events, people
from cism.store.states import AssignmentState
from cism.store.tables import AffectedPerson, Assignment, Incident

OPEN: Final = (AssignmentState.ASKED, AssignmentState.SILENT)
"""They may still say yes."""


def of_incident(session: Session, incident_id: str) -> list[Assignment]:
    """Everybody who was asked, in the order in which they were."""
    return list(
        session.scalars(
            select(Assignment)
            .where(Assignment.incident_id == incident_id)
            .order_by(Assignment.asked_at, Assignment.id)
        )
    )


def of_helper(session: Session, incident_id: str, peer_id: str) -> Assignment:
    """What one helper was asked and said; raises NoResultFound for whoever was not asked."""
    return session.scalars(
        select(Assignment).where(Assignment.incident_id == incident_id, Assignment.peer_id == peer_id)
    ).one()


def stood_down(session: Session, incident_id: str, peer_id: str) -> Assignment | None:
    """The part of somebody who was stood down, where the incident is open again."""
    return session.scalar(
        select(Assignment).where(
            Assignment.incident_id == incident_id,
            Assignment.peer_id == peer_id,
            Assignment.state == AssignmentState.STOOD_DOWN,
        )
    )


def move(session: Session, assignment: Assignment, state: AssignmentState, now: datetime) -> None:
    """From now on this is how it stands; the history keeps how it stood."""
    events.record(
        session,
        "assignment.moved",
        now,
        incident_id=assignment.incident_id,
        subject_id=assignment.id,
        before=assignment.state.value,
        after=state.value,
    )
    assignment.state, assignment.changed_at = state, now


def serving(session: Session, incident_id: str) -> list[rules.Person]:
    """Those who serve, as selection looks at them."""
    return [
        people.snapshot(people.get(session, item.peer_id))
        for item in of_incident(session, incident_id)
        if item.state is AssignmentState.ACCEPTED
    ]


def need(session: Session, row: Incident) -> int:
    """How many helpers; one more than serve where none of them may look after somebody on the list."""
    there, wanted = accepted(session, row.id), choice.team_need(row)
    return max(wanted, there + 1) if there >= wanted and _without_helper(row) else wanted


def accepted(session: Session, incident_id: str) -> int:
    """How many serve."""
    return int(
        session.scalar(
            select(func.count()).where(
                Assignment.incident_id == incident_id, Assignment.state == AssignmentState.ACCEPTED
            )
        )
        or 0
    )


def missing(session: Session, row: Incident) -> int:
    """How many helpers are still to be found."""
    return max(0, need(session, row) - accepted(session, row.id))


def is_served(item: AffectedPerson) -> bool:
    """Whether a helper is theirs alone; families are looked after in another way."""
    return item.circle is not Circle.F


def _without_helper(row: Incident) -> bool:
    return any(item.peer_id is None for item in row.affected if item.ended_at is None and is_served(item))
