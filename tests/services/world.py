"""A small department without phones: services are called bare, texts stay in the outbox."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from cism.domain.incident import Circle, Severity
from cism.domain.plan import RECURRING, StepState
from cism.services import clockwork, engine, inbound, intake, people, roster
from cism.store.db import Database, now, real_now
from cism.store.tables import ClockRow, Outbox, Person, Question, Step
from notifications.gateway import InboundSms
from tests.stories.clock import StoryClock
from tests.stories.places import NOON, metro
from tests.stories.roster import Cast

T = TypeVar("T")
_STEPS_AT_ONE_MOMENT = 500


class World:
    """A database, a cast, a clock."""

    def __init__(self, url: str, cast: Cast | None = None, start: datetime = NOON) -> None:
        self.db = Database(url, clock=StoryClock(), movable=True, threads=1)
        if self.db.is_sqlite:  # thousands of small transactions, and nothing that must survive a power cut
            event.listen(self.db.engine, "connect", _no_sync)
        self.cast = cast or metro("jordan", "sam")
        self._sids = itertools.count()
        if self.act(_begin, start):
            self.act(roster.import_file, self.cast.text(), start)
            self.act(_confirm_all, start)

    def act(self, work: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """One committed transaction."""
        with self.db.transaction() as session:
            return work(session, *args, **kwargs)

    def see(self, work: Callable[[Session], T]) -> T:
        """One reading transaction."""
        with self.db.read() as session:
            found = work(session)
            session.expunge_all()
            return found

    def rows(self, table: Any, *where: Any) -> list[Any]:
        """Rows of one table that match."""
        return self.see(lambda session: list(session.scalars(select(table).where(*where))))

    def now(self) -> datetime:
        """Product time."""
        return self.see(now)

    def id_of(self, key: str) -> str:
        """Somebody's opaque id."""
        found = self.see(lambda session: people.by_roster_id(session, self.cast.agency, key))
        assert found is not None
        return found.id

    def key_of(self, person_id: str | None) -> str:
        """The short name of somebody."""
        return next(key for key in self.cast.rows if self.id_of(key) == person_id)

    def answer(self, kind: str, digit: str = "1") -> list[str]:
        """Everybody who has an open question of this kind answers it; says who did."""
        asked = self.rows(Question, Question.kind == kind, Question.state == "open")
        who = [self.key_of(row.person_id) for row in asked]
        for key, row in zip(who, asked, strict=True):
            self.text(key, f"{digit} {row.code}")
        return who

    def told(self, kind: str) -> list[str]:
        """Who was sent a text of this kind, in order of time."""
        rows = sorted(self.sent(kind), key=lambda row: (row.made_at, row.id))
        return [self.key_of(row.person_id) for row in rows]

    def log(self, type_: str, *affected: str, severity: str | None = None, **details: Any) -> str:
        """Log an incident and perform what it causes."""
        rows = tuple(
            intake.AffectedInput(person_id=item.split(":")[0], circle=Circle(item.split(":")[1]))
            for item in affected
        )
        report = intake.IncidentInput(
            type=type_,
            agency=self.cast.agency,
            severity=Severity(severity) if severity else None,
            affected=rows,
            **details,
        )
        incident_id = self.act(intake.log, report).id
        self.rest()
        return incident_id

    def text(self, key: str, body: str) -> int:
        """Somebody texts us."""
        sms = InboundSms(f"SM{next(self._sids)}", self.cast.phone(key), "+12025550100", body)
        read = self.act(inbound.receive_once, sms)
        self.rest()
        return read

    def rest(self) -> None:
        """Perform until nothing is due."""
        for _ in range(_STEPS_AT_ONE_MOMENT):
            if not self.act(engine.run_due).steps:
                return
        raise AssertionError("it never comes to rest")

    def advance(self, *, taken: bool = False, **span: float) -> None:
        """Let time pass, from one planned step to the next.

        `taken`: helpers take each escalation at once; otherwise it is asked again and again, for days.
        """
        target = self.now() + timedelta(**span)
        while (due := self.see(_next_step)) is not None and due <= target:
            self.act(clockwork.move_to, max(due, self.now()), "test")
            self.rest()
            if taken:
                self.answer("escalation")
        self.act(clockwork.move_to, target, "test")
        self.rest()

    def sent(self, kind: str) -> list[Outbox]:
        """What was put into the outbox, of one kind."""
        return list(self.rows(Outbox, Outbox.kind == kind))

    def close(self) -> None:
        """Let go of the database."""
        self.db.close()


def _no_sync(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA synchronous=OFF").close()


def _begin(session: Session, start: datetime) -> bool:
    """Stand at the start, also in a copy whose people are there; whether they must be made."""
    row = session.get(ClockRow, 1) or ClockRow(id=1)
    row.offset_seconds, row.ever_moved = (start - real_now(session)).total_seconds(), True
    session.add(row)
    return session.scalar(select(Person.id).limit(1)) is None


def _confirm_all(session: Session, moment: datetime) -> None:
    for row in session.scalars(select(Person)):
        row.phone_confirmed_at = row.first_text_at = moment - timedelta(days=90)


def _next_step(session: Session) -> datetime | None:
    return session.scalar(
        select(func.min(Step.due_at)).where(
            Step.state == StepState.PLANNED, Step.kind.not_in(list(RECURRING)), Step.retry_real.is_(None)
        )
    )
