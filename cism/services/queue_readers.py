"""Who reads an item of the human queue."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from cism.domain.incident import IncidentState
from cism.domain.people import Role
from cism.services import mutual_aid, people, queue_peers
from cism.store.tables import AffectedPerson, Incident, Person, QueueItem


@dataclass(frozen=True)
class Lists:
    """What choosing readers asks the database, asked once however many items there are."""

    near: Mapping[str, set[str]]
    """Who stands on a list of an open incident with somebody, by that person."""
    listed: Mapping[str, set[str]]
    """Everybody on an incident's list, by the incident: none of them acts as staff there (trap 17)."""
    staff: Callable[[Role], list[Person]]
    """Everybody active who holds a role."""
    lending: Callable[[str | None], frozenset[str] | None]
    """The agencies whose staff one agency may ask; None: every one."""
    apart: Callable[[str], tuple[set[str], set[str]]]
    """Of somebody who handles items: the open incidents that affect them, and everybody on those lists."""


def lists_for(session: Session, rows: Collection[QueueItem]) -> Lists:
    """What is to be known to choose the readers of these items."""
    mine, theirs = aliased(AffectedPerson), aliased(AffectedPerson)
    together = (
        select(mine.person_id, theirs.person_id)
        .join(Incident, Incident.id == mine.incident_id)
        .join(theirs, theirs.incident_id == mine.incident_id)
        .where(
            mine.person_id.in_({row.person_id for row in rows if row.person_id}),
            Incident.state == IncidentState.OPEN,
        )
    )
    listed = select(AffectedPerson.incident_id, AffectedPerson.person_id).where(
        AffectedPerson.incident_id.in_({row.incident_id for row in rows if row.incident_id})
    )
    return Lists(
        near=_grouped(session.execute(together)),
        listed=_grouped(session.execute(listed)),
        staff=cache(lambda role: people.with_role(session, [role])),
        lending=cache(lambda agency: mutual_aid.helping(session, agency)),
        apart=cache(lambda helper_id: people.on_lists_with(session, helper_id)),
    )


def readers(
    session: Session, row: QueueItem, told: Collection[str] = (), lists: Lists | None = None
) -> list[Person]:
    """Who reads the queue: coordinators, else clinicians, of the agency or by mutual aid; never the person
    themselves, and nobody who was `told` already. A plain text is first for the peer of whoever wrote it.

    Nor whoever is on the same list, unless nobody else is left: somebody must read it.
    """
    peer = queue_peers.first_reader(session, row)
    if peer is not None and peer.id not in told:
        return [peer]
    lists = lists or lists_for(session, [row])
    never = {row.person_id or "", *told, *lists.listed.get(row.incident_id or "", ())}
    near = lists.near.get(row.person_id or "", set())
    return _readers(row, never | near, lists) or _readers(row, never, lists)


def _readers(row: QueueItem, barred: Collection[str], lists: Lists) -> list[Person]:
    lending = lists.lending(row.agency)
    for role in (Role.COORDINATOR, Role.CLINICIAN, Role.CLINICAL_DIRECTOR):
        everybody = [
            item
            for item in lists.staff(role)
            if (lending is None or item.agency in lending)
            and item.id not in barred
            and people.reachable(item)
        ]
        own = [item for item in everybody if item.agency == row.agency]
        if own or everybody:
            return own or everybody[:1]
    return []


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for key, value in pairs:
        found[key].add(value)
    return found
