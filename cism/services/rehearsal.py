"""A rehearsal: one protocol played in virtual time on a database that is thrown away. No phone is reached.

The team says yes to everything at once, those awake first, and reaches whom it calls. The people looked after
say nothing, unless `replies` says otherwise.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cism.domain.people import SleepWindow
from cism.domain.plan import StepState
from cism.domain.protocol import Protocol, to_json
from cism.domain.quiet_hours import is_asleep
from cism.domain.rehearsed import KEEP_IN_TOUCH, Met, Rehearsed, Reply, Said, Taken, reply_of
from cism.services import (
    claims,
    delivery,
    engine,
    inbound,
    intake,
    people,
    rehearsal_ground,
    rehearsal_incident,
)
from cism.services.claims import Claimed, Outcome
from cism.services.intake import IncidentInput
from cism.services.rehearsal_ground import Fill, StillClock
from cism.store.db import Database, now
from cism.store.tables import GroupSession, Incident, Invitation, Outbox, Person, Question, Step
from notifications.gateway import InboundSms, MessageStatus, Receipt
from notifications.gsm import segments

LONGEST = timedelta(days=400)  # an anniversary and a month
_BEHIND = timedelta(hours=1)  # it is logged so long after it ended
_AT_ONE_MOMENT = 500
_OUR_NUMBER = "+12025550100"
_DUTY_PHONE = "duty phone"
_TEAM_SAYS: Final = {
    "page": ("1 {}",),
    "approval": ("1 {}",),
    "report": ("4 {} 6",),
    "contact_report": ("4 {}",),
    "offers": ("1 {}",),
    "turn": ("1 {}", "4 {}"),
    "hand_off": ("1 {}", "4 {}"),
    "escalation": ("1 {}", "4 {}"),
    "welfare": ("1 {}", "4 {}"),
}


@dataclass(frozen=True, slots=True)
class Later:
    """What becomes known after the logging, as PATCH /api/v1/incidents takes it."""

    at: datetime
    changes: dict[str, object]


@dataclass(frozen=True, slots=True)
class Script:
    """What happens in a rehearsal: the incident as it is logged, when, and what becomes known later.

    Without a report it is the usual one of that roster.
    """

    report: IncidentInput | None
    start: datetime
    later: tuple[Later, ...] = ()


def logged_at(report: IncidentInput, present: datetime) -> datetime:
    """When a rehearsed incident is logged: an hour after its last known time, or now where none is known."""
    times = (report.occurred_at, report.ended_at, *(item.exposure_end for item in report.affected))
    known = [moment for moment in times if moment is not None]
    return max(known) + _BEHIND if known else present


def rehearse(
    protocol: Protocol, script: Script, fill: Fill, replies: Sequence[Reply] = KEEP_IN_TOUCH
) -> Rehearsed:
    """Log the incident and play it from there until nothing is planned any more.

    Raises BadInput for an incident that names nobody of that roster.
    """
    with rehearsal_ground.opened(script.start, fill) as (db, clock):
        play = _Rehearsal(db, clock, protocol, tuple(replies))
        said = tuple(play.play(script))
        with db.read() as session:
            return Rehearsed(
                said=said,
                taken=tuple(sorted(_taken(session), key=lambda item: (item.due_at, item.kind, repr(item)))),
                met=tuple(sorted(_met(session), key=repr)),
                state=session.scalars(select(Incident)).one().state.value,
            )


@dataclass(frozen=True, slots=True)
class _Answer:
    """What somebody texts back."""

    number: str
    text: str
    to: Said
    question_id: str


class _Rehearsal:
    """One incident under one protocol, from logged to the last planned moment."""

    def __init__(
        self, db: Database, clock: StillClock, protocol: Protocol, replies: tuple[Reply, ...]
    ) -> None:
        self._clock, self._protocol, self._replies = clock, protocol, replies
        self._alone = rehearsal_ground.Alone(db, keep=rehearsal_ground.ONE_INCIDENT)
        self._end = clock.at + LONGEST
        self._asked: Counter[str] = Counter()
        self._texts = 0

    def play(self, script: Script) -> Iterator[Said]:
        """Log it, and go from one due moment to the next until nothing is planned."""
        with self._alone.transaction() as session:
            report = script.report or rehearsal_incident.usual(session, self._protocol, script.start)
            row = intake.log(session, replace(report, protocol=None))
            row.protocol, row.protocol_body = self._protocol.key, to_json(self._protocol)
        known = sorted(script.later, key=lambda item: item.at)
        while True:
            following = yield from self._moment()
            if known and (following is None or known[0].at <= following):
                self._clock.at = max(self._clock.at, known[0].at)
                with self._alone.transaction() as session:
                    intake.change(session, row.id, known.pop(0).changes)
            elif following is None or following > self._end:
                return
            else:
                self._clock.at = max(self._clock.at, following)

    def _moment(self) -> Generator[Said, None, datetime | None]:
        """Everything that happens without time going by; returns the next planned moment."""
        following: datetime | None = None
        for _ in range(_AT_ONE_MOMENT):
            with self._alone.transaction() as session:
                engine.run_due(session)
                session.flush()
                sent = claims.claim(session, rate=None, limit=100)
            yield from self._arrive(sent)
            with self._alone.transaction() as session:
                following = engine.next_due(session)
            if following is None or following > self._clock.at:
                break
        return following

    def _arrive(self, sent: Sequence[Claimed]) -> Iterator[Said]:
        """They are delivered, and people answer one after the other."""
        if not sent:
            return
        texts, answers = [], []
        with self._alone.transaction() as session:
            claims.record(session, [Outcome(item.id, receipt=self._receipt()) for item in sent])
            for item in sent:
                delivery.apply_receipt(session, item.id, MessageStatus.DELIVERED, None)
                said, question = self._read(session, item)
                texts.append(said)
                back = self._back(question, said.person) if question else None
                if question is not None and back is not None:
                    answers.append(_Answer(item.to, back, said, question.id))
        yield from sorted(texts, key=_place)
        for answer in sorted(answers, key=lambda item: (item.to.asleep, _place(item.to))):  # the awake first
            self._texts += 1
            with self._alone.transaction() as session:
                if session.get_one(Question, answer.question_id).state != "open":
                    continue  # they have just been told that it is covered
                inbound.receive_once(
                    session, InboundSms(f"IN{self._texts}", answer.number, _OUR_NUMBER, answer.text)
                )
            yield replace(answer.to, kind="answer", text=answer.text, answer=True)

    def _receipt(self) -> Receipt:
        self._texts += 1
        return Receipt(f"SM{self._texts:032x}", MessageStatus.QUEUED)

    def _read(self, session: Session, item: Claimed) -> tuple[Said, Question | None]:
        row = session.get_one(Outbox, item.id)
        person = people.get(session, row.person_id) if row.person_id else None
        question = session.get(Question, row.question_id) if row.question_id else None
        who = f"{person.agency}:{person.roster_id}" if person else _DUTY_PHONE
        said = Said(
            at=now(session),
            person=who,
            zone=person.zone if person else "UTC",
            kind=row.kind,
            text=item.body,
            point=question.point if question else None,
            language=row.language,
            segments=segments(item.body),
            asleep=person is not None and _asleep(person, now(session)),
        )
        return said, question

    def _back(self, question: Question, who: str) -> str | None:
        """What whoever is asked texts back, at once, or None."""
        place = self._asked[question.id]
        self._asked[question.id] += 1
        says = _TEAM_SAYS.get(question.kind, ())
        if question.code is not None and says:
            return says[place].format(question.code) if place < len(says) else None
        wanted = None if place else reply_of(self._replies, who, question.point or question.kind)
        return f"{wanted} {question.code}" if wanted and wanted.isdigit() and question.code else wanted


def _place(said: Said) -> tuple[str, str, str]:
    """Texts of one moment have no order of their own: always the same one, so that they can be compared."""
    return said.person, said.kind, said.point or ""


def _asleep(person: Person, at: datetime) -> bool:
    return is_asleep(at, person.zone, SleepWindow(person.sleep_start, person.sleep_end))


def _taken(session: Session) -> Iterator[Taken]:
    names = _names(session)
    for step in session.scalars(select(Step)):
        yield Taken(
            due_at=step.due_at,
            kind=step.kind.value,
            person=names.get(step.person_id or ""),
            point=str(step.payload["point"]) if "point" in step.payload else None,
            outcome=step.outcome if step.outcome and step.state is not StepState.PLANNED else "planned",
        )


def _met(session: Session) -> Iterator[Met]:
    invited = dict(
        session.execute(select(Invitation.session_id, func.count()).group_by(Invitation.session_id)).all()
    )
    for row in session.scalars(select(GroupSession)):
        yield Met(
            kind=row.kind,
            state=row.state.value,
            people=invited.get(row.id, 0),
            window=(row.window_from, row.window_to),
            starts_at=row.starts_at,
            reason=row.reason,
        )


def _names(session: Session) -> dict[str, str]:
    return {row.id: f"{row.agency}:{row.roster_id}" for row in session.scalars(select(Person))}
