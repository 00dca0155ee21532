"""Who had a part in an incident without being on its list, as the choice of helpers asks it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from cism.domain.incident import IncidentState
from cism.store.db import find_hash
from cism.store.past_tables import PastMember
from cism.store.tables import AffectedPerson, Incident, IncidentParty, Person

ON_SCENE, REVIEWER = "on_scene", "reviewer"


def by_part(session: Session, incident_id: str) -> Mapping[str, frozenset[str]]:
    """Who had which part, by opaque ids: in this incident, or in an open one of the same people.

    Whoever is on two lists is looked after once, about both; so what bars a helper in one bars them in the
    other (domain.md 11.8).
    """
    here = select(AffectedPerson.person_id).where(
        AffectedPerson.incident_id == incident_id, AffectedPerson.ended_at.is_(None)
    )
    of_the_same = (
        select(AffectedPerson.incident_id)
        .join(Incident, Incident.id == AffectedPerson.incident_id)
        .where(
            AffectedPerson.person_id.in_(here),
            AffectedPerson.ended_at.is_(None),
            Incident.state == IncidentState.OPEN,
        )
    )
    query = select(IncidentParty.part, IncidentParty.person_id).where(
        or_(IncidentParty.incident_id == incident_id, IncidentParty.incident_id.in_(of_the_same))
    )
    found: dict[str, set[str]] = defaultdict(set)
    for part, person_id in session.execute(query):
        found[part].add(person_id)
    return {part: frozenset(found[part]) for part in (ON_SCENE, REVIEWER)}


def past_mark(session: Session, incident_id: str, person_id: str) -> str:
    """What says that somebody was on a list, to whoever has the keys alone."""
    return find_hash(session, "past member", f"{incident_id}\0{person_id}")


def forgotten(session: Session, row: Incident) -> frozenset[str]:
    """Who was on this list until retention forgot it: they serve nobody of it all the same (invariant 3)."""
    if not row.past_affected:
        return frozenset()
    marks = frozenset(session.scalars(select(PastMember.mark).where(PastMember.incident_id == row.id)))
    if not marks:
        return frozenset()
    return frozenset(
        one for one in session.scalars(select(Person.id)) if past_mark(session, row.id, one) in marks
    )
