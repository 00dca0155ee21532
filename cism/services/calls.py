"""Calls that peers make: given, reminded of once, handed on to the coordinator where nobody reports them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cism.domain.people import PersonStatus
from cism.domain.plan import PlannedStep, StepKind, StepState
from cism.domain.quiet_hours import next_open
from cism.services import choice, events, held, missed, notify, people, questions, queue, steps
from cism.services.contact_rules import TOO_LATE, hours, later, open_now
from cism.store.tables import AffectedPerson, Incident, Person, Question, Step

CALL_WITHIN = timedelta(hours=4)  # design: a peer's call is reported by then, in open hours
FIRST_CALL_UNTIL = timedelta(hours=12)  # design: afterwards it is no call before going home
_ONE_CALL = timedelta(hours=12)  # design: calls to one person nearer than this are one
UNREPORTED_WITHIN = timedelta(hours=12)
FIRST = "f0"
ASKED, NO_PEER = "asked the peer", "no peer: in the coordinator's queue"


def on_peer_task(session: Session, step: Step, now: datetime) -> str | None:
    """Ask the assigned peer to call; without one, the coordinator has it in the queue."""
    row = session.get_one(Incident, step.incident_id or "")
    item = session.get_one(AffectedPerson, step.subject_id or "")
    person = people.get(session, item.person_id)
    if item.ended_at is not None or person.status is PersonStatus.DECEASED:
        return "ended"
    if item.peer_id is None:
        return _without_peer(session, step, row, person, now)
    peer = people.get(session, item.peer_id)
    point = str(step.payload["point"])
    if point != FIRST and not open_now(peer, now):
        moved = later(session, step, peer, now)
        if moved == TOO_LATE:
            needs_caller(session, person, row.id, now)
        return moved
    _ask(session, row, item, peer, step, now)
    return ASKED


def on_peer_task_deadline(session: Session, step: Step, now: datetime) -> str | None:
    """Not reported: the peer is asked once how it went, then the coordinator finds out by the queue.

    The affected person hears nothing of it.
    """
    question = session.get(Question, step.subject_id or "")
    if question is None or question.state != "open":
        return "reported meanwhile"
    if not step.payload.get("asked_again"):
        peer = people.get(session, question.person_id)
        notify.peer_task_overdue(session, peer, question, now)
        deadline = next_open(now + CALL_WITHIN, *hours(peer))
        steps.plan(session, [_deadline(question, deadline, asked_again=1)])
        return "asked again"
    queue.add(
        session,
        "call_unreported",
        now=now,
        within=UNREPORTED_WITHIN,
        person=people.get(session, question.about_id or ""),
        incident_id=question.incident_id,
    )
    return "in the coordinator's queue"


def on_peer_task_expired(session: Session, step: Step, now: datetime) -> str | None:
    """A call whose moment passed while nothing could run; the one before going home is simply past."""
    item = session.get(AffectedPerson, step.subject_id or "")
    if item is None or item.ended_at is not None or step.payload.get("point") == FIRST:
        return None
    missed.add(session, "call_needed", people.get(session, item.person_id), step.incident_id, now)
    return None


def needs_caller(session: Session, person: Person, incident_id: str | None, now: datetime) -> None:
    """Somebody has to be called and no peer is there to do it: the coordinator finds one."""
    queue.add(session, "call_needed", now=now, within=CALL_WITHIN, person=person, incident_id=incident_id)


def plan_call(session: Session, row: Incident, item: AffectedPerson, point: str, now: datetime) -> None:
    """The peer who looks after this person calls, once for each point and peer."""
    steps.plan(session, [call_step(row, item, point, now)])


def near(session: Session, item: AffectedPerson, now: datetime) -> bool:
    """Whether a peer calls this person about now at another point: nobody is called twice."""
    found = session.scalar(
        select(Step.id).where(
            Step.subject_id == item.id,
            Step.kind == StepKind.PEER_TASK,
            Step.state.in_([StepState.PLANNED, StepState.DONE]),
            Step.due_at.between(now - _ONE_CALL, now + _ONE_CALL),
        )
    )
    return found is not None


def call_step(
    row: Incident, item: AffectedPerson, point: str, now: datetime, *, again: str = ""
) -> PlannedStep:
    """That call, to be planned; without a peer it waits for whoever comes. `again` marks one more."""
    first = point == FIRST and item.exposure_end is not None
    return PlannedStep(
        kind=StepKind.PEER_TASK,
        due_at=now,
        expires_at=item.exposure_end + FIRST_CALL_UNTIL if first and item.exposure_end else None,
        key=f"call:{item.id}:{point}:{item.peer_id}{again}",
        incident_id=row.id,
        person_id=item.person_id,
        subject_id=item.id,
        payload={"point": point},
    )


def peer_changed(
    session: Session,
    row: Incident,
    item: AffectedPerson,
    before: str | None,
    now: datetime,
    *,
    tell: bool = False,
) -> None:
    """Somebody else looks after this person now: open calls go over, and the first one is theirs (f0).

    `tell`: the one before still serves, and hears which calls are no longer theirs.
    """
    points = take_back(session, item, before, now, tell=tell)
    if item.peer_id is not None:
        points += [point for point in _waiting(session, item, now) if point not in points]
    fresh = item.exposure_end is None or now < item.exposure_end + FIRST_CALL_UNTIL
    rule = choice.protocol_of(row).contact(FIRST)
    wanted = rule is not None and row.severity in rule.severities
    if item.peer_id is not None and fresh and wanted and not _called(session, item):
        points = [FIRST, *(point for point in points if point != FIRST)]
    for point in points:
        plan_call(session, row, item, point, now)


def take_back(
    session: Session, item: AffectedPerson, peer_id: str | None, now: datetime, *, tell: bool = False
) -> list[str]:
    """Calls about this person that were not reported are no longer that peer's; returns their points."""
    query = select(Question).where(
        Question.kind == "contact_report",
        Question.subject_id == item.id,
        Question.state == "open",
    )
    if peer_id is not None:
        query = query.where(Question.person_id == peer_id)
    found: Sequence[Question] = session.scalars(query.order_by(Question.asked_at)).all()
    for question in found:
        questions.close(
            session, state="superseded", now=now, subject_id=item.id, person_id=question.person_id
        )
        steps.cancel(session, reason="no longer theirs", now=now, subject_id=question.id)
        if tell:
            notify.covered(session, people.get(session, question.person_id), question, now)
    return list(dict.fromkeys(question.point or FIRST for question in found))


def answer_report(session: Session, question: Question, digit: str, now: datetime) -> None:
    """What a peer reports about a call: 4 reached, 5 declined, 6 not reached; 9 hands this call back."""
    questions.answer(session, question, digit, now)
    steps.cancel(session, reason="reported", now=now, subject_id=question.id)
    outcome = {"4": "reached", "5": "declined", "6": "not_reached", "9": "handed_back"}[digit]
    events.record(
        session,
        "contact.reported",
        now,
        incident_id=question.incident_id,
        subject_id=question.subject_id,
        actor_id=question.person_id,
        after=outcome,
    )
    if digit == "9":
        needs_caller(session, people.get(session, question.about_id or ""), question.incident_id, now)


def _ask(
    session: Session, row: Incident, item: AffectedPerson, peer: Person, step: Step, now: datetime
) -> None:
    deadline = next_open(now + CALL_WITHIN, *hours(peer))
    if "by" in step.payload:
        deadline = max(now, min(deadline, datetime.fromisoformat(step.payload["by"])))
    question = questions.ask(
        session,
        person_id=peer.id,
        kind="contact_report",
        now=now,
        incident_id=row.id,
        subject_id=item.id,
        about_id=item.person_id,
        point=str(step.payload["point"]),
        deadline=deadline,
    )
    notify.peer_task(session, peer, question, row, deadline, now)
    steps.plan(session, [_deadline(question, deadline)])


def _deadline(question: Question, due: datetime, *, asked_again: int = 0) -> PlannedStep:
    return PlannedStep(
        kind=StepKind.PEER_TASK_DEADLINE,
        due_at=due,
        key=f"call-by:{question.id}:{asked_again}",
        incident_id=question.incident_id,
        subject_id=question.id,
        payload={"asked_again": asked_again},
    )


def _without_peer(session: Session, step: Step, row: Incident, person: Person, now: datetime) -> str:
    """While somebody is still being asked the call waits for them; then the coordinator has it."""
    until = session.scalar(
        select(func.max(Question.deadline)).where(
            Question.incident_id == row.id, Question.kind == "page", Question.state == "open"
        )
    )
    if until is not None and until > now:
        steps.plan(session, [held.again(step, until, f"@{int(until.timestamp())}")])
        return "waits for a peer"
    needs_caller(session, person, row.id, now)
    return NO_PEER


def _waiting(session: Session, item: AffectedPerson, now: datetime) -> list[str]:
    """The points of calls that waited for a peer; they are planned anew for whoever came."""
    query = select(Step).where(
        Step.subject_id == item.id,
        Step.kind == StepKind.PEER_TASK,
        Step.state == StepState.PLANNED,
        Step.key.startswith(f"call:{item.id}:", autoescape=True),
    )
    found = session.scalars(query.order_by(Step.due_at)).all()
    for step in found:
        step.state, step.outcome, step.done_at = StepState.CANCELLED, "a peer came", now
    return list(dict.fromkeys(str(step.payload["point"]) for step in found))


def spoken(session: Session, row: Incident) -> frozenset[str]:
    """Whose helper has reported a call about this incident, however it ended."""
    query = select(Question.about_id).where(
        Question.kind == "contact_report", Question.incident_id == row.id, Question.state == "answered"
    )
    return frozenset(one for one in session.scalars(query) if one)


def _called(session: Session, item: AffectedPerson) -> bool:
    """Whether an earlier helper has made the first call already."""
    found = session.scalar(
        select(Question.id).where(
            Question.kind == "contact_report",
            Question.subject_id == item.id,
            Question.point == FIRST,
            Question.state == "answered",
        )
    )
    return found is not None
