"""What the choice of helpers looks at: the incident, the people in it, what each helper already carries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from zoneinfo import ZoneInfo

from cism.domain.incident import Circle, Incident
from cism.domain.people import Person


class Helper(StrEnum):
    """In what part a person is looked for."""

    PEER = "peer"  # serves affected people
    CLINICIAN = "clinician"  # serves affected people, licensed
    LEADER = "leader"  # leads a debriefing: licensed and trained for groups
    CLINICAL_DIRECTOR = "clinical_director"  # decides; owns welfare steps
    COORDINATOR = "coordinator"  # organises; serves nobody


EVERY_HELPER = frozenset(Helper)
SERVING = frozenset({Helper.PEER, Helper.CLINICIAN, Helper.LEADER})
PEERS = frozenset({Helper.PEER})


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionPolicy:
    """Every number of the choice. All of them are `design`: no authority sets them (domain.md 6).

    Points are added for each share (0 to 1) of the people to be served that a helper fits, and taken off
    for what the helper did lately.
    """

    max_open_persons: int = 3
    max_open_s3: int = 1
    max_activations_30d: int = 2
    rest_after_s3: timedelta = timedelta(days=14)
    rest_after_s2: timedelta = timedelta(days=7)
    rest_after_own_incident: timedelta = timedelta(days=30)
    peer_certs: frozenset[str] = frozenset({"AIC", "GCI", "SFA", "TRIM"})
    points_known: float = 60.0
    points_same_discipline: float = 40.0
    points_language: float = 20.0
    points_other_station: float = 10.0
    points_rank_parity: float = 5.0
    points_off_per_activation: float = 15.0
    points_off_per_open_person: float = 10.0
    points_off_per_hour: float = 1.0

    def rest_until(self, exposure_end: datetime) -> datetime:
        """Until when a peer who was affected by an incident is looked after rather than asked."""
        return exposure_end + self.rest_after_own_incident


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a helper carries OUTSIDE the incident at hand; hours are those of the last 30 days.

    `own_critical_incident_until`: the end of the rest after an incident that the helper was affected by;
    `away_until`: until when they said that nobody is to ask them.
    """

    open_persons: int = 0
    s3_open: int = 0
    last_s3_end: datetime | None = None
    last_s2_end: datetime | None = None
    activations_30d: int = 0
    hours_30d: float = 0.0
    own_critical_incident_until: datetime | None = None
    away_until: datetime | None = None


NO_LOAD = Load()


@dataclass(frozen=True, kw_only=True)
class SelectionContext:
    """One choice for one incident at one moment.

    `people`: the affected people, by id; `reports_to`: the chain of command of the whole roster; `refused`:
    (person, helper) pairs; `known`: such pairs that have met over this or another incident;
    `for_person`: the one to be served, where it is one; `on_scene`: initial responders, witnesses and
    parties who are not on the list; `reviewers`: who investigates, reviews or
    represents in this event; `asked`: who was asked about this before, whatever the answer; `team`: who
    serves already or has an open page; `mutual_aid`: other agencies whose helpers may be asked; `on_call`:
    who has the turn now by an on-call calendar, empty where there is none: asked first, at any hour.
    """

    incident: Incident
    now: datetime
    people: Mapping[str, Person] = field(default_factory=dict)
    reports_to: Mapping[str, str | None] = field(default_factory=dict)
    loads: Mapping[str, Load] = field(default_factory=dict)
    refused: frozenset[tuple[str, str]] = frozenset()
    known: frozenset[tuple[str, str]] = frozenset()
    for_person: Person | None = None
    on_scene: frozenset[str] = frozenset()
    reviewers: frozenset[str] = frozenset()
    asked: frozenset[str] = frozenset()
    team: tuple[Person, ...] = ()
    mutual_aid: frozenset[str] = frozenset()
    on_call: frozenset[str] = frozenset()
    helper: Helper = Helper.PEER
    urgent: bool = False
    policy: SelectionPolicy = SelectionPolicy()

    @cached_property
    def affected_ids(self) -> frozenset[str]:
        """Everyone on the list in any circle, also those whose contacts have ended."""
        return frozenset(a.person_id for a in self.incident.affected) | frozenset(self.people)

    @cached_property
    def concerned(self) -> tuple[Person, ...]:
        """Everyone on the list who is known, and the person to be served."""
        return (*self.people.values(), *([] if self.for_person is None else [self.for_person]))

    @cached_property
    def concerned_ids(self) -> frozenset[str]:
        """Everyone on the list, and the person to be served."""
        return self.affected_ids | {person.id for person in self.concerned}

    @cached_property
    def to_serve(self) -> tuple[Person, ...]:
        """Whom a helper should fit: the one person, or else everyone on the list."""
        return (self.for_person,) if self.for_person is not None else tuple(self.people.values())

    @cached_property
    def near_ids(self) -> frozenset[str]:
        """Those who acted or were present (circles A and B)."""
        return frozenset(a.person_id for a in self.incident.affected if a.circle in (Circle.A, Circle.B))

    @cached_property
    def near_crews(self) -> frozenset[tuple[str, str]]:
        """The units and crews of those who acted or were present."""
        crews = {crew(self.people[i]) for i in self.near_ids if i in self.people}
        return frozenset(named for named in crews if named is not None)

    @cached_property
    def commanders(self) -> frozenset[str]:
        """Everyone who stands above somebody concerned."""
        return frozenset().union(*(self.above(i) for i in self.concerned_ids))

    @cached_property
    def apart(self) -> frozenset[str]:
        """Everyone whom somebody concerned is never to be paired with."""
        return frozenset().union(*(person.not_with for person in self.concerned))

    @cached_property
    def _chart(self) -> dict[str, str | None]:
        return {person.id: person.reports_to for person in self.concerned} | dict(self.reports_to)

    @property
    def started_at(self) -> datetime:
        """When the incident began; when it was logged, where that is unknown."""
        return self.incident.occurred_at or self.incident.logged_at

    def above(self, person_id: str, boss: str | None = None) -> frozenset[str]:
        """Everyone above a person, all the way up; `boss` for someone whom the chart does not hold."""
        seen: set[str] = set()
        above = self._chart.get(person_id, boss)
        while above is not None and above not in seen:  # a chart that runs in a circle ends the walk
            seen.add(above)
            above = self._chart.get(above)
        return frozenset(seen)

    def load(self, helper: Person) -> Load:
        """What this helper carries elsewhere."""
        return self.loads.get(helper.id, NO_LOAD)


def crew(person: Person) -> tuple[str, str] | None:
    """The unit of a person, within the agency; an unnamed unit is nobody's."""
    unit = person.unit.strip().casefold()
    return (person.agency, unit) if unit else None


def local_date(person: Person, at: datetime) -> date:
    """The date in the person's own zone."""
    return at.astimezone(ZoneInfo(person.zone)).date()
