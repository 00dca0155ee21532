"""An incident to rehearse where none is given: one that the protocol is meant for, in the largest agency."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.incident import Circle
from cism.domain.incident_types import INCIDENT_TYPES, IncidentType
from cism.domain.people import Discipline, PersonStatus, Role
from cism.domain.protocol import Protocol
from cism.errors import BadInput
from cism.services.intake import AffectedInput, IncidentInput
from cism.store.tables import Person

_OCCURRED, _ENDED = timedelta(hours=2), timedelta(hours=1)  # before it is logged
_CIRCLES = (Circle.A, Circle.B)


def usual(
    session: Session, protocol: Protocol, logged_at: datetime, *, agency: str | None = None
) -> IncidentInput:
    """Two responders, exposed until an hour before the logging, of the largest agency that it is meant for,
    or of `agency`.

    Raises BadInput for a roster without two active responders in one agency.
    """
    people = _active(session, agency)
    size = Counter(row.agency for row in people)
    able = _able(people)
    if not able:
        message = "this roster has no agency with two active responders; give an incident with --incident"
        raise BadInput(message)
    team = min(able, key=lambda rows: (not _meant(protocol, rows[0]), -size[rows[0].agency], rows[0].agency))
    chosen = sorted(team, key=lambda row: row.roster_id)
    return IncidentInput(
        type=_type(protocol, chosen[0]).code,
        agency=chosen[0].agency,
        occurred_at=logged_at - _OCCURRED,
        ended_at=logged_at - _ENDED,
        affected=tuple(
            AffectedInput(person_id=row.roster_id, circle=circle)
            for row, circle in zip(chosen, _CIRCLES, strict=False)
        ),
    )


def can_be_played(session: Session, agency: str) -> bool:
    """Whether an agency has the two active responders of `usual`."""
    return bool(_able(_active(session, agency)))


def _active(session: Session, agency: str | None) -> Sequence[Person]:
    query = select(Person).where(Person.status == PersonStatus.ACTIVE)
    return session.scalars(query if agency is None else query.where(Person.agency == agency)).all()


def _able(people: Iterable[Person]) -> list[list[Person]]:
    """The responders of each agency that has enough of them."""
    teams: dict[str, list[Person]] = defaultdict(list)
    for row in people:
        if {item.role for item in row.roles} == {Role.RESPONDER}:
            teams[row.agency].append(row)
    return [team for team in teams.values() if len(team) >= len(_CIRCLES)]


def _meant(protocol: Protocol, person: Person) -> list[IncidentType]:
    """Types of this person's discipline that suggest the protocol."""
    return [kind for kind in _known(person) if kind.protocol == protocol.key]


def _known(person: Person) -> list[IncidentType]:
    return [kind for kind in INCIDENT_TYPES.values() if person.discipline in kind.disciplines]


def _type(protocol: Protocol, person: Person) -> IncidentType:
    """The first type that suggests this protocol, else one of the discipline's own, the gravest first."""
    known = _known(person)
    own = [kind for kind in known if kind.disciplines != frozenset(Discipline)] or known
    return (_meant(protocol, person) or sorted(own, key=lambda kind: -kind.severity.rank))[0]
