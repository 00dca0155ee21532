"""Who may stand on the list of a demonstration's incident: lists that are handed out in turn."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cism.domain.people import Discipline, PersonStatus, Role
from cism.domain.roster_rows import RosterRow

_TEAM = frozenset(Role) - {Role.RESPONDER, Role.SUPERVISOR}


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoPerson:
    """What the rule needs to know of a person; `key` is `agency:id`."""

    key: str
    agency: str
    discipline: Discipline
    unit: str
    zone: str
    roles: frozenset[Role]


def demo_people(rows: Iterable[RosterRow]) -> list[DemoPerson]:
    """The active people of a roster, in order of their keys."""
    found = [
        DemoPerson(
            key=row.key,
            agency=row.agency,
            discipline=row.discipline,
            unit=row.unit,
            zone=row.zone,
            roles=row.roles,
        )
        for row in rows
        if row.status is PersonStatus.ACTIVE
    ]
    return sorted(found, key=lambda person: person.key)


def is_responder(person: DemoPerson) -> bool:
    """A responder without rank over others and without a part in the team."""
    return Role.RESPONDER in person.roles and not person.roles & (_TEAM | {Role.SUPERVISOR})


def is_supervisor(person: DemoPerson) -> bool:
    """A supervisor without a part in the team."""
    return Role.SUPERVISOR in person.roles and not person.roles & _TEAM


def is_peer(person: DemoPerson) -> bool:
    """A peer, who then cannot be asked for this incident."""
    return Role.PEER in person.roles


class Turns:
    """Lists that are handed out in turn: each begins at place `seed` modulo its length and goes round."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._given: dict[str, int] = defaultdict(int)

    def next_index(self, name: str, length: int) -> int:
        """The place (from 0) whose turn it is in the list `name`."""
        place = (self._seed + self._given[name]) % length
        self._given[name] += 1
        return place

    def next_people(self, name: str, people: Sequence[DemoPerson], count: int) -> list[DemoPerson]:
        """Up to `count` different people whose turn it is."""
        return [people[self.next_index(name, len(people))] for _ in range(min(count, len(people)))]
