"""An installation with 10,000 open incidents: one that was really logged and begun, and copies of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Final, NamedTuple

from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session

from bench import people
from bench.ground import BenchError
from cism.domain.break_glass import GlassReason
from cism.domain.escalation import EscalationLevel
from cism.domain.incident import Circle
from cism.domain.people import Role
from cism.services import answers, engine, escalations, glass, intake, queue
from cism.services import people as roster
from cism.services.intake import AffectedInput, IncidentInput
from cism.store.db import Database, now
from cism.store.tables import AffectedPerson, Assignment, Base, Incident, Person, Question

AGENCY: Final = people.AGENCY
INCIDENTS: Final = 10_000
_CALLS: Final = 100  # open calls for help and things that wait: one incident in a hundred at one moment
_COPIED: Final = ("incident", "affected", "assignment", "group_session", "offer", "question", "step")
_REALLY_LISTED: Final = 3
_IDS: Final = frozenset({"id", "incident_id", "subject_id", "session_id"})
_UNIQUE: Final = frozenset({"key", "source_key"})


class Filled(NamedTuple):
    """What the pages of one incident, one call and one helper are called. `peer`: by roster id."""

    ref: str
    item: str
    escalation: str
    assignment: str
    peer: str
    glass: str


def fill(db: Database, store: str) -> Filled:
    """Fill an empty database."""
    with db.transaction() as session:
        people.settle_in(session, people.roster_file(peers=40, responders=200))
        report = IncidentInput(
            type="CHILD",
            agency=AGENCY,
            occurred_at=people.NOON,
            ended_at=people.NOON,
            affected=tuple(AffectedInput(person_id=f"R{number}", circle=Circle.B) for number in (1, 2, 3)),
        )
        intake.log_once(session, report, caller="bench", key=None)
        session.flush()
        while engine.run_due(session).steps:
            pass
    with db.transaction() as session:
        filled = _begun(session)
        for table in _COPIED:
            _copy(session, table, INCIDENTS, store)
        _spread(session, filled.ref)
        for table in ("escalation", "queue_item"):
            _copy(session, table, _CALLS, store)
        _no_helper_has_them_all(session, filled.assignment)
    with db.transaction() as session:
        session.execute(text("ANALYZE"))
    return filled


def _begun(session: Session) -> Filled:
    """One helper serves, somebody is to be called, and somebody wrote in their own words."""
    at = now(session)
    question = session.scalars(select(Question).where(Question.kind == "page").limit(1)).one()
    answers.apply(session, question, "1", None, at)
    row = session.scalars(select(Incident)).one()
    person = session.get_one(Person, row.affected[0].person_id)
    item = queue.add(
        session,
        "call_needed",
        now=at,
        within=timedelta(hours=1),
        person=person,
        incident_id=row.id,
        tell=False,
    )
    call = escalations.open_for(
        session,
        person=person,
        agency=AGENCY,
        level=EscalationLevel.URGENT,
        reason="asked",
        now=at,
        incident_id=row.id,
    )
    session.flush()
    peer = session.get_one(Person, question.person_id)
    part = session.scalars(select(Assignment).where(Assignment.peer_id == peer.id)).one()
    return Filled(row.ref, item.id, call.id, part.id, peer.roster_id, _broken(session, row))


def _broken(session: Session, row: Incident) -> str:
    """The coordinator looks at the list of an incident that they need for an hour."""
    coordinator = roster.by_roster_id(session, AGENCY, "C1")
    if coordinator is None:
        message = "nobody coordinates"
        raise BenchError(message)
    return glass.broken(session, row, reason=GlassReason.DANGER, by=coordinator, now=now(session)).id


def _spread(session: Session, ref: str) -> None:
    """Other people stand on the lists of the copies: nobody lives through ten thousand incidents."""
    row = select(Incident.id).where(Incident.ref == ref).scalar_subquery()
    listed = session.scalars(
        select(AffectedPerson.id).order_by(AffectedPerson.incident_id != row, AffectedPerson.id)
    ).all()
    known = session.scalars(select(Person).order_by(Person.id)).all()
    really = set(session.scalars(select(AffectedPerson.person_id).distinct()))
    responders = [
        one.id
        for one in known
        if one.id not in really and {item.role for item in one.roles} == {Role.RESPONDER}
    ]
    moved = [
        {"key": key, "person": responders[place % len(responders)]}
        for place, key in enumerate(listed[_REALLY_LISTED:])
    ]
    session.execute(text("UPDATE affected SET person_id = :person WHERE id = :key"), moved)


def _no_helper_has_them_all(session: Session, own: str) -> None:
    """Whoever serves has one incident, as the caps want it; the copies wait for the others."""
    part = session.get_one(Assignment, own)
    others = (Assignment.peer_id == part.peer_id, Assignment.id != own)
    session.execute(delete(Assignment).where(*others))
    session.execute(
        update(AffectedPerson)
        .where(AffectedPerson.peer_id == part.peer_id, AffectedPerson.incident_id != part.incident_id)
        .values(peer_id=None)
    )
    session.execute(
        delete(Question).where(Question.person_id == part.peer_id, Question.incident_id != part.incident_id)
    )


def _copy(session: Session, name: str, most: int, store: str) -> None:
    """As many copies of a table's rows, with ids of their own that still fit each other."""
    columns = [column.name for column in Base.metadata.tables[name].columns]
    listed = ", ".join(f'"{column}"' for column in columns)
    values = ", ".join(_value(column, store) for column in columns)
    session.execute(
        text(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :most) "  # noqa: S608
            f"INSERT INTO {name} ({listed}) SELECT {values} FROM {name}, n"
        ),
        {"most": most - 1},
    )


def _value(column: str, store: str) -> str:
    tail = "substr('00000' || i, -6)" if store == "SQLite" else "right('00000' || i, 6)"
    if column in _IDS:
        end = f'substr("{column}", -14)' if store == "SQLite" else f'right("{column}", 14)'
        return f"{end} || {tail}"
    if column in _UNIQUE:
        return f"\"{column}\" || ':' || i"
    if column == "ref":
        return f"'C-' || {tail}"
    return f'"{column}"'
