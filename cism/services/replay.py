"""Replaying real incidents: years of them through the engine in virtual time, the ledger held throughout.

The rows are real; the department, the people exposed and their answers are invented, by a seed. Nothing
leaves this process: the database is in memory and thrown away. After every transaction the ledger is asked
about everybody whom it touched, and about everybody at all each month.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from random import Random

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cism.domain.incident_files import Imported, IncidentReport, PassedOver, Refused, read_incidents
from cism.services import claims, engine, importing, ledger, rehearsal_ground, replay_acts, replay_touched
from cism.services.claims import Claimed, Outcome
from cism.services.importing import LineResult
from cism.services.rehearsal_ground import StillClock
from cism.services.replay_acts import Act
from cism.services.replay_ground import AGENCY, roster_csv
from cism.services.replay_touched import Touched
from cism.store.db import Database, now
from cism.store.tables import Escalation, Incident, Outbox
from notifications.gateway import MessageStatus, Receipt

PART = 150  # design: rows of one database; more make every look at it slower
_HANDFUL = 200
_AT_ONE_MOMENT = 500
_EVERYBODY = timedelta(days=30)  # how often the whole ledger is read
_PLAYED_ON = timedelta(days=400)  # after the last incident: an anniversary and a month
_BEHIND = timedelta(hours=1)  # it is logged so long after it began
_EVENING = timedelta(hours=26)  # UTC, from the start of the day: where only the day is known
_LOST = 0.01  # design: the share of texts that do not arrive
_OFF = 30003  # the provider's code for a handset that is off


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How large the invented department is."""

    responders: int
    peers: int

    @classmethod
    def for_rows(cls, rows: int) -> Size:
        """Large enough that few people live through several of so many incidents (design)."""
        return cls(responders=min(300, 30 + 2 * rows), peers=min(24, 8 + rows // 4))


@dataclass(slots=True)
class Replayed:
    """What became of one file."""

    rows: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)  # imported, not critical, refused
    responses: int = 0
    people: int = 0
    steps: int = 0
    texts: Counter[str] = field(default_factory=Counter)  # by kind
    answers: int = 0
    escalations: int = 0
    looked_at: int = 0  # lines of the ledger that were read
    violations: list[str] = field(default_factory=list)
    days: int = 0  # of virtual time

    def add(self, other: Replayed) -> None:
        """Put what another part counted to this."""
        for name in ("rows", "responses", "people", "steps", "answers", "escalations", "looked_at", "days"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.outcomes += other.outcomes
        self.texts += other.texts
        self.violations += other.violations


@dataclass(frozen=True, slots=True)
class Part:
    """Critical rows of one file in order of time, played in a database of their own."""

    rows: tuple[Imported, ...]
    seed: int


def parts_of(
    text: str, *, seed: int, sample: int | None = None, most: int = PART
) -> tuple[Replayed, list[Part]]:
    """What the rows of a file are, and those that are critical in parts of at most `most`.

    `sample` takes that many of them, drawn by the seed. Raises BadInput for a file in no known format.
    """
    rows = list(read_incidents(text))
    found = Replayed(rows=len(rows))
    found.outcomes["not critical"] = sum(isinstance(row, PassedOver) for row in rows)
    found.outcomes["refused"] = sum(isinstance(row, Refused) for row in rows)
    critical = [row for row in rows if isinstance(row, Imported)]
    if sample is not None and sample < len(critical):
        critical = Random(seed).sample(critical, sample)
    critical.sort(key=lambda row: (_logged_at(row.report), row.line))
    return found, [
        Part(tuple(critical[start : start + most]), seed + start) for start in range(0, len(critical), most)
    ]


def play(part: Part, size: Size | None = None) -> Replayed:
    """Play one part, from its first incident until the last of it has closed."""
    found, size = Replayed(), size or Size.for_rows(len(part.rows))
    start = _logged_at(part.rows[0].report) - timedelta(days=1)
    fill = rehearsal_ground.from_file(roster_csv(size.responders, size.peers))
    with rehearsal_ground.opened(start, fill) as (db, clock):
        _Replay(db, clock, Random(part.seed), found, size).play(part.rows)
    return found


def _logged_at(report: IncidentReport) -> datetime:
    """An hour after it began; in the evening where the source tells the day alone."""
    if report.occurred_at is not None:
        return report.occurred_at + _BEHIND
    return datetime.combine(report.date, time(), UTC) + _EVENING


class _Replay:
    """One file in one thrown-away database."""

    def __init__(self, db: Database, clock: StillClock, rng: Random, found: Replayed, size: Size) -> None:
        self._db, self._clock, self._rng, self._found, self._size = db, clock, rng, found, size
        self._acts: list[tuple[datetime, int, Act]] = []
        self._many = 0
        self._everybody_at = clock.at
        self._begin = clock.at
        self._planned: datetime | None = None  # the next moment of the engine
        self._alone = rehearsal_ground.Alone(db)

    def play(self, rows: Sequence[Imported]) -> None:
        """From the first incident until the last has closed."""
        waiting = list(reversed(rows))
        end = _logged_at(rows[-1].report) + _PLAYED_ON
        while True:
            following = self._following(waiting)
            if following is None or following > end:
                break
            self._clock.at = max(self._clock.at, following)
            while waiting and _logged_at(waiting[-1].report) <= self._clock.at:
                self._log(waiting.pop())
            self._act()
            self._moment()
            self._look_at_everybody()
        self._close(end)

    def _following(self, waiting: Sequence[Imported]) -> datetime | None:
        moments = [self._planned, self._acts[0][0] if self._acts else None]
        moments.append(_logged_at(waiting[-1].report) if waiting else None)
        return min((moment for moment in moments if moment is not None), default=None)

    def _log(self, row: Imported) -> None:
        """As an import that opens responses does it; what lies in the future is told when it has come."""
        ended = row.report.ended_at
        known = ended is not None and ended <= self._clock.at
        report = row.report if known else replace(row.report, ended_at=None)
        with self._alone.transaction() as session:
            result: LineResult = importing.respond_to(
                session, replace(row, report=report), AGENCY, self._clock.at
            )
            self._found.outcomes[result.outcome.value] += 1
            if result.ref is None:
                return
            self._found.responses += 1
            incident_id = session.scalars(select(Incident.id).where(Incident.ref == result.ref)).one()
            later = replay_acts.of_incident(
                incident_id, row.report, self._size.responders, self._rng, self._clock.at
            )
            self._check(session, Touched(incidents={incident_id}))
        self._plan(later)

    def _plan(self, acts: Iterator[tuple[datetime, Act]] | Sequence[tuple[datetime, Act]]) -> None:
        for at, act in acts:
            self._many += 1
            heapq.heappush(self._acts, (at, self._many, act))

    def _act(self) -> None:
        """What people do at this moment."""
        while self._acts and self._acts[0][0] <= self._clock.at:
            _, _, act = heapq.heappop(self._acts)
            with self._alone.transaction() as session:
                touched = act(session, self._clock.at)
                self._found.answers += touched.answers
                self._found.people += touched.people
                self._check(session, touched)

    def _moment(self) -> None:
        """Everything that the engine does without time going by."""
        for _ in range(_AT_ONE_MOMENT):
            with self._alone.transaction() as session:
                touched = replay_touched.about_to(session, self._clock.at)
                self._found.steps += engine.run_due(session, limit=_HANDFUL).steps
                session.flush()
                sent = claims.claim(session, rate=None, limit=_HANDFUL)
                if sent:
                    self._arrive(session, sent)
                self._check(session, touched)
                following = engine.next_due(session)
            if following is None or following > self._clock.at:
                self._planned = following
                return
        message = "it never comes to rest"
        raise AssertionError(message)

    def _arrive(self, session: Session, sent: Sequence[Claimed]) -> None:
        claims.record(session, [Outcome(item.id, receipt=self._receipt()) for item in sent])
        for row in session.scalars(select(Outbox).where(Outbox.id.in_([item.id for item in sent]))).all():
            self._found.texts[row.kind] += 1
            self._plan(replay_acts.answer_to(session, row, self._rng, self._clock.at))

    def _receipt(self) -> Receipt:
        self._many += 1
        lost = self._rng.random() < _LOST
        status = MessageStatus.UNDELIVERED if lost else MessageStatus.DELIVERED
        return Receipt(f"SM{self._many:032x}", status, _OFF if lost else None)

    def _check(self, session: Session, touched: Touched) -> None:
        """The invariant, for whoever this transaction touched."""
        session.flush()
        if touched.incidents:
            self._judge(session, ledger.lines(session, incident_ids=touched.incidents))
        if touched.persons:
            self._judge(session, ledger.lines(session, person_ids=touched.persons))

    def _judge(self, session: Session, lines: Sequence[ledger.Line]) -> None:
        self._found.looked_at += len(lines)
        at = now(session)
        for line in lines:
            late = line.step is not None and line.step.overdue(at)
            if line.forgotten or late:
                ref = session.get_one(Incident, line.incident_id).ref
                what = "overdue" if late else "forgotten"
                self._found.violations.append(f"{at:%Y-%m-%d %H:%M}Z {ref}: somebody is {what}")

    def _look_at_everybody(self) -> None:
        if self._clock.at < self._everybody_at:
            return
        self._everybody_at = self._clock.at + _EVERYBODY
        with self._alone.transaction() as session:
            self._judge(session, ledger.lines(session))

    def _close(self, end: datetime) -> None:
        self._everybody_at = self._clock.at
        self._look_at_everybody()
        with self._alone.transaction() as session:
            self._found.escalations = int(session.scalar(select(func.count(Escalation.id))) or 0)
        self._found.days = (min(self._clock.at, end) - self._begin).days
