"""Many follow-ups that fall due at once: a database that waits for them, and the running product on it."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Table, func, insert, inspect, select
from sqlalchemy.orm import Session

from bench import people
from bench.databases import Store, opened
from bench.figures import instant
from bench.ground import BenchError, Ground, Wall
from cism.clock import RealClock
from cism.domain.incident import Circle, IncidentState, Severity
from cism.domain.people import Role
from cism.domain.plan import StepKind, StepState
from cism.domain.protocol import load_protocol, to_json
from cism.services import clockwork, engine
from cism.store import owners
from cism.store.db import Database
from cism.store.states import OutboxState
from cism.store.tables import (
    AffectedPerson,
    Base,
    ClockRow,
    Counter,
    Incident,
    Outbox,
    Person,
    PersonRole,
    Question,
    Step,
    new_id,
)

PEERS = 40
_TOGETHER = 20  # people of one incident
DUE = people.NOON + timedelta(hours=24)
_WATCHED = 15.0  # seconds


def prepare(ground: Ground, store: Store, messages: int) -> tuple[str, str]:
    """Two databases: in one all check-ins are due once the clock moves, in the other they wait to leave."""
    due = store.fresh()
    with opened(ground.settings(database_url=due), made=True) as db, db.transaction() as session:
        people.settle_in(session, people.roster_file(PEERS, messages))
        log_waiting(session, messages)
    ready = store.copy(due)
    with opened(ground.settings(database_url=ready)) as db:
        move(db, minutes=1)
        with db.transaction() as session:
            engine.run_due(session, kinds=[StepKind.CONTACT], limit=1)
            _ask_everybody(session)
            session.get_one(ClockRow, 1).offset_seconds -= 3600  # nothing is to leave before `move`
        with db.read() as session:
            waiting = session.scalar(select(func.count()).where(Outbox.state == OutboxState.PENDING))
    if waiting != messages:
        message = f"{waiting} check-ins wait to leave instead of {messages}"
        raise BenchError(message)
    return due, ready


def move(db: Database, minutes: int = 2) -> None:
    """Go past the moment at which all of them are due, and past that at which `prepare` asked them."""
    with db.transaction() as session:
        clockwork.move_to(session, DUE + timedelta(minutes=minutes), "bench")


def log_waiting(session: Session, messages: int) -> None:
    """Incidents of twenty people each, as logging and planning leave them, with the first check-in alone."""
    responders = select(Person).join(PersonRole).where(PersonRole.role == Role.RESPONDER)
    rows = list(session.scalars(responders.order_by(Person.id).limit(messages)))
    ended = people.NOON - timedelta(minutes=30)
    for start in range(0, messages, _TOGETHER):
        incident = _incident(start, ended)
        session.add(incident)
        session.flush()
        for person in rows[start : start + _TOGETHER]:
            item = AffectedPerson(
                incident_id=incident.id,
                person_id=person.id,
                circle=Circle.A,
                exposure_end=ended,
                added_at=ended,
            )
            session.add(item)
            session.flush()
            session.add(_check_in(item))


def _incident(number: int, ended: datetime) -> Incident:
    protocol = load_protocol("sfa-follow-up")
    return Incident(
        ref=f"C-{number:05d}",
        agency=people.AGENCY,
        type="THREAT",
        severity=Severity.S2,
        occurred_at=ended - timedelta(hours=1),
        ended_at=ended,
        protocol=protocol.key,
        protocol_body=to_json(protocol),
        logged_at=people.NOON,
        logged_real=RealClock().now(),
        state=IncidentState.OPEN,
    )


def _check_in(item: AffectedPerson) -> Step:
    return Step(
        kind=StepKind.CONTACT,
        key=f"contact:{item.id}:f1",
        due_at=DUE,
        expires_at=DUE + timedelta(hours=8),
        incident_id=item.incident_id,
        person_id=item.person_id,
        subject_id=item.id,
        payload={"point": "f1"},
        state=StepState.PLANNED,
    )


def _ask_everybody(session: Session) -> None:
    """The first check-in was asked by the product itself; all others get the same rows."""
    question = session.scalars(select(Question)).one()
    message = session.scalars(select(Outbox).where(Outbox.question_id == question.id)).one()
    asked, texts = [], []
    for step in session.scalars(
        select(Step).where(Step.state == StepState.PLANNED, Step.key.endswith(":f1"))
    ):
        step.state, step.outcome, step.done_at = StepState.DONE, "sent", DUE
        about = {"person_id": step.person_id, "incident_id": step.incident_id}
        asked.append(_like(question) | about | {"id": new_id(), "subject_id": step.subject_id})
        more = {"id": new_id(), "question_id": asked[-1]["id"], "key": f"check-in:{asked[-1]['id']}"}
        texts.append(_like(message) | about | more)
    session.execute(insert(Question), owners.owned_rows(session, _table(Question), asked))
    session.execute(insert(Outbox), owners.owned_rows(session, _table(Outbox), texts))


def _table(kind: type[Base]) -> Table:
    return cast("Table", kind.__table__)


def _like(row: Base) -> dict[str, Any]:
    return {column.key: getattr(row, column.key) for column in inspect(type(row)).column_attrs}


def through_flows(ground: Ground, wall: Wall, url: str, messages: int) -> tuple[float, str]:
    """From the moment they are due through the running product: messages a second, and acts by whom.

    Until so many were accepted, or for as long as a wave is watched.
    """
    settings = ground.settings(database_url=url, wall_url=wall.url)
    with opened(settings) as db, ground.product(url, wall, ("web", "conductor")):
        begun = RealClock().now()
        move(db)
        with suppress(BenchError):
            wall.arrived(messages - 1, _WATCHED)
        accepted = [instant(item["accepted_at"]) for item in wall.accepted()]
        with db.read() as session:
            rows = session.execute(
                select(Counter.label, Counter.value).where(Counter.name == "cism_acts_total")
            ).all()
    counted = {str(label): int(value) for label, value in rows}
    told = f"{counted.get('true', 0)} acts by flows, {counted.get('false', 0)} bare"
    return len(accepted) / (max(accepted) - begun).total_seconds(), told
