"""Loads what the choice of helpers looks at: the incident, the roster, and what each helper already
carries.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session, object_session

from cism.domain.incident import Circle, IncidentState, Severity
from cism.domain.people import Person, PersonStatus, Role
from cism.domain.protocol import Protocol, from_json
from cism.domain.selection import Helper, Load, SelectionContext, SelectionPolicy
from cism.domain.session_case import led_by_clinician
from cism.services import away, mutual_aid, on_call, party_rows, people
from cism.store import tables
from cism.store.states import AssignmentState, SessionState

# design: how long an incident counts as work at hand. After it the rest of the selection policy begins.
ACUTE = timedelta(days=7)
_CALENDAR = {  # whose turns count for whom is looked for
    Helper.PEER: Role.PEER,
    Helper.CLINICIAN: Role.CLINICIAN,
    Helper.LEADER: Role.CLINICIAN,
    Helper.CLINICAL_DIRECTOR: Role.CLINICAL_DIRECTOR,
    Helper.COORDINATOR: Role.COORDINATOR,
}
LOOKED_AFTER = timedelta(days=33)  # until the month's contact is over


def protocol_of(row: tables.Incident) -> Protocol:
    """The version that this incident started with."""
    return from_json(row.protocol_body)


def team_need(row: tables.Incident) -> int:
    """How many helpers: the protocol's number, enough that nobody looks after too many, and as many as a
    meeting needs.
    """
    served = [item for item in row.affected if item.circle is not Circle.F and item.ended_at is None]
    session = object_session(row)
    meetings = _meeting_sizes(session, [row.id]).get(row.id, []) if session is not None else []
    return _need(row, len(served), meetings)


def team_needs(session: Session, rows: Sequence[tables.Incident]) -> dict[str, int]:
    """The same for several incidents by id, with two queries however many there are."""
    ids = [row.id for row in rows]
    looked_after = session.execute(
        select(tables.AffectedPerson.incident_id, func.count())
        .where(
            tables.AffectedPerson.incident_id.in_(ids),
            tables.AffectedPerson.circle != Circle.F,
            tables.AffectedPerson.ended_at.is_(None),
        )
        .group_by(tables.AffectedPerson.incident_id)
    )
    served = dict(looked_after.all())
    meetings = _meeting_sizes(session, ids)
    return {row.id: _need(row, served.get(row.id, 0), meetings.get(row.id, [])) for row in rows}


def _need(row: tables.Incident, served: int, meetings: Iterable[tuple[str, int]]) -> int:
    """A clinician who leads a meeting is not one of the team."""
    protocol = protocol_of(row)
    seats = (size - led_by_clinician(kind, protocol.sessions[kind]) for kind, size in meetings)
    own = protocol.activation.team[row.severity]
    return max(own, math.ceil(served / SelectionPolicy().max_open_persons), max(seats, default=0))


def _meeting_sizes(session: Session, ids: Collection[str]) -> dict[str, list[tuple[str, int]]]:
    """The most helpers that one meeting to come needs, by incident and kind."""
    found: dict[str, list[tuple[str, int]]] = defaultdict(list)
    query = (
        select(
            tables.GroupSession.incident_id,
            tables.GroupSession.kind,
            func.max(tables.GroupSession.team_size),
        )
        .where(
            tables.GroupSession.incident_id.in_(ids),
            tables.GroupSession.state.in_([SessionState.PROPOSED, SessionState.APPROVED]),
        )
        .group_by(tables.GroupSession.incident_id, tables.GroupSession.kind)
    )
    for incident_id, kind, size in session.execute(query):
        found[incident_id].append((kind, size))
    return found


def context(
    session: Session, row: tables.Incident, now: datetime, helper: Helper = Helper.PEER
) -> SelectionContext:
    """One choice for one incident at this moment."""
    affected = people.by_ids(session, [item.person_id for item in row.affected])
    chart = session.execute(select(tables.Person.id, tables.Person.reports_to)).all()
    refused = session.execute(select(tables.Refusal.person_id, tables.Refusal.peer_id)).all()
    lending = mutual_aid.helping(session, row.agency)
    if lending is None:
        lending = frozenset(session.scalars(select(tables.Agency.key)))
    parts = party_rows.by_part(session, row.id)
    return SelectionContext(
        incident=people.incident_snapshot(row),
        now=now,
        people={person_id: people.snapshot(item) for person_id, item in affected.items()},
        reports_to=dict(chart),
        loads=loads(session, row.id, now),
        refused=frozenset((person_id, peer_id) for person_id, peer_id in refused),
        known=_known(session, affected),
        asked=_asked(session, row.id),
        on_scene=parts[party_rows.ON_SCENE] | party_rows.forgotten(session, row),
        reviewers=parts[party_rows.REVIEWER],
        team=tuple(_serving(session, row.id)),
        mutual_aid=lending - {row.agency},
        on_call=on_call.now_on_call(session, _CALENDAR[helper], now),
        helper=helper,
        urgent=row.severity.at_least(Severity.S3),
    )


def _asked(session: Session, incident_id: str) -> frozenset[str]:
    """Who was asked before; called off and opened again, they are asked like everybody else."""
    query = select(tables.Assignment.peer_id).where(
        tables.Assignment.incident_id == incident_id,
        tables.Assignment.state != AssignmentState.STOOD_DOWN,
    )
    return frozenset(session.scalars(query))


def _known(session: Session, persons: Collection[str]) -> frozenset[tuple[str, str]]:
    """Who of them has a helper over another incident, or was called by one before."""
    looked_after = session.execute(
        select(tables.AffectedPerson.person_id, tables.AffectedPerson.peer_id)
        .join(tables.Incident, tables.Incident.id == tables.AffectedPerson.incident_id)
        .where(
            tables.AffectedPerson.person_id.in_(persons),
            tables.AffectedPerson.peer_id.is_not(None),
            tables.Incident.state == IncidentState.OPEN,
        )
    )
    called = session.execute(
        select(tables.Question.about_id, tables.Question.person_id).where(
            tables.Question.kind == "contact_report",
            tables.Question.state == "answered",
            tables.Question.about_id.in_(persons),
        )
    )
    return frozenset((str(person), str(helper)) for person, helper in (*looked_after, *called))


def roster(session: Session, roles: Iterable[Role] = (Role.PEER,)) -> list[Person]:
    """Everybody who holds one of the roles and is active."""
    return [
        people.snapshot(item)
        for item in people.with_role(session, list(roles))
        if item.status is PersonStatus.ACTIVE
    ]


def loads(session: Session, incident_id: str, now: datetime, only: str | None = None) -> dict[str, Load]:
    """What each helper carries outside this incident; `only` one of them, by id, where it is about one."""
    open_persons: dict[str, int] = defaultdict(int)
    for peer_id in session.scalars(
        select(tables.AffectedPerson.peer_id)
        .join(tables.Incident, tables.Incident.id == tables.AffectedPerson.incident_id)
        .where(
            tables.Incident.state == IncidentState.OPEN,
            _one(tables.AffectedPerson.peer_id, only),
            tables.AffectedPerson.ended_at.is_(None),
            tables.AffectedPerson.incident_id != incident_id,
            tables.AffectedPerson.added_at > now - LOOKED_AFTER,
        )
    ):
        open_persons[peer_id or ""] += 1
    served = _served(session, incident_id, now, only)
    resting = _own_incidents(session, incident_id, now, only)
    gone = away.of_many(session, None if only is None else [only], now)
    return {
        helper: replace(
            _load(open_persons[helper], served.get(helper, []), resting.get(helper), now),
            away_until=gone.get(helper),
        )
        for helper in {*open_persons, *served, *resting, *gone}
    }


def _serving(session: Session, incident_id: str) -> list[Person]:
    ids = session.scalars(
        select(tables.Assignment.peer_id).where(
            tables.Assignment.incident_id == incident_id,
            tables.Assignment.state.in_([AssignmentState.ASKED, AssignmentState.ACCEPTED]),
        )
    )
    rows = people.by_ids(session, sorted(set(ids)))
    return [people.snapshot(rows[one]) for one in sorted(rows)]


def _one(column: InstrumentedAttribute[Any], only: str | None) -> ColumnElement[bool]:
    return column == only if only is not None else column.is_not(None)


def _served(
    session: Session, incident_id: str, now: datetime, only: str | None
) -> dict[str, list[tuple[Severity, datetime]]]:
    rows = session.execute(
        select(tables.Assignment.peer_id, tables.Incident.severity, tables.Incident.logged_at)
        .join(tables.Incident, tables.Incident.id == tables.Assignment.incident_id)
        .where(
            _one(tables.Assignment.peer_id, only),
            tables.Assignment.state == AssignmentState.ACCEPTED,
            tables.Assignment.incident_id != incident_id,
            tables.Incident.state != IncidentState.STOOD_DOWN,
            tables.Incident.logged_at > now - timedelta(days=60),
        )
    )
    found: dict[str, list[tuple[Severity, datetime]]] = defaultdict(list)
    for helper, severity, logged_at in rows:
        found[helper].append((severity, logged_at))
    return found


def _own_incidents(
    session: Session, incident_id: str, now: datetime, only: str | None
) -> dict[str, datetime]:
    rows = session.execute(
        select(
            tables.AffectedPerson.person_id,
            func.coalesce(tables.AffectedPerson.exposure_end, tables.AffectedPerson.added_at),
        )
        .join(tables.Incident, tables.Incident.id == tables.AffectedPerson.incident_id)
        .where(
            _one(tables.AffectedPerson.person_id, only),
            tables.Incident.state != IncidentState.STOOD_DOWN,  # a false alarm is no event of one's own
            tables.AffectedPerson.incident_id != incident_id,
            tables.AffectedPerson.added_at > now - timedelta(days=60),
            # both say so: the rest ends before its time
            tables.AffectedPerson.ready_self_at.is_(None)
            | tables.AffectedPerson.ready_clinician_at.is_(None),
        )
    )
    found: dict[str, datetime] = {}
    for helper, exposed_until in rows:
        until = SelectionPolicy().rest_until(exposed_until)
        found[helper] = max(found.get(helper, until), until)
    return found


def _load(
    persons: int, served: list[tuple[Severity, datetime]], resting: datetime | None, now: datetime
) -> Load:
    grave = [logged for severity, logged in served if severity.at_least(Severity.S3)]
    ended = [logged + ACUTE for logged in grave if logged + ACUTE <= now]
    lesser = [
        logged + ACUTE for severity, logged in served if severity is Severity.S2 and logged + ACUTE <= now
    ]
    return Load(
        open_persons=persons,
        s3_open=sum(logged + ACUTE > now for logged in grave),
        last_s3_end=max(ended, default=None),
        last_s2_end=max(lesser, default=None),
        activations_30d=sum(logged > now - timedelta(days=30) for _, logged in served),
        own_critical_incident_until=resting,
    )
