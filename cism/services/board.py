"""The board: every open incident of an agency with how each of its promises stands.

Counts and states alone: who answered, came, asked for help or passed is nobody's line here. However many
incidents there are, one page of it takes the same few queries.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Select, case, func, select
from sqlalchemy.orm import Session, lazyload

from cism.domain.escalation import EscalationState
from cism.domain.incident import IncidentState
from cism.domain.ledger import NextStep, Source, earliest
from cism.domain.plan import StepKind, StepState
from cism.services import calls_made, choice, ledger, session_standing
from cism.services.ledger import Count, Line
from cism.store.states import AssignmentState, SessionState
from cism.store.tables import AffectedPerson, Assignment, Escalation, GroupSession, Incident, Step

A_PAGE: Final = 25
CONTACTS: Final = (StepKind.CONTACT, StepKind.PEER_TASK)
_PLACE: Final = (Incident.logged_at.desc(), Incident.id)
_TO_COME, _MADE, _MISSED = range(3)
_SHOWN_MEETINGS: Final = (SessionState.PROPOSED, SessionState.APPROVED, SessionState.HELD)


@dataclass(frozen=True, slots=True)
class Team:
    """Helpers by number: how many are needed, serve, and were asked."""

    needed: int
    serving: int
    asked: int

    @property
    def complete(self) -> bool:
        """Whether nobody more is looked for."""
        return self.serving >= self.needed


@dataclass(frozen=True, slots=True)
class Meeting:
    """A group meeting against its window."""

    kind: str
    state: SessionState
    starts_at: datetime | None
    window_to: datetime | None
    put_at: datetime | None = None  # when a clinician is asked about it, where none was yet
    unreported: bool = False  # it is over, and nobody has said that it was held
    late: bool = False  # somebody was to have decided, or reported it, by now


@dataclass(frozen=True, slots=True)
class Contacts:
    """Points of the plan, each of each person, by what became of them; never by what was answered.

    `made`: the check-in went out, or a peer was asked to call. `late`: calls that a peer was to have reported
    by now; they are among those made, because the engine has done its part.
    """

    made: int = 0
    to_come: int = 0
    missed: int = 0
    late: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """One open incident. `mine`: whoever looks is on its list, and sees no more than its header."""

    incident: Incident
    mine: bool
    affected: int = 0
    team: Team = Team(0, 0, 0)
    meetings: tuple[Meeting, ...] = ()
    contacts: Contacts = field(default_factory=Contacts)
    calls_open: int = 0  # escalations that no human has ended
    calls_untaken: int = 0  # those of them that no human has taken
    next: NextStep | None = None
    count: Count = field(default_factory=Count)

    @property
    def good(self) -> bool:
        """Whether nobody is forgotten, and nothing that was promised is late."""
        return self.count.good and not self.contacts.late and not any(one.late for one in self.meetings)


def page(
    session: Session, agency: str, viewer_id: str | None, now: datetime, *, start: int = 0
) -> tuple[list[Row], int]:
    """One page of the board, the newest incident first, and how many open incidents there are."""
    total = int(session.scalar(select(func.count()).select_from(Incident).where(*is_open(agency))) or 0)
    ids = list(session.scalars(newest(agency, start=start)))
    query = (
        select(Incident).where(Incident.id.in_(ids)).order_by(*_PLACE).options(lazyload(Incident.affected))
    )
    rows = list(session.scalars(query))
    mine = _of_viewer(session, [row.id for row in rows], viewer_id)
    shown = {row.id: found for row, found in _rows(session, [r for r in rows if r.id not in mine], now)}
    return [shown.get(row.id) or Row(row, mine=True) for row in rows], total


def is_open(agency: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Which incidents stand on an agency's board."""
    return (Incident.agency == agency, Incident.state == IncidentState.OPEN)


def newest(agency: str, *, start: int) -> Select[str]:
    """The ids of one page. Ids first: to sort thousands of rows, which carry their protocol, takes longer
    than all the rest.
    """
    return select(Incident.id).where(*is_open(agency)).order_by(*_PLACE).offset(start).limit(A_PAGE)


def one(session: Session, row: Incident, now: datetime) -> Row:
    """The line of one incident; one that is over has no next step."""
    return _rows(session, [row], now)[0][1]


def _of_viewer(session: Session, ids: Collection[str], viewer_id: str | None) -> set[str]:
    query = select(AffectedPerson.incident_id).where(
        AffectedPerson.incident_id.in_(ids), AffectedPerson.person_id == viewer_id
    )
    return set(session.scalars(query))


def _rows(session: Session, rows: Sequence[Incident], now: datetime) -> list[tuple[Incident, Row]]:
    ids = [row.id for row in rows]
    needs, team = choice.team_needs(session, rows), _team(session, ids)
    meetings, contacts = _meetings(session, ids, now), _contacts(session, ids, now)
    affected, calls = _affected(session, ids), _calls(session, ids)
    lines = defaultdict(list)
    for line in ledger.lines(session, incident_ids=ids):
        lines[line.incident_id].append(line)
    return [
        (
            row,
            Row(
                row,
                mine=False,
                affected=affected.get(row.id, 0),
                team=Team(needs[row.id], team[row.id][AssignmentState.ACCEPTED], team[row.id].total()),
                meetings=tuple(meetings[row.id]),
                contacts=contacts.get(row.id, Contacts()),
                calls_open=calls[row.id].total(),
                calls_untaken=calls[row.id][EscalationState.OPEN],
                next=_next(lines[row.id]),
                count=ledger.count(lines[row.id], now),
            ),
        )
        for row in rows
    ]


def _next(lines: Sequence[Line]) -> NextStep | None:
    """What comes next of the plan.

    A call that somebody asked for stands with the calls for help: beside an incident with few people it would
    tell who asked. It is the next step here only where there is no other.
    """
    steps = [line.step for line in lines if line.step is not None]
    return earliest(step for step in steps if step.source is not Source.ESCALATION) or earliest(steps)


def _team(session: Session, ids: Collection[str]) -> dict[str, Counter[AssignmentState]]:
    found: dict[str, Counter[AssignmentState]] = defaultdict(Counter)
    query = (
        select(Assignment.incident_id, Assignment.state, func.count())
        .where(Assignment.incident_id.in_(ids))
        .group_by(Assignment.incident_id, Assignment.state)
    )
    for incident_id, state, count in session.execute(query):
        found[incident_id][state] = count
    return found


def _meetings(session: Session, ids: Collection[str], now: datetime) -> dict[str, list[Meeting]]:
    found: dict[str, list[Meeting]] = defaultdict(list)
    to_put = session_standing.to_put(session, ids)
    query = (
        select(
            GroupSession.id,
            GroupSession.incident_id,
            GroupSession.kind,
            GroupSession.state,
            GroupSession.starts_at,
            GroupSession.ends_at,
            GroupSession.window_to,
        )
        .where(GroupSession.incident_id.in_(ids), GroupSession.state.in_(_SHOWN_MEETINGS))
        .order_by(GroupSession.window_from, GroupSession.id)
    )
    for row in session.execute(query):
        unreported = session_standing.unreported(row.state, row.ends_at, now)
        undecided = row.starts_at is None and row.window_to is not None and row.window_to < now
        late = session_standing.report_late(row.ends_at, now) if unreported else undecided
        put_at = to_put.get(row.id) if row.state is SessionState.PROPOSED else None
        found[row.incident_id].append(
            Meeting(row.kind, row.state, row.starts_at, row.window_to, put_at, unreported, late)
        )
    return found


def _contacts(session: Session, ids: Collection[str], now: datetime) -> dict[str, Contacts]:
    """Each point of each person once, whatever it took: what is still planned is to come."""
    place = case(
        (Step.state == StepState.PLANNED, _TO_COME), (Step.state == StepState.DONE, _MADE), else_=_MISSED
    )
    points = (
        select(Step.incident_id.label("incident"), func.min(place).label("place"))
        .where(
            Step.incident_id.in_(ids),
            Step.kind.in_(CONTACTS),
            Step.state.in_([StepState.PLANNED, StepState.DONE, StepState.EXPIRED]),
        )
        .group_by(Step.incident_id, Step.subject_id, Step.payload["point"].as_string())
        .subquery()
    )
    by = (points.c.incident, points.c.place)
    query = select(*by, func.count()).group_by(*by)
    counts: dict[str, Counter[int]] = defaultdict(Counter)
    for incident_id, found, count in session.execute(query):
        counts[incident_id][found] = count
    late = calls_made.late(session, ids, now)
    return {
        key: Contacts(counts[key][_MADE], counts[key][_TO_COME], counts[key][_MISSED], late[key])
        for key in counts.keys() | late.keys()
    }


def _affected(session: Session, ids: Collection[str]) -> dict[str, int]:
    query = (
        select(AffectedPerson.incident_id, func.count())
        .where(AffectedPerson.incident_id.in_(ids))
        .group_by(AffectedPerson.incident_id)
    )
    return dict(session.execute(query).all())


def _calls(session: Session, ids: Collection[str]) -> dict[str, Counter[EscalationState]]:
    """That a call is open, how many, and how many of them nobody has taken; never whose (domain.md 7.3)."""
    found: dict[str, Counter[EscalationState]] = defaultdict(Counter)
    query = (
        select(Escalation.incident_id, Escalation.state, func.count())
        .where(Escalation.incident_id.in_(ids), Escalation.state != EscalationState.CLOSED)
        .group_by(Escalation.incident_id, Escalation.state)
    )
    for incident_id, state, count in session.execute(query):
        found[incident_id or ""][state] = count
    return found
