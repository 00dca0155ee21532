"""Who could sit together: one circle, one crew, nobody beside their own superior (domain.md 2).

Formats in which nobody is asked to speak take an intact unit, or everybody of one agency.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cism.domain.incident import Affected, Circle, Incident
from cism.domain.interventions import Split
from cism.domain.people import Person, PersonStatus, Role


@dataclass(frozen=True, slots=True)
class Member:
    """An affected person of a group."""

    affected: Affected
    person: Person


@dataclass(frozen=True, slots=True)
class Group:
    """People who could sit together; `key` is the same each time the same list is grouped."""

    key: str
    members: tuple[Member, ...]

    @property
    def circle(self) -> Circle:
        """The circle that all of them belong to."""
        return self.members[0].affected.circle


def groups_of(incident: Incident, people: Mapping[str, Person], split: Split = Split.CREW) -> list[Group]:
    """All affected people by group, without the dead, the unknown, and who has ended this incident."""
    found: dict[str, list[Member]] = defaultdict(list)
    for affected in incident.affected:
        person = people.get(affected.person_id)
        if person is None or affected.ended or person.status is PersonStatus.DECEASED:
            continue
        found[_key(affected.circle, person, split)].append(Member(affected, person))
    if split is not Split.CREW:
        return [Group(key, _sorted(found[key])) for key in sorted(found)]
    return [group for key in sorted(found) for group in _by_level(key, found[key], people)]


def even_parts(group: Group, most: int) -> list[Group]:
    """The group in as few and as even parts as its greatest size allows; no part for an empty group."""
    count = len(group.members)
    parts = math.ceil(count / most)
    if parts <= 1:
        return [group] if count else []
    cuts = [count * index // parts for index in range(parts + 1)]
    return [
        Group(f"{group.key}/{index + 1}", group.members[cuts[index] : cuts[index + 1]])
        for index in range(parts)
    ]


def _key(circle: Circle, person: Person, split: Split) -> str:
    if circle is Circle.F:
        return circle.value
    if split is Split.AGENCY:
        return f"agency/{person.agency}"
    if split is Split.UNIT:
        return "/".join(("unit", person.agency, person.discipline.value, person.unit))
    band = "supervisors" if Role.SUPERVISOR in person.roles else "crew"
    return "/".join((circle.value, person.agency, person.discipline.value, person.unit, band))


def _sorted(members: Iterable[Member]) -> tuple[Member, ...]:
    return tuple(sorted(members, key=lambda member: member.person.id))


def _by_level(key: str, members: list[Member], people: Mapping[str, Person]) -> list[Group]:
    """Apart by the number of own superiors in the group: on one level nobody is above anybody else."""
    present = {member.person.id for member in members}
    levels: dict[int, list[Member]] = defaultdict(list)
    for member in members:
        levels[len(_superiors(member.person, people) & present)].append(member)
    return [Group(f"{key}-{level}" if level else key, _sorted(levels[level])) for level in sorted(levels)]


def _superiors(person: Person, people: Mapping[str, Person]) -> set[str]:
    found: set[str] = set()
    above = person.reports_to
    while above is not None and above not in found:
        found.add(above)
        superior = people.get(above)
        above = None if superior is None else superior.reports_to
    return found - {person.id}
