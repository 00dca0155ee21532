"""How each call that a peer makes stands: to come, asked, late, reported, or with whoever is in charge.

That a peer was asked is no call: only their report is one. States and times alone; what was said to whom, and
how it ended, is no line here.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from cism.domain.plan import StepKind, StepState
from cism.services import calls
from cism.services.contact_rules import TOO_LATE
from cism.services.overdue import DUE_STEP
from cism.store.states import QueueState
from cism.store.tables import Question, QueueItem, Step

NEEDED, UNREPORTED = "call_needed", "call_unreported"
_HANDED_BACK: Final = "9"
_TO_FIND: Final = frozenset({calls.NO_PEER, TOO_LATE})  # outcomes that put a call into the queue
_Place = tuple[str | None, str | None]  # whom of the list it is for, and the point of the plan
_Items = defaultdict[tuple[str | None, str | None], list[Any]]  # rows, by incident and whom they are about


class Stage(StrEnum):
    """How one call stands."""

    TO_COME = "to_come"
    BEHIND = "behind"  # its hour has passed, and nobody has been asked yet
    ASKED = "asked"  # a peer has it, and time to report it
    LATE = "late"  # a peer was to have reported it by now
    REPORTED = "reported"
    IN_CHARGE = "in_charge"  # no peer has it: whoever is in charge finds somebody, by the queue
    SEEN_TO = "seen_to"  # whoever is in charge has seen to it
    PASSED = "passed"  # its time passed before anybody could be asked


@dataclass(frozen=True, slots=True)
class Call:
    """One call, for one person at one point. `at`: what its stage is counted from, e.g. when it was due."""

    point: str
    stage: Stage
    at: datetime
    begins: datetime
    ends: datetime | None


def of_incident(session: Session, incident_id: str, now: datetime) -> Iterator[Call]:
    """Every call of an incident once, however often it was asked for and by whom it is made now."""
    asked: dict[_Place, Question] = {}
    query = select(Question).where(Question.incident_id == incident_id, Question.kind == "contact_report")
    for question in session.scalars(query.order_by(Question.asked_at, Question.id)):
        place = (question.subject_id, question.point)
        if place not in asked or _weight(question) >= _weight(asked[place]):
            asked[place] = question
    steps = _steps(session, incident_id)
    items = _items(session, [incident_id])
    for place in dict.fromkeys([*asked, *steps]):
        found = _call(place, asked.get(place), steps.get(place), items, now)
        if found is not None:
            yield found


def late(session: Session, incident_ids: Collection[str], now: datetime) -> Counter[str]:
    """How many calls a peer was to have reported by now, by incident; not what was looked into since."""
    query = select(Question.incident_id, Question.about_id, Question.asked_at).where(
        Question.incident_id.in_(incident_ids),
        Question.kind == "contact_report",
        Question.state == "open",
        Question.deadline < now,
    )
    items = _items(session, incident_ids)
    return Counter(
        incident_id or ""
        for incident_id, about_id, asked_at in session.execute(query)
        if not _looked_into(items[incident_id, about_id], asked_at)
    )


def _weight(question: Question) -> int:
    """Which of several questions about one call tells how it stands: a report, else the one that is open."""
    if question.state == "answered" and question.answer != _HANDED_BACK:
        return 2
    return int(question.state == "open")


def _steps(session: Session, incident_id: str) -> dict[_Place, Row[Any]]:
    """The step that counts of each call: what is still planned, else the last one."""
    point = Step.payload["point"].as_string().label("point")
    query = (
        select(
            Step.subject_id,
            point,
            Step.incident_id,
            Step.person_id,
            Step.state,
            Step.outcome,
            Step.due_at,
            Step.expires_at,
        )
        .where(
            Step.incident_id == incident_id,
            Step.kind == StepKind.PEER_TASK,
            Step.state.in_([StepState.PLANNED, StepState.DONE, StepState.EXPIRED]),
        )
        .order_by(Step.due_at, Step.id)
    )
    found: dict[_Place, Row[Any]] = {}
    for row in session.execute(query):
        before = found.get((row.subject_id, row.point))
        if before is None or before.state is not StepState.PLANNED:
            found[row.subject_id, row.point] = row
    return found


def _items(session: Session, incident_ids: Collection[str]) -> _Items:
    """Calls that came into the queue."""
    found: _Items = defaultdict(list)
    query = select(
        QueueItem.incident_id, QueueItem.person_id, QueueItem.kind, QueueItem.state, QueueItem.received_at
    ).where(QueueItem.incident_id.in_(incident_ids), QueueItem.kind.in_([UNREPORTED, NEEDED]))
    for row in session.execute(query):
        found[row.incident_id, row.person_id].append(row)
    return found


def _looked_into(items: Collection[Any], asked_at: datetime) -> bool:
    """Whether whoever is in charge heard that a call was not reported, and has handled it."""
    return any(
        one.kind == UNREPORTED and one.state is QueueState.HANDLED and one.received_at >= asked_at
        for one in items
    )


def _call(
    place: _Place, question: Question | None, step: Row[Any] | None, items: _Items, now: datetime
) -> Call | None:
    point = place[1] or ""
    if question is not None and _weight(question):
        return _of_question(point, question, items[question.incident_id, question.about_id], now)
    if step is not None and step.state is StepState.PLANNED:
        stage = Stage.BEHIND if step.due_at < now - DUE_STEP else Stage.TO_COME
        return Call(point, stage, step.due_at, step.due_at, step.expires_at)
    if step is not None and step.state is StepState.EXPIRED:
        return Call(point, Stage.PASSED, step.expires_at or step.due_at, step.due_at, step.expires_at)
    if question is not None and question.state == "answered":
        mine = items[question.incident_id, question.about_id]
        return _in_charge(point, question.answered_at or question.asked_at, mine)
    if step is not None and step.outcome in _TO_FIND:
        return _in_charge(point, step.due_at, items[step.incident_id, step.person_id])
    return None  # it ended: nobody is to call


def _of_question(point: str, question: Question, items: Collection[Any], now: datetime) -> Call:
    asked, by = question.asked_at, question.deadline
    if question.state == "answered":
        return Call(point, Stage.REPORTED, question.answered_at or asked, asked, by)
    if by is None or by >= now:
        return Call(point, Stage.ASKED, asked, asked, by)
    return Call(point, Stage.SEEN_TO if _looked_into(items, asked) else Stage.LATE, by, asked, by)


def _in_charge(point: str, at: datetime, items: Collection[Any]) -> Call:
    """Handed back, or no peer was there: it is in the queue until somebody has seen to it."""
    waits = any(one.kind == NEEDED and one.state is QueueState.OPEN for one in items)
    return Call(point, Stage.IN_CHARGE if waits else Stage.SEEN_TO, at, at, None)
