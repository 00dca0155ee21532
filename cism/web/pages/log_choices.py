"""What the log form offers: kinds of incident by service, and the agency's people by unit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, TypeVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cism.domain import crew
from cism.domain import people as rules
from cism.domain.access import SMALLEST_COUNT
from cism.domain.incident import Circle, IncidentState, Severity
from cism.domain.incident_types import INCIDENT_TYPES, IncidentType
from cism.domain.people import Discipline, PersonStatus
from cism.services.tokens import Caller
from cism.store.db import now
from cism.store.tables import AffectedPerson, Agency, Incident, Person
from cism.web.words import Said, _

T = TypeVar("T")

MOST_SHOWN: Final = 200  # a larger agency names people by their roster id
_WIDE: Final = 3  # a kind for more services than this stands under "any service"

FAVOURITES: Final = 4  # two rows of two under a thumb

SEVERITIES: Final[Mapping[Severity, Said]] = {
    Severity.S1: _("S1, notable"),
    Severity.S2: _("S2, serious"),
    Severity.S3: _("S3, major"),
    Severity.S4: _("S4, catastrophic or over days"),
}
CIRCLES: Final[Mapping[Circle, Said]] = {
    Circle.B: _("was present"),
    Circle.A: _("acted directly"),
    Circle.C: _("remote, on the radio or phone"),
    Circle.D: _("close to whoever was harmed"),
    Circle.E: _("support, or in charge"),
}
SERVICES: Final[Mapping[Discipline, Said]] = {
    Discipline.LAW_ENFORCEMENT: _("Law enforcement"),
    Discipline.FIRE: _("Fire"),
    Discipline.EMS: _("Emergency medical services"),
    Discipline.DISPATCH: _("Dispatch"),
    Discipline.RAIL: _("Rail"),
    Discipline.HOSPITAL: _("Hospital"),
    Discipline.CORRECTIONS: _("Corrections"),
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """One person who may have been there. `id` is opaque, `roster_id` the agency's own."""

    id: str
    roster_id: str
    name: str
    rank: str
    unit: str
    dispatch: bool


@dataclass(frozen=True, slots=True)
class TypeGroup:
    """The kinds of one service."""

    label: Said
    types: tuple[IncidentType, ...]


@dataclass(frozen=True, slots=True)
class Choices:
    """Everything that the form offers to one supervisor."""

    agency: str
    agency_name: str
    zone: str
    now: datetime
    me: str | None
    people: tuple[Candidate, ...]
    more_people: bool
    type_groups: tuple[TypeGroup, ...]
    favourites: tuple[IncidentType, ...]
    service: Discipline | None = None  # that of whoever logs, else the one most of their agency work in
    on_shift: tuple[str, ...] = ()  # ids, likeliest first
    roster: tuple[
        Candidate, ...
    ] = ()  # everybody who may be named, also whom a large agency's form leaves out

    def showing(self, ids: Collection[str]) -> Choices:
        """The same form with these people on it too: nobody falls off who was ticked before."""
        shown = {item.id for item in self.people}
        more = tuple(item for item in self.roster if item.id in ids and item.id not in shown)
        return replace(self, people=self.people + more)

    def said(self, kind: IncidentType) -> Said:
        """A kind as the reader's language calls it."""
        return Said(kind.label)

    @property
    def crews(self) -> list[tuple[str, list[Candidate]]]:
        """Whoever logs and was probably there; then the others by unit, the supervisor's own first."""
        known = {item.id: item for item in self.people}
        first = [known[key] for key in (self.me, *self.on_shift) if key in known]
        rest = [item for item in self.people if item not in first]
        mine = known[self.me].unit if self.me in known else None
        units = sorted({item.unit for item in rest}, key=lambda unit: (unit != mine, unit.casefold()))
        listed = [(unit or _("No unit"), [item for item in rest if item.unit == unit]) for unit in units]
        return [(_("Probably on shift with you"), first), *listed] if first else listed

    @property
    def dispatchers(self) -> list[Candidate]:
        """Who may have dispatched it or taken the call."""
        return [item for item in self.people if item.dispatch]


def favourites(
    session: Session, caller: Caller, types: Mapping[str, IncidentType], first: Discipline | None
) -> tuple[IncidentType, ...]:
    """The kinds that this caller logged most; then what their agency logs; then those of their service.

    Of others' incidents only kinds that came often enough to tell of none of them: a button must not say
    that somewhere in the agency something rare has happened.
    """
    often = select(Incident.type, func.count()).where(
        Incident.agency == caller.agency, Incident.state != IncidentState.HISTORY
    )
    often = often.group_by(Incident.type).order_by(func.count().desc(), Incident.type)
    mine = often.where(Incident.logged_by == caller.person_id) if caller.person_id else None
    own = [code for code, _count in session.execute(mine)] if mine is not None else []
    all_of_us = [code for code, count in session.execute(often) if count >= SMALLEST_COUNT]
    usual = [code for code, item in types.items() if first in item.disciplines and len(item.disciplines) == 1]
    found = dict.fromkeys(code for code in [*own, *all_of_us, *usual, *types] if code in types)
    return tuple(types[code] for code in list(found)[:FAVOURITES])


def choices(session: Session, caller: Caller, ended_at: datetime | None = None) -> Choices:
    """Read what the form offers to this caller; whoever was on shift, at `ended_at` where that is known."""
    rows = list(
        session.scalars(
            select(Person).where(
                Person.agency == caller.agency,
                Person.status.in_([PersonStatus.ACTIVE, PersonStatus.LEAVE]),
            )
        )
    )
    me = next((row for row in rows if row.id == caller.person_id), None)
    on_shift = _on_shift(session, rows, me, ended_at or now(session)) if me is not None else ()
    shown = rows if len(rows) <= MOST_SHOWN else _nearest(rows, me, on_shift)
    service = me.discipline if me is not None else _usual([row.discipline for row in rows])
    agency = session.get(Agency, caller.agency)
    return Choices(
        agency=caller.agency,
        agency_name=agency.display if agency else caller.agency,
        zone=me.zone if me is not None else _usual([row.zone for row in rows]) or "UTC",
        now=now(session),
        me=me.id if me is not None else None,
        people=tuple(sorted(map(_candidate, shown), key=lambda item: item.name.casefold())),
        more_people=len(shown) < len(rows),
        type_groups=type_groups(INCIDENT_TYPES, service),
        favourites=favourites(session, caller, INCIDENT_TYPES, service),
        service=service,
        on_shift=on_shift,
        roster=tuple(map(_candidate, rows)),
    )


def _on_shift(session: Session, rows: Sequence[Person], me: Person, at: datetime) -> tuple[str, ...]:
    known = [_rules(row) for row in sorted(rows, key=lambda row: row.name.casefold())]
    return crew.on_shift(known, _rules(me), at=at, recent=_recent(session, me))


def _recent(session: Session, me: Person) -> dict[str, int]:
    """Whom they listed themselves when they logged, by how many incidents ago; not what became of it.

    Nobody whom others added later, and still whoever was taken off since: the form tells neither.
    """
    since = now(session) - crew.RECENT
    own = select(Incident.id, Incident.logged_at).where(
        Incident.agency == me.agency,
        Incident.logged_by == me.id,
        Incident.state != IncidentState.HISTORY,
        Incident.logged_at >= since,
    )
    last = session.execute(
        own.order_by(Incident.logged_at.desc(), Incident.id).limit(crew.LAST_INCIDENTS)
    ).all()
    ago = {key: place for place, (key, _at) in enumerate(last)}
    listed = (
        select(AffectedPerson.person_id, AffectedPerson.incident_id)
        .join(Incident, Incident.id == AffectedPerson.incident_id)
        .where(Incident.id.in_(ago), AffectedPerson.added_at == Incident.logged_at)
    )
    found: dict[str, int] = {}
    for person_id, incident_id in session.execute(listed):
        found[person_id] = min(ago[incident_id], found.get(person_id, len(ago)))
    return found


def _nearest(rows: Sequence[Person], me: Person | None, on_shift: Sequence[str]) -> list[Person]:
    """Of a large agency their unit, and whoever was probably there."""
    if me is None:
        return []
    return [row for row in rows if row.unit == me.unit or row.id in on_shift]


def _rules(row: Person) -> rules.Person:
    return rules.Person(
        id=row.id,
        agency=row.agency,
        unit=row.unit,
        station=row.station,
        reports_to=row.reports_to,
        zone=row.zone,
        sleep=rules.SleepWindow(row.sleep_start, row.sleep_end),
        status=row.status,
    )


def type_groups(types: Mapping[str, IncidentType], first: Discipline | None) -> tuple[TypeGroup, ...]:
    """Kinds by service: one's own, then those of any service, then the others'."""
    any_service = tuple(item for item in types.values() if len(item.disciplines) > _WIDE)
    by_service = {
        service: tuple(
            item for item in types.values() if service in item.disciplines and len(item.disciplines) <= _WIDE
        )
        for service in SERVICES
    }
    order = sorted(SERVICES, key=lambda service: service != first)
    groups = [TypeGroup(SERVICES[service], by_service[service]) for service in order]
    place = 1 if first is not None else 0
    groups.insert(place, TypeGroup(_("Any service"), any_service))
    return tuple(group for group in groups if group.types)


def _candidate(row: Person) -> Candidate:
    return Candidate(
        row.id, row.roster_id, row.name, row.rank, row.unit, row.discipline is Discipline.DISPATCH
    )


def _usual(values: Sequence[T]) -> T | None:
    return Counter(values).most_common(1)[0][0] if values else None
