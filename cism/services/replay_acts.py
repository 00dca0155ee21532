"""What people do in a replay: list who was there, tell when it ended, answer texts, read the queue."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from random import Random

from sqlalchemy.orm import Session

from cism import chance
from cism.domain import replay_rules
from cism.domain.incident import IncidentState, Severity
from cism.domain.incident_files import IncidentReport
from cism.domain.incident_types import INCIDENT_TYPES
from cism.errors import CismError
from cism.services import crew_list, inbound, intake, notify, people, queue, response
from cism.services.intake import AffectedInput
from cism.services.replay_ground import responder
from cism.services.replay_touched import Touched
from cism.store.states import QueueState
from cism.store.tables import Incident, Outbox, Question, QueueItem
from notifications.gateway import InboundSms
from notifications.messages import MessageKind

Act = Callable[[Session, datetime], Touched]
_OUR_NUMBER = "+12025550100"
_READS = 0.85  # design, as all shares here: a coordinator handles what is put before them
_FALSE_ALARM, _GRAVER, _MISSED = 0.02, 0.03, 0.1


def of_incident(
    incident_id: str, report: IncidentReport, responders: int, rng: Random, at: datetime
) -> Iterator[tuple[datetime, Act]]:
    """What becomes known after the logging, and when."""
    listed = at + timedelta(minutes=rng.randint(2, 40))
    yield listed, _lists(incident_id, report, responders, rng)
    ended = report.ended_at or at - timedelta(minutes=rng.randint(5, 55))
    told = max(listed, ended) + timedelta(minutes=1 if rng.random() > _MISSED else rng.randint(60, 1500))
    yield told, _facts(incident_id, {"ended_at": ended})
    kind = INCIDENT_TYPES[report.type]
    if kind.lodd:
        yield at + timedelta(hours=rng.randint(3, 40)), _facts(incident_id, {"kin_notified": True})
        buried = at + timedelta(days=rng.randint(4, 9))
        yield at + timedelta(hours=rng.randint(41, 70)), _facts(incident_id, {"funeral_at": buried})
    if kind.jeopardy:
        spoken = at + timedelta(days=rng.randint(2, 12))
        yield spoken, _facts(incident_id, {"statements_complete": True})
    if rng.random() < _GRAVER:
        yield at + timedelta(hours=5), _facts(incident_id, {"severity": Severity.S4})
    if rng.random() < _FALSE_ALARM:
        yield at + timedelta(hours=rng.randint(1, 60)), _stands_down(incident_id)


def answer_to(session: Session, row: Outbox, rng: Random, at: datetime) -> Iterator[tuple[datetime, Act]]:
    """What whoever got this text does about it, and when."""
    if row.kind == MessageKind.QUEUE_NEW and rng.random() < _READS:
        yield at + timedelta(minutes=rng.randint(5, 200)), _reads(notify.queue_item_of(row))
    question = session.get(Question, row.question_id) if row.question_id else None
    if question is None or row.person_id is None or question.state != "open":
        return
    taken = row.kind == MessageKind.ESCALATION_ASSIGNED
    said = replay_rules.says(question.kind, rng, taken=taken)
    if said is not None:
        phone = people.get(session, row.person_id).phone or ""
        words = said.format(question.code or "")
        yield at + replay_rules.after(question.kind, rng), _texts(question.id, phone, words)


def _lists(incident_id: str, report: IncidentReport, responders: int, rng: Random) -> Act:
    def act(session: Session, now: datetime) -> Touched:
        row = session.get_one(Incident, incident_id)
        if row.state is not IncidentState.OPEN:
            return Touched()
        known = row.ended_at
        items = [
            AffectedInput(
                person_id=responder(one.place),
                circle=one.circle,
                exposure_end=known - one.left_before if known and one.left_before else None,
            )
            for one in replay_rules.exposed(report, responders, rng)
        ]
        added = _unless_refused(session, lambda: intake.add_affected(session, incident_id, items))
        crew_list.complete(session, row, by=None, now=now)
        return Touched(incidents={incident_id}, people=added or 0)

    return act


def _facts(incident_id: str, changes: dict[str, object]) -> Act:
    def act(session: Session, now: datetime) -> Touched:
        if session.get_one(Incident, incident_id).state is IncidentState.OPEN:
            _unless_refused(session, lambda: intake.change(session, incident_id, changes))
        return Touched(incidents={incident_id})

    return act


def _stands_down(incident_id: str) -> Act:
    def act(session: Session, now: datetime) -> Touched:
        _unless_refused(session, lambda: response.stand_down(session, incident_id, by=None, now=now))
        return Touched(incidents={incident_id})

    return act


def _reads(item_id: str) -> Act:
    def act(session: Session, now: datetime) -> Touched:
        row = session.get_one(QueueItem, item_id)
        if row.state is QueueState.OPEN:
            queue.handle(session, item_id, by=None, now=now)
        return Touched(persons={row.person_id} if row.person_id else set())

    return act


def _texts(question_id: str, phone: str, words: str) -> Act:
    def act(session: Session, now: datetime) -> Touched:
        question = session.get_one(Question, question_id)
        if question.state != "open":
            return Touched()
        sid = f"IN{chance.source().getrandbits(120):030x}"
        inbound.receive_once(session, InboundSms(sid, phone, _OUR_NUMBER, words))
        persons = {question.person_id, question.about_id or question.person_id}
        incidents = {question.incident_id} if question.incident_id else set()
        return Touched(incidents=incidents, persons=persons, answers=1)

    return act


def _unless_refused(session: Session, act: Callable[[], object]) -> int:
    """What a rule refuses at this moment is not done; 0 then, else what the act says it did."""
    try:
        with session.begin_nested():
            done = act()
    except CismError:
        return 0
    return done if isinstance(done, int) else 1
