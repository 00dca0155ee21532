"""Real rows moved to the present; what their source does not say is added by a rule to redo by hand.

Nothing here is drawn by chance: the seed is a number in sums, and the rule is printed with its numbers, for
all incidents (`rule_text`) and for each. Clock times come from a short list and all days from one fortnight,
so that a demonstration has few different due moments.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from cism.domain.demo_people import DemoPerson, Turns, is_peer, is_responder, is_supervisor
from cism.domain.incident import Circle, Severity
from cism.domain.incident_files.report import IncidentReport
from cism.domain.people import Discipline
from cism.errors import BadInput

# Lists of five and seven go round against weeks (two) and agencies (three or so): every mixture comes up.
HOURS = (time(9, 20), time(16, 40), time(23, 10), time(16, 40), time(9, 20))
WHOLE_CREW, TWO, ONE_AND_A_PEER = "a whole crew", "two", "one and a peer"
SHAPES = (TWO, WHOLE_CREW, TWO, ONE_AND_A_PEER, WHOLE_CREW, TWO, ONE_AND_A_PEER)
LENGTH = timedelta(minutes=60)
LOGGED_AFTER = timedelta(minutes=15)
# How much of the incident each circle lived through, in thirds.
THIRDS = {Circle.A: 1, Circle.B: 2, Circle.C: 1, Circle.D: 2, Circle.E: 3, Circle.F: 3}
POLICE_ONLY = frozenset({"OIS_SHOOTER", "IN_CUSTODY_DEATH", "FATAL_PURSUIT"})
_LOSS = frozenset({"LODD", "LOD_INJURY"})
_WEEK = timedelta(weeks=1)


@dataclass(frozen=True, slots=True)
class DemoAffected:
    """One affected person by key `agency:id`, with the end of their own exposure (UTC)."""

    person: str
    circle: Circle
    exposure_end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoIncident:
    """A real row in the present. `logged_at` is when to log it; `rule` says what was added and how."""

    number: int
    report: IncidentReport
    agency: str
    type: str
    severity: Severity
    zone: str
    occurred_at: datetime
    ended_at: datetime
    logged_at: datetime
    affected: tuple[DemoAffected, ...]
    rule: str


def rule_text(start: date, seed: int) -> str:
    """The whole rule in words; with a file of rows and a roster it can be redone with paper and pencil."""
    hours = ", ".join(f"{hour:%H:%M}" for hour in HOURS)
    return f"""Rows are numbered from 1 in the order given; row n has the number k = seed + n, seed = {seed}.
1. Day: the row's own weekday, in the first week from {start.isoformat()} if k is even, in the second if odd; so every row moves by whole weeks.
2. Agency: {", ".join(sorted(POLICE_ONLY))} stay with law enforcement; all others go to every agency with responders but dispatch. Agencies in order of name, in turn, beginning at place seed mod their number (places count from 0).
3. Clock time: the row's own where it is known; else place k mod {len(HOURS)} of {hours}. It is local to the first person of the agency by id; a time that the clocks skip is read an hour later.
4. End: as long as the row says; else {_minutes(LENGTH)} minutes. Exposure of circles A and C ends after one third of it, of B and D after two thirds, of E at the end, in whole minutes. Logged {_minutes(LOGGED_AFTER)} minutes after the end.
5. People: place n mod {len(SHAPES)} of {", ".join(SHAPES)}. A whole crew: the next unit's responders, the next dispatcher (C) and the next supervisor of the agency (E). Two: the next two responders and the next dispatcher (C). One and a peer: the next responder and the next peer of the agency (B).
   Crew and responders: the first is A and the others B; in a death or injury of one's own (LODD, LOD_INJURY) a whole crew is B, of two the first is B and the second D, one alone is B.
   Responders have no part in the team and command nobody; only active people count. Each list is in order of name or id, begins at place seed mod its length and goes round; nobody stands twice on one incident."""  # noqa: E501


def shift_to_present(
    reports: Sequence[IncidentReport], people: Sequence[DemoPerson], *, start: date, seed: int
) -> list[DemoIncident]:
    """Each report in the fortnight from `start`, in the order in which they are to be logged.

    The same arguments give the same incidents. Raises BadInput where the roster has no responders.
    """
    plan = _Plan(people, start, seed)
    found = [plan.incident(number, report) for number, report in enumerate(reports, start=1)]
    return sorted(found, key=lambda incident: (incident.logged_at, incident.number))


class _Plan:
    """One run over the reports: who is next in each list."""

    def __init__(self, people: Sequence[DemoPerson], start: date, seed: int) -> None:
        self.people = sorted(people, key=lambda person: person.key)
        self.start = start
        self.seed = seed
        self.turns = Turns(seed)
        with_crew = {person.agency for person in self.people if is_responder(person)}
        served = [p for p in self.people if p.agency in with_crew and p.discipline is not Discipline.DISPATCH]
        self.agencies = sorted({person.agency for person in served})
        self.police = sorted({p.agency for p in served if p.discipline is Discipline.LAW_ENFORCEMENT})
        self.dispatchers = [p for p in self.people if p.discipline is Discipline.DISPATCH and is_responder(p)]
        if not self.agencies:
            message = "The roster has no active responders outside dispatch: nobody could have been there."
            raise BadInput(message)

    def incident(self, number: int, report: IncidentReport) -> DemoIncident:
        day = self._day(report.date, self.seed + number)
        agency, turn = self._agency(report.type)
        own = [person for person in self.people if person.agency == agency]
        clock, zone, why = self._clock(report, self.seed + number, own[0].zone)
        begins = datetime.combine(day, clock, tzinfo=ZoneInfo(zone)).astimezone(UTC)
        length = report.ended_at - report.occurred_at if report.ended_at and report.occurred_at else LENGTH
        chosen = self._chosen(number, report.type, agency, own)
        affected = tuple(
            DemoAffected(person.key, circle, begins + _part(length, circle)) for person, circle in chosen
        )
        return DemoIncident(
            number=number,
            report=report,
            agency=agency,
            type=report.type,
            severity=report.severity,
            zone=zone,
            occurred_at=begins,
            ended_at=begins + length,
            logged_at=begins + length + LOGGED_AFTER,
            affected=affected,
            rule=f"{self._moved(number, report, day)} {turn} {why} {_told(begins, length, zone, affected)}",
        )

    def _day(self, source: date, k: int) -> date:
        first = self.start + timedelta(days=(source.weekday() - self.start.weekday()) % 7)
        return first + (_WEEK if k % 2 else timedelta())

    def _moved(self, number: int, report: IncidentReport, day: date) -> str:
        k = self.seed + number
        weeks = (day - report.date).days // 7
        week = "second" if k % 2 else "first"
        return (
            f"Row {number}, k = {self.seed} + {number} = {k}: {report.source_agency}, "
            f"{report.date.isoformat()} ({report.source_key}) + {weeks} weeks = {day:%a} {day.isoformat()}, "
            f"{week} week since k is {'odd' if k % 2 else 'even'}."
        )

    def _agency(self, kind: str) -> tuple[str, str]:
        police = kind in POLICE_ONLY and bool(self.police)
        names = self.police if police else self.agencies
        place = self.turns.next_index("police" if police else "agencies", len(names))
        return names[place], f"{kind} at {names[place]}, place {place} of {', '.join(names)}."

    def _clock(self, report: IncidentReport, k: int, zone: str) -> tuple[time, str, str]:
        if report.occurred_at is not None and report.zone is not None:
            known = report.occurred_at.astimezone(ZoneInfo(report.zone)).time()
            return known, zone, f"{known:%H:%M} is the row's own clock time."
        place = k % len(HOURS)
        return (
            HOURS[place],
            zone,
            f"{HOURS[place]:%H:%M} is place {k} mod {len(HOURS)} = {place} of the hours.",
        )

    def _chosen(
        self, number: int, kind: str, agency: str, own: Sequence[DemoPerson]
    ) -> list[tuple[DemoPerson, Circle]]:
        responders = [person for person in own if is_responder(person)]
        shape = SHAPES[number % len(SHAPES)]
        if shape == WHOLE_CREW:
            crew = self._crew(agency, responders)
            circles = [Circle.B] * len(crew) if kind in _LOSS else _actor_first(len(crew))
            others = [*self._dispatcher(), *self._one(agency, own, "supervisors", Circle.E)]
            return [*zip(crew, circles, strict=True), *others]
        pair = [Circle.B, Circle.D] if kind in _LOSS else _actor_first(2)
        if shape == TWO:
            two = self.turns.next_people(f"{agency} responders", responders, 2)
            return [*zip(two, pair, strict=False), *self._dispatcher()]
        one = self.turns.next_people(f"{agency} responders", responders, 1)
        return [*zip(one, pair, strict=False), *self._one(agency, own, "peers", Circle.B)]

    def _crew(self, agency: str, responders: Sequence[DemoPerson]) -> list[DemoPerson]:
        units = sorted({person.unit for person in responders})
        unit = units[self.turns.next_index(f"{agency} crews", len(units))]
        return [person for person in responders if person.unit == unit]

    def _dispatcher(self) -> list[tuple[DemoPerson, Circle]]:
        return [(person, Circle.C) for person in self.turns.next_people("dispatchers", self.dispatchers, 1)]

    def _one(
        self, agency: str, own: Sequence[DemoPerson], name: str, circle: Circle
    ) -> list[tuple[DemoPerson, Circle]]:
        fits = is_supervisor if name == "supervisors" else is_peer
        known = [person for person in own if fits(person)]
        return [(person, circle) for person in self.turns.next_people(f"{agency} {name}", known, 1)]


def _actor_first(count: int) -> list[Circle]:
    return [Circle.A, *[Circle.B] * (count - 1)]


def _part(length: timedelta, circle: Circle) -> timedelta:
    return timedelta(minutes=_minutes(length) * THIRDS[circle] // 3) if THIRDS[circle] < 3 else length


def _minutes(span: timedelta) -> int:
    return span // timedelta(minutes=1)


def _told(begins: datetime, length: timedelta, zone: str, affected: Sequence[DemoAffected]) -> str:
    people = ", ".join(f"{one.person} {one.circle} to {one.exposure_end:%H:%M}Z" for one in affected)
    return (
        f"{zone}: {begins:%Y-%m-%dT%H:%MZ}, {_minutes(length)} min, logged {_minutes(LOGGED_AFTER)} min "
        f"after. Affected: {people}."
    )
