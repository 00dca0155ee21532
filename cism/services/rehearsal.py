"""A rehearsal: one protocol played in virtual time on a database that is thrown away. No phone is reached.

The team says yes to everything at once and reaches whom it calls; the people looked after say nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from importlib import resources

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.incident import Circle
from cism.domain.protocol import Protocol, to_json
from cism.services import claims, delivery, engine, inbound, intake, people, roster
from cism.services.claims import Claimed, Outcome
from cism.services.intake import AffectedInput, IncidentInput
from cism.store import migrate
from cism.store.db import Database, now
from cism.store.tables import Incident, Outbox, Person, Question
from notifications.gateway import InboundSms, MessageStatus, Receipt

LONGEST = timedelta(days=400)  # an anniversary and a month
_BEHIND = timedelta(hours=1)  # it is logged so long after it ended
_ENROLLED = timedelta(days=90)  # so long ago everybody confirmed their phone
_AT_ONE_MOMENT = 500
_ANSWERS = {
    "page": ("1 {}",),
    "approval": ("1 {}",),
    "report": ("4 {} 6",),
    "contact_report": ("4 {}",),
    "escalation": ("1 {}", "4 {}"),
    "welfare": ("1 {}", "4 {}"),
}


@dataclass(frozen=True, slots=True)
class Played:
    """One text of the rehearsal, or one answer to it."""

    at: datetime
    person: str
    kind: str
    text: str


class StillClock:
    """Virtual time: it stands until the rehearsal moves it."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        """Where it stands."""
        return self.at


def logged_at(report: IncidentInput, present: datetime) -> datetime:
    """When a rehearsed incident is logged: an hour after its last known time, or now where none is known."""
    times = (report.occurred_at, report.ended_at, *(item.exposure_end for item in report.affected))
    known = [moment for moment in times if moment is not None]
    return max(known) + _BEHIND if known else present


def usual(present: datetime) -> IncidentInput:
    """What is rehearsed where no incident is given: two officers of the sample roster, two hours ago."""
    return IncidentInput(
        type="OIS_SHOOTER",
        agency="metro-pd",
        occurred_at=present - timedelta(hours=2),
        ended_at=present - timedelta(hours=1),
        affected=tuple(
            AffectedInput(person_id=who, circle=circle)
            for who, circle in (("P106", Circle.A), ("P107", Circle.B))
        ),
    )


class Rehearsal:
    """One incident under one protocol, from logged to the last planned moment."""

    def __init__(self, url: str, protocol: Protocol, start: datetime) -> None:
        """A fresh database at `url`, with the sample roster; everybody's phone is confirmed."""
        self.clock = StillClock(start)
        self.db = Database(url, clock=self.clock, threads=1)
        self.protocol = protocol
        self._end = start + LONGEST
        self._asked: Counter[str] = Counter()
        self._texts = 0
        migrate.upgrade(self.db)
        with self.db.transaction() as session:
            roster.import_file(session, _sample_roster(), start)
            for row in session.scalars(select(Person)):
                row.phone_confirmed_at = row.first_text_at = start - _ENROLLED

    def play(self, report: IncidentInput) -> Iterator[Played]:
        """Log it, and go from one due moment to the next until nothing is planned."""
        with self.db.transaction() as session:
            row = intake.log(session, replace(report, protocol=None))
            row.protocol, row.protocol_body = self.protocol.key, to_json(self.protocol)
        while True:
            yield from self._moment()
            with self.db.read() as session:
                following = engine.next_due(session)
            if following is None or following > self._end:
                return
            self.clock.at = max(self.clock.at, following)

    def state(self) -> str:
        """How the incident ended."""
        with self.db.read() as session:
            return session.scalars(select(Incident)).one().state.value

    def close(self) -> None:
        """Let go of the database."""
        self.db.close()

    def _moment(self) -> Iterator[Played]:
        """Everything that happens without time going by."""
        for _ in range(_AT_ONE_MOMENT):
            with self.db.transaction() as session:
                steps = engine.run_due(session).steps
            with self.db.transaction() as session:
                sent = claims.claim(session, rate=None, limit=100)
            for item in sent:
                yield from self._arrives(item)
            if not steps and not sent:
                return

    def _arrives(self, item: Claimed) -> Iterator[Played]:
        """It is delivered, and the team answers."""
        self._texts += 1
        sid = f"SM{self._texts:032x}"
        with self.db.transaction() as session:
            claims.record(session, [Outcome(item.id, receipt=Receipt(sid, MessageStatus.QUEUED))])
            delivery.apply_receipt(session, item.id, MessageStatus.DELIVERED, None)
            row = session.get_one(Outbox, item.id)
            who = _called(session, row)
            said = self._answer(session, row)
            yield Played(now(session), who, row.kind, item.body)
        if said is None:
            return
        with self.db.transaction() as session:
            inbound.receive_once(session, InboundSms(f"IN{self._texts}", item.to, "+12025550100", said))
            yield Played(now(session), who, "answer", said)

    def _answer(self, session: Session, row: Outbox) -> str | None:
        question = session.get(Question, row.question_id) if row.question_id else None
        answers = _ANSWERS.get(question.kind, ()) if question is not None else ()
        if question is None or question.code is None or not answers:
            return None
        place = self._asked[question.id]
        self._asked[question.id] += 1
        return answers[place].format(question.code) if place < len(answers) else None


def _called(session: Session, row: Outbox) -> str:
    if row.person_id is None:
        return "duty phone"
    person = people.get(session, row.person_id)
    return f"{person.agency}:{person.roster_id}"


def _sample_roster() -> str:
    return resources.files("cism.data").joinpath("sample_roster.csv").read_text(encoding="utf-8")
