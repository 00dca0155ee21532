"""What must not end with a computer: whom to call, and what was promised, by agency; read from the rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.escalation import EscalationState
from cism.domain.incident import IncidentState
from cism.domain.ledger import NextStep, Owner
from cism.domain.people import PersonStatus, Role
from cism.services import audit_heads, ledger, people, words
from cism.store.states import AssignmentState, QueueState, SessionState
from cism.store.tables import (
    AffectedPerson,
    Agency,
    Assignment,
    Escalation,
    GroupSession,
    Incident,
    Person,
    QueueItem,
)

_CALLED = (  # in the order of the tree
    (Role.COORDINATOR, "Coordinators"),
    (Role.CLINICAL_DIRECTOR, "Clinical directors"),
    (Role.CLINICIAN, "Clinicians"),
    (Role.CHAPLAIN, "Chaplains"),
    (Role.PEER, "Peers"),
)
_PLANNED = (SessionState.PROPOSED, SessionState.APPROVED)


@dataclass(frozen=True, slots=True)
class Table:
    """A heading, the names of its columns, and rows of words."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Paper:
    """All that stands on one agency's paper."""

    agency: str
    made: str
    duty_phone: str
    crisis_line: str
    tree: tuple[Table, ...] = ()
    promises: tuple[Table, ...] = ()
    notes: tuple[str, ...] = field(default=())


@dataclass(slots=True)
class _Desk:
    """What lies on the desk while a paper is written."""

    session: Session
    agency: Agency
    now: datetime
    zone: str
    known: dict[str, Person]

    def at(self, moment: datetime | None) -> str:
        """A time on the agency's own clock."""
        return f"{moment.astimezone(ZoneInfo(self.zone)):%a %d %b %H:%M}" if moment else "-"

    def who(self, person_id: str | None) -> str:
        """A name and a phone."""
        row = self.known.get(person_id or "")
        if row is None:
            row = self.session.get(Person, person_id) if person_id else None
        return f"{row.name}, {row.phone or 'no phone'}" if row is not None else "-"


def write(session: Session, agency_key: str, now: datetime) -> Paper:
    """The paper of one agency as of now."""
    agency = session.get_one(Agency, agency_key)
    rows = session.scalars(select(Person).where(Person.agency == agency_key))
    desk = _Desk(session, agency, now, words.zone_of(session, agency_key), {row.id: row for row in rows})
    incidents = list(
        session.scalars(
            select(Incident)
            .where(Incident.agency == agency_key, Incident.state == IncidentState.OPEN)
            .order_by(Incident.logged_at, Incident.id)
        )
    )
    return Paper(
        agency=agency.display,
        made=f"{desk.at(now)} {now.astimezone(ZoneInfo(desk.zone)):%Y} ({desk.zone})",
        duty_phone=agency.duty_phone or "-",
        crisis_line=agency.crisis_line,
        tree=tuple(_tree(desk)),
        promises=(
            _escalations(desk),
            _queue(desk),
            *(_incident(desk, row) for row in incidents),
            _sessions(desk, incidents),
        ),
        notes=tuple(_notes(desk, incidents)),
    )


def _tree(desk: _Desk) -> Iterable[Table]:
    for role, title in _CALLED:
        rows = [
            (row.name, row.phone or "-", row.unit, _limits(row))
            for row in sorted(desk.known.values(), key=lambda one: (one.name, one.id))
            if role in {item.role for item in row.roles}
            and row.status in {PersonStatus.ACTIVE, PersonStatus.LEAVE}
        ]
        if rows:
            yield Table(title, ("Name", "Phone", "Unit", "Note"), tuple(rows))


def _limits(row: Person) -> str:
    """What whoever calls has to know; no reason of theirs."""
    notes = (
        (row.status is PersonStatus.LEAVE, "on leave"),
        (row.frozen_at is not None, "number in doubt: ask another way"),
        (row.opted_out_at is not None, "no texts, a call is fine"),
        (not people.reachable(row) and row.opted_out_at is None and row.frozen_at is None, "is not paged"),
    )
    return "; ".join(text for holds, text in notes if holds)


def _escalations(desk: _Desk) -> Table:
    query = select(Escalation).where(
        Escalation.agency == desk.agency.key, Escalation.state != EscalationState.CLOSED
    )
    rows = [
        (
            row.level.value.upper(),
            desk.who(row.person_id) if row.person_id else "unknown sender: see the provider's list of texts",
            f"since {desk.at(row.opened_at)}",
            f"{desk.who(row.acked_by)}, by {desk.at(row.voice_by)}" if row.acked_by else "NOBODY YET",
        )
        for row in desk.session.scalars(query.order_by(Escalation.level_at))
    ]
    return Table("Somebody asked for a call", ("How pressing", "Who", "Since", "Who calls"), tuple(rows))


def _queue(desk: _Desk) -> Table:
    query = select(QueueItem).where(QueueItem.agency == desk.agency.key, QueueItem.state == QueueState.OPEN)
    rows = [
        (row.kind.replace("_", " "), desk.who(row.person_id), desk.at(row.deadline))
        for row in desk.session.scalars(query.order_by(QueueItem.deadline))
    ]
    return Table("A human has to read or decide", ("What", "About", "By"), tuple(rows))


def _incident(desk: _Desk, row: Incident) -> Table:
    """Who is looked after, by whom, and what comes next; of whoever wants nothing, nothing."""
    found = {line.affected_id: line for line in ledger.lines(desk.session, incident_ids=[row.id])}
    listed = []
    for item in sorted(row.affected, key=lambda one: one.id):
        line = found.get(item.id)
        if line is None or line.step is None:
            continue
        listed.append(
            (
                desk.who(item.person_id),
                _said(desk, line.step, item),
                desk.at(line.step.at),
                desk.who(item.peer_id) if item.peer_id else "-",
            )
        )
    team = ", ".join(desk.who(one) for one in _team(desk.session, row)) or "nobody yet"
    title = f"{row.ref} ({row.severity.value}), logged {desk.at(row.logged_at)}. Team: {team}"
    return Table(title, ("Who", "What comes next", "By", "Looked after by"), tuple(listed))


def _said(desk: _Desk, step: NextStep, item: AffectedPerson) -> str:
    """What somebody with a telephone does instead of the engine."""
    kind = step.kind.value.replace("_", " ")
    if step.owner is Owner.ENGINE:
        return f"{kind}: call instead of the text"
    owner = desk.who(step.owner_id) if step.owner_id else step.owner.value
    return f"{kind} ({owner})" if step.owner_id != item.peer_id else kind


def _team(session: Session, row: Incident) -> Sequence[str]:
    query = select(Assignment.peer_id).where(
        Assignment.incident_id == row.id, Assignment.state == AssignmentState.ACCEPTED
    )
    return list(session.scalars(query.order_by(Assignment.changed_at)))


def _sessions(desk: _Desk, incidents: Sequence[Incident]) -> Table:
    refs = {row.id: row.ref for row in incidents}
    query = select(GroupSession).where(GroupSession.incident_id.in_(refs), GroupSession.state.in_(_PLANNED))
    rows = [
        (
            refs[row.incident_id],
            row.kind.replace("_", " "),
            desk.at(row.starts_at),
            row.state.value,
            desk.who(row.leader_id),
        )
        for row in desk.session.scalars(query.order_by(GroupSession.starts_at, GroupSession.id))
    ]
    return Table("Meetings", ("Incident", "What", "When", "Stands", "Leader"), tuple(rows))


def _notes(desk: _Desk, incidents: Sequence[Incident]) -> Iterable[str]:
    lines = ledger.lines(desk.session, incident_ids=[row.id for row in incidents]) if incidents else []
    silent = sum(line.step is None for line in lines)
    if silent:
        yield f"{silent} more on these lists want or need nothing from us now: do not call them."
    yield "Who answers 2 or 3 wants a call: promise one, and make it. In danger: 911."
    yield f"For whoever examines the audit log one day: {audit_heads.head(desk.session).text()}"
