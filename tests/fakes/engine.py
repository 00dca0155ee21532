"""A small engine with tables of its own: what waits, what was done, and how. Processes may share it."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import bindparam, text
from sqlalchemy.orm import Session

from cism.domain.plan import URGENT, StepKind
from cism.services.engine import DueNow, Performed
from cism.store.db import Database, in_transaction

TABLES = (
    "CREATE TABLE act (id INTEGER PRIMARY KEY, kind TEXT, incident TEXT, state TEXT DEFAULT 'planned')",
    "CREATE TABLE msg (id INTEGER PRIMARY KEY, urgent INTEGER, state TEXT DEFAULT 'pending')",
    "CREATE TABLE done (orchestrated INTEGER, n INTEGER)",
    "CREATE TABLE sent (msg INTEGER, at REAL DEFAULT (unixepoch('subsec')))",
    "CREATE TABLE beat (name TEXT)",
)


def make(db: Database) -> None:
    """The tables."""
    with db.transaction() as session:
        for table in TABLES:
            session.execute(text(table))


def plan(db: Database, kind: StepKind, incident: str | None = None, n: int = 1) -> None:
    """Work that is due at once."""
    with db.transaction() as session:
        for _ in range(n):
            session.execute(
                text("INSERT INTO act (kind, incident) VALUES (:k, :i)"), {"k": kind.value, "i": incident}
            )


def log_incident(db: Database, incident: str) -> None:
    """What the intake would write."""
    plan(db, StepKind.ACTIVATE, incident)
    plan(db, StepKind.PLAN_RESPONSE, incident)


def count(db: Database, sql: str) -> float:
    """One number."""
    with db.read() as session:
        return float(session.execute(text(sql)).scalar() or 0)


def acts(db: Database, *, orchestrated: bool) -> int:
    """What cism_acts_total would say."""
    return int(count(db, f"SELECT coalesce(sum(n), 0) FROM done WHERE orchestrated = {int(orchestrated)}"))  # noqa: S608


class FakeEngine:
    """Each step causes one message, urgent where the step is."""

    def due(self, session: Session) -> DueNow:
        rows = session.execute(text("SELECT kind, count(*) FROM act WHERE state = 'planned' GROUP BY kind"))
        fresh = session.execute(
            text("SELECT incident FROM act WHERE state = 'planned' AND kind = 'plan_response' ORDER BY id")
        )
        found = session.execute(
            text("SELECT urgent, count(*) FROM msg WHERE state = 'pending' GROUP BY urgent")
        )
        lanes = {bool(urgent): int(n) for urgent, n in found}
        return DueNow(
            kinds={StepKind(kind): int(n) for kind, n in rows},
            fresh_incidents=tuple(item for (item,) in fresh if item),
            urgent_messages=lanes.get(True, 0),
            messages=sum(lanes.values()),
        )

    def run_due(
        self,
        session: Session,
        *,
        kinds: Collection[StepKind] | None = None,
        incident_id: str | None = None,
        limit: int = 50,
    ) -> Performed:
        query = (
            "SELECT id, kind FROM act WHERE state = 'planned' AND kind IN :kinds "
            "AND (:incident IS NULL OR incident = :incident) ORDER BY id LIMIT :limit"
        )
        rows = session.execute(
            text(query).bindparams(bindparam("kinds", expanding=True)),
            {"kinds": [kind.value for kind in kinds or StepKind], "incident": incident_id, "limit": limit},
        ).all()
        messages, urgent = [], []
        for act_id, kind in rows:
            session.execute(text("UPDATE act SET state = 'done' WHERE id = :i"), {"i": act_id})
            is_urgent = StepKind(kind) in URGENT
            session.execute(
                text("INSERT INTO msg (id, urgent) VALUES (:i, :u)"), {"i": act_id, "u": is_urgent}
            )
            messages.append(str(act_id))
            if is_urgent:
                urgent.append(str(act_id))
        return Performed(len(rows), tuple(messages), tuple(urgent))

    def count_acts(self, session: Session, n: int, *, orchestrated: bool) -> None:
        session.execute(text("INSERT INTO done VALUES (:o, :n)"), {"o": orchestrated, "n": n})

    def beat(self, session: Session, name: str) -> None:
        session.execute(text("INSERT INTO beat VALUES (:n)"), {"n": name})


class FakeCourier:
    """Claims in one transaction, sends by writing down that it sent."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.swept = 0
        self.sweep_fails = False

    async def deliver(
        self,
        only: Collection[str] | None = None,
        *,
        urgent_only: bool = False,
        care: bool = True,
        limit: int = 100,
    ) -> int:
        claimed = await in_transaction(self.db, self._claim, only, urgent_only, limit)
        if claimed:
            await in_transaction(self.db, self._send, claimed)
        return len(claimed)

    def _claim(
        self, session: Session, only: Collection[str] | None, urgent_only: bool, limit: int
    ) -> list[int]:
        rows = session.execute(
            text("SELECT id, urgent FROM msg WHERE state = 'pending' ORDER BY urgent DESC, id LIMIT 5000")
        ).all()
        wanted = [
            row_id
            for row_id, urgent in rows
            if (only is None or str(row_id) in only) and (urgent or not urgent_only)
        ][:limit]
        for row_id in wanted:
            session.execute(text("UPDATE msg SET state = 'sent' WHERE id = :i"), {"i": row_id})
        return wanted

    def _send(self, session: Session, ids: list[int]) -> None:
        for row_id in ids:
            session.execute(text("INSERT INTO sent (msg) VALUES (:i)"), {"i": row_id})

    async def settle(self) -> int:
        return 0

    async def sweep_inbound(self) -> int:
        if self.sweep_fails:
            message = "the provider does not answer"
            raise OSError(message)
        self.swept += 1
        return 0

    def stop(self) -> None:
        return None

    async def aclose(self) -> None:
        return None
