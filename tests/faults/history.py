"""F3: a history of a million messages. Claiming, looking and auditing stay quick, and memory does not grow.

Measured inside one process on a copy of the product's own tables: a settled department, a hundred open
incidents, a million texts that left in the past, and a step that was done for each fourth of them. Every
figure is the time of the product's own call, transaction included. `CISM_HISTORY` makes it smaller for a
trial of the case itself.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import insert, literal, literal_column, null, select, text
from sqlalchemy.orm import Session

from bench.figures import percentile
from cism.clock import monotonic
from cism.domain.plan import StepState
from cism.services import claims, delivery, engine, ledger, outbox, overdue, readiness, redaction, stalled
from cism.store.db import Database, now, real_now
from cism.store.states import OutboxState
from cism.store.tables import Outbox, Person, Step
from notifications.gateway import MessageStatus, Receipt
from notifications.messages import ConfirmPhone, TeamNotice
from tests.faults import load
from tests.faults.campaign import Case, Outcome
from tests.faults.ground import Ground

MESSAGES: Final = 1_000_000
_MINUTES: Final = 2.0  # of real time in which memory is watched
_CLAIM, _AUDIT, _LOOK = 0.020, 0.100, 0.020  # seconds, p99
_GROWTH: Final = 0.10
_TIMES: Final = 100
_CLAIMS, _AT_ONCE = 500, 10  # so many that one slow write of the disk does not stand for all
_TEXTS_A_STEP: Final = 4


def long_history(seed: int, ground: Ground) -> Outcome:
    """Even seeds on SQLite, odd ones on PostgreSQL."""
    messages = int(os.environ.get("CISM_HISTORY", MESSAGES))
    kind = "postgresql" if seed % 2 else "sqlite"
    db = ground.open(ground.settled(kind, peers=24, responders=100))
    for number in range(100):
        load.log(db, f"R{number + 1}")
    _rest(db)
    _fill(db, messages)
    spans = {name: _timed(db, work) for name, (work, _) in _WORK.items()}
    claiming = _claims(db)
    spans["claim"] = claiming
    promised = {name: most for name, (_, most) in _WORK.items()} | {"claim": _CLAIM}
    told = {name: percentile(found, 0.99) for name, found in spans.items()}
    broken = [
        f"{name}: p99 {1000 * told[name]:.0f} ms, promised {1000 * most:.0f} ms"
        for name, most in promised.items()
        if told[name] > most
    ]
    before, after = _memory(db, _MINUTES if messages == MESSAGES else 0.1)
    if after > before * (1 + _GROWTH):
        broken.append(f"memory grew from {before:.0f} to {after:.0f} MB")
    figures = ", ".join(
        f"{name} {1000 * percentile(spans[name], 0.5):.1f}/{1000 * value:.1f}" for name, value in told.items()
    )
    return Outcome(
        injected=0,
        note=f"{kind}, {messages} texts; p50/p99 in ms: {figures}; RSS {before:.0f} to {after:.0f} MB",
        broken=tuple(broken),
    )


def _rest(db: Database) -> None:
    while True:
        with db.transaction() as session:
            if not engine.run_due(session).steps:
                return


def _fill(db: Database, messages: int) -> None:
    """Texts to everybody that left and arrived long ago, made from one by the database itself."""
    with db.transaction() as session:
        person = session.scalars(select(Person).limit(1)).one()
        first = outbox.put(
            session, ConfirmPhone(agency="Metro", code="A2B3"), key="h", now=now(session), person=person
        )
        assert first is not None
        past = real_now(session) - timedelta(days=30)
        first.state, first.sid = OutboxState.DELIVERED, "SMh"
        first.made_at = first.not_before = first.sent_at = first.sent_real = first.redacted_at = past
        first.claimed_real, first.provider_status = past, "delivered"
        session.flush()
        _copy(session, first.id, messages)
        step = session.scalars(select(Step).where(Step.person_id.is_not(None)).limit(1)).one()
        _copy_steps(session, step.id, messages // _TEXTS_A_STEP, past)
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as run:
        run.execute(text("ANALYZE"))


def _copy(session: Session, row: str, messages: int) -> None:
    owner = literal_column("p.id")
    own: dict[str, Any] = {"person_id": owner}
    for name in ("id", "key", "sid"):
        own[name] = literal_column("'h' || CAST(n.i AS VARCHAR(20))")
    columns = [column.name for column in Outbox.__table__.columns]
    picked = [own.get(name, literal_column(f"o.{name}")) for name in columns]
    count = session.scalar(text("SELECT count(*) FROM person")) or 1
    source = select(*picked).select_from(
        text(
            "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :most)"
            " SELECT i FROM n) n"
            " JOIN outbox o ON o.id = :row"
            " JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS k FROM person) p ON p.k = n.i % :count"
        )
    )
    session.execute(
        insert(Outbox.__table__).from_select(columns, source),  # type: ignore[arg-type]
        {"most": messages, "row": row, "count": count},
    )


def _copy_steps(session: Session, row: str, steps: int, past: datetime) -> None:
    """Steps that were done long ago, of nobody's open incident, made from one that waits."""
    own: dict[str, Any] = {name: literal_column("'h' || CAST(n.i AS VARCHAR(20))") for name in ("id", "key")}
    own |= {"state": literal(StepState.DONE.value), "incident_id": null(), "due_at": literal(past)}
    columns = [column.name for column in Step.__table__.columns]
    picked = [own.get(name, literal_column(f"s.{name}")) for name in columns]
    source = select(*picked).select_from(
        text(
            "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :most)"
            " SELECT i FROM n) n JOIN step s ON s.id = :row"
        )
    )
    session.execute(
        insert(Step.__table__).from_select(columns, source),  # type: ignore[arg-type]
        {"most": steps, "row": row},
    )


def _timed(db: Database, work: Callable[[Session], object], times: int = _TIMES) -> list[float]:
    found = []
    for _ in range(times):
        begun = monotonic()
        with db.transaction() as session:
            work(session)
        found.append(monotonic() - begun)
    return found


def _claims(db: Database) -> list[float]:
    """Ten texts wait each time, to phones that got none just before; claiming them is timed, and neither
    making them nor what the provider answers is.
    """
    while _claimed(db)[0]:
        pass  # what still waited to leave is not what is timed
    found = []
    with db.read() as session:
        phones = session.scalars(select(Person.id).order_by(Person.id)).all()
    for turn in range(_CLAIMS):
        keys = [phones[(turn * _AT_ONCE + number) % len(phones)] for number in range(_AT_ONCE)]
        with db.transaction() as session:
            for person in session.scalars(select(Person).where(Person.id.in_(keys))):
                message = TeamNotice(agency="Metro", ref="A2B3C", found=1, needed=2, final=True)
                outbox.put(session, message, key=f"c{turn}:{person.id}", now=now(session), person=person)
        claimed, span = _claimed(db)
        if claimed != _AT_ONCE:
            fault = f"claimed {claimed} of {_AT_ONCE} texts: what was timed is no claim"
            raise AssertionError(fault)
        found.append(span)
    return found


def _claimed(db: Database) -> tuple[int, float]:
    """How many texts one claim took, and its seconds; the provider takes them afterwards."""
    begun = monotonic()
    with db.transaction() as session:
        claimed = claims.claim(session, rate=None)
    span = monotonic() - begun
    with db.transaction() as session:
        claims.record(session, [_taken(one.id) for one in claimed])
    return len(claimed), span


def _taken(message_id: str) -> claims.Outcome:
    return claims.Outcome(message_id, Receipt(f"SM{message_id}", MessageStatus.QUEUED))


def _memory(db: Database, minutes: float) -> tuple[float, float]:
    """Resident megabytes before and after going on looking, claiming and auditing for so long."""
    until = monotonic() + 60 * minutes
    _round(db)
    before = _resident()
    while monotonic() < until:
        _round(db)
    return before, _resident()


def _round(db: Database) -> None:
    for work, _ in _WORK.values():
        _timed(db, work, 5)


def _resident() -> float:
    pages = Path("/proc/self/statm")
    if pages.exists():
        return int(pages.read_text().split()[1]) * resource.getpagesize() / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


_WORK: Final[dict[str, tuple[Callable[[Session], object], float]]] = {
    "look": (engine.due, _LOOK),
    "overdue": (overdue.read, _AUDIT),
    "ledger": (ledger.lines, _AUDIT),
    "doctor": (readiness.of_database, _AUDIT),
    "unsettled": (delivery._unsettled, _AUDIT),
    "stalled": (stalled.due, _AUDIT),
    "redactable": (redaction.due, _AUDIT),
}

CASES = (
    Case(
        "F3", "a history of a million texts: claim, look, audit, memory", long_history, seeds=2, injects=False
    ),
)
