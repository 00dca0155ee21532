"""Opening again what was stood down or closed: what was promised and is still to come comes back, once.

What went out before stays and is never sent again. Moments that passed meanwhile are treated like those of an
incident that was logged late: one check-in at most catches up. Whoever ended their contacts stays ended.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.incident import IncidentState
from cism.domain.plan import PlannedStep, StepKind, StepState
from cism.errors import AlreadyDone
from cism.services import activation, calls, contact_plan, events, held, people, questions, response, steps
from cism.store.states import AssignmentState
from cism.store.tables import Assignment, Incident, Question, Step

_ENDED = (IncidentState.STOOD_DOWN, IncidentState.CLOSED)
WHEN_OVER = (IncidentState.STOOD_DOWN.value, IncidentState.CLOSED.value, steps.OVER)
# The questions about themselves that affected people may still answer, and what closes each.
_ASKED = ("check_in", "opt_in")
_ONCE_EACH = (StepKind.OPT_IN, StepKind.MHP_REMINDER, StepKind.SENSITIVE_DATE, StepKind.CLOSE_INCIDENT)
_ABOUT_A_QUESTION = (StepKind.CONTACT_REMINDER, StepKind.CONTACT_CLOSE)


def reopen(session: Session, incident_id: str, *, by: str | None, now: datetime) -> Incident:
    """It was no false alarm, or it was closed too early: the response goes on.

    Raises AlreadyDone where it is open, history, or so old that its year is over; NotAllowed for whoever is
    on its list.
    """
    row = people.lock_incident(session, incident_id)
    response.refuse_affected(row, by)
    _refuse(row, now)
    before, ended_at = row.state, row.closed_at or now
    row.state, row.closed_at = IncidentState.OPEN, None
    events.record(
        session,
        "incident.reopened",
        now,
        incident_id=row.id,
        actor_id=by,
        before=before.value,
        after=row.state.value,
    )
    session.flush()
    _listen_again(session, row, ended_at, now)
    for item in row.affected:
        person = people.snapshot(people.get(session, item.person_id))
        steps.plan(session, contact_plan.again_steps(session, row, item, person, now, WHEN_OVER))
    steps.plan(session, _once_each(session, row, now))
    response.lay_out(session, row, now)
    activation.team_changed(session, row, now)
    _serve_again(session, row, ended_at, now)
    activation.look(session, row, now)
    return row


def _refuse(row: Incident, now: datetime) -> None:
    if row.state not in _ENDED:
        message = f"the incident is {row.state.value}: there is nothing to open again"
        raise AlreadyDone(message)
    if response.closing(row).due_at <= now:
        message = "the year that this incident is followed for is over; log a new one"
        raise AlreadyDone(message)


def _listen_again(session: Session, row: Incident, ended_at: datetime, now: datetime) -> None:
    """A check-in that lay with somebody when it ended may be answered, while its time has not passed."""
    asked = session.scalars(
        select(Question).where(
            Question.incident_id == row.id,
            Question.kind.in_(_ASKED),
            Question.state == "superseded",
            Question.answered_at == ended_at,
        )
    )
    for question in asked.all():
        waiting = _cancelled(session, Step.subject_id == question.id, Step.kind.in_(_ABOUT_A_QUESTION))
        ahead = [step for step in waiting if step.due_at > now]
        if not any(step.kind is StepKind.CONTACT_CLOSE for step in ahead):
            continue
        questions.reopen(session, question)
        steps.plan(session, [held.again(step, step.due_at, _mark(now)) for step in ahead])


def _once_each(session: Session, row: Incident, now: datetime) -> list[PlannedStep]:
    """What comes once: the question whether to keep in touch, a professional's reminder, the end."""
    found = []
    for step in _cancelled(session, Step.incident_id == row.id, Step.kind.in_(_ONCE_EACH)):
        by = step.payload.get("by")
        if by is not None and datetime.fromisoformat(str(by)) <= now:
            continue
        step.outcome = f"{step.outcome}; opened again"
        found.append(held.again(step, max(step.due_at, now), _mark(now)))
    return found


def _serve_again(session: Session, row: Incident, ended_at: datetime, now: datetime) -> None:
    """Helpers of a closed incident were told nothing and still serve: they may hand back, and call again."""
    serving = select(Assignment.id).where(
        Assignment.incident_id == row.id, Assignment.state == AssignmentState.ACCEPTED
    )
    ended = (Question.state == "superseded", Question.answered_at == ended_at)
    mine = select(Question).where(
        Question.kind == "assignment", Question.subject_id.in_(serving.scalar_subquery()), *ended
    )
    for question in session.scalars(mine).all():
        questions.reopen(session, question)
    unreported = select(Question).where(
        Question.kind == "contact_report", Question.incident_id == row.id, *ended
    )
    points = {(question.subject_id, question.point) for question in session.scalars(unreported)}
    for item in row.affected:
        for point in sorted(point for about, point in points if about == item.id and point is not None):
            if item.ended_at is None:
                steps.plan(session, [calls.call_step(row, item, point, now, again=_mark(now))])


def _cancelled(session: Session, *where: object) -> list[Step]:
    """What the end of the incident took back, in order."""
    query = select(Step).where(
        Step.state == StepState.CANCELLED,
        Step.outcome.in_(WHEN_OVER),
        *where,  # type: ignore[arg-type]
    )
    return list(session.scalars(query.order_by(Step.due_at)))


def _mark(now: datetime) -> str:
    return f">{now.timestamp():.3f}"
