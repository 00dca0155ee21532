"""F2: ninety days of a department, told in minutes: every check-in within a minute of its moment, each once.

The real conductor, the real courier and a phone wall; the movable clock goes from one due moment to the next,
as `cism clock advance` does. Helpers answer what they are asked. People answer nothing, so that every
reminder goes out too. `CISM_RESPONDERS` makes it larger than two loaded cores can do in minutes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from sqlalchemy import select

from bench import people
from bench.figures import percentile
from cism.cli import clock as clock_command
from cism.domain.escalation import EscalationState
from cism.services import clockwork, engine, escalations, inbound, queue
from cism.settings import WALL_NUMBER
from cism.store.db import Database, now
from cism.store.tables import Escalation, Person, Question
from demo.checking import cadence, evidence
from demo.checking.hours import Hours
from demo.checking.words import Kind
from notifications.gateway import InboundSms
from tests.faults import judge, load
from tests.faults.campaign import Case, Outcome
from tests.faults.ground import Ground

RESPONDERS: Final = 30
_A_LIST: Final = 10
_DAYS: Final = timedelta(days=91)
_WITHIN: Final = timedelta(seconds=60)
_DIGITS: Final = {"page": "1", "contact_report": "4", "escalation": "1", "turn": "1"}


def ninety_days(seed: int, ground: Ground) -> Outcome:
    """Even seeds on SQLite, odd ones on PostgreSQL."""
    responders = int(os.environ.get("CISM_RESPONDERS", RESPONDERS))
    url = ground.settled("postgresql" if seed % 2 else "sqlite", peers=24, responders=responders)
    wall, db = ground.wall(), ground.open(url)
    process = ground.start("conductor", "-m", "flows", **ground.env(url, wall))
    ground.until(lambda: "conductor.started" in ground.log("conductor"), 60, "the conductor", process)
    incidents = []
    for first in range(1, responders + 1, _A_LIST):
        keys = [f"R{number}" for number in range(first, min(first + _A_LIST, responders + 1))]
        with db.read() as session:
            moment = now(session)
        ref, _ = load.log(db, *keys)
        ended = moment - timedelta(minutes=30)
        listed = tuple(evidence.Affected(key, "A", ended) for key in keys)
        incidents.append(
            evidence.Incident(ref, people.AGENCY, "THREAT", "S2", moment, moment, listed, None, None)
        )
        _live(db, timedelta(hours=7))
    _live(db, _DAYS)
    texts = judge.texts_of(wall.export(), judge.moves_of(db))
    due = list(_required(db, incidents))
    told = judge.judge([one for one in texts if one.kind is Kind.CHECK_IN], due)
    spans = _spans(texts, due)
    late = percentile(spans, 0.999) if spans else 0.0
    return Outcome(
        injected=0,
        sent=len(texts),
        lost=len(told.missing),
        doubled=len(judge.doubled(texts, apart=timedelta(hours=6))),
        early=told.early,
        late=told.late,
        note=f"{responders} people, {len(due)} check-ins due; p99.9 {late:.1f} s after due",
        broken=() if late <= _WITHIN.total_seconds() else (f"p99.9 {late:.1f} s after due, promised 60 s",),
    )


def _live(db: Database, span: timedelta) -> None:
    with db.read() as session:
        until = now(session) + span
    while True:
        clock_command.settle(db)
        _humans(db)
        clock_command.settle(db)
        with db.transaction() as session:
            following = engine.next_due(session)
            if following is None or following > until:
                clockwork.move_to(session, until, "advance")
                return
            clockwork.move_to(session, following, "advance")


def _humans(db: Database) -> None:
    """Helpers answer what they were asked, and whatever waits for a human is done."""
    with db.transaction() as session:
        asked = session.scalars(
            select(Question).where(Question.kind.in_(_DIGITS), Question.state == "open")
        ).all()
        answers = [
            (session.get_one(Person, one.person_id).phone or "", f"{_DIGITS[one.kind]} {one.code}", one.id)
            for one in asked
        ]
    for phone, body, question in answers:
        with db.transaction() as session:
            inbound.receive_once(session, InboundSms(f"SMh{question}", phone, WALL_NUMBER, body))
    with db.transaction() as session:
        for item in queue.open_items(session):
            queue.handle(session, item.id, by=None, now=now(session))
        taken = select(Escalation).where(Escalation.state == EscalationState.ACKED)
        for row in session.scalars(taken).all():
            helper = session.get_one(Person, row.acked_by or "")
            escalations.close(session, row, helper, "reached", now(session))


def _required(db: Database, incidents: list[evidence.Incident]) -> Iterator[judge.Due]:
    with db.read() as session:
        rows = {row.roster_id: row for row in session.scalars(select(Person))}
        current = now(session)
        session.expunge_all()
    for incident in incidents:
        for item in incident.affected:
            row = rows[item.person]
            hours = Hours(row.zone, row.sleep_start, row.sleep_end)
            person = evidence.Person(
                item.person, row.phone or "", row.agency, frozenset(), hours, True, True, "active"
            )
            for point in cadence.points_of(incident, item, person, by_wish=False):
                if point.due + _WITHIN < current:
                    yield judge.Due(person.phone, Kind.CHECK_IN, point.due, point.due + _WITHIN)


def _spans(texts: list[judge.Text], required: list[judge.Due]) -> list[float]:
    left = [one for one in texts if one.kind is Kind.CHECK_IN]
    found = []
    for due in sorted(required, key=lambda one: one.at):
        mine = next((one for one in left if one.to == due.to), None)
        if mine is not None:
            left.remove(mine)
            found.append((mine.at - due.at).total_seconds())
    return found


CASES = (
    Case("F2", "no fault: ninety days, each check-in in its minute", ninety_days, seeds=2, injects=False),
)
