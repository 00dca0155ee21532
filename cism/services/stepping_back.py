"""Helpers who serve no longer: who hand it back, are affected too, get no more texts, or are sent home."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.incident import IncidentState
from cism.domain.plan import PlannedStep, StepKind
from cism.domain.selection import must_step_back
from cism.services import activation, choice, notify, people, questions, steps, team_rows, words
from cism.store.states import AssignmentState
from cism.store.tables import Assignment, Incident, Person, Question, Step


def hand_back(session: Session, question: Question, now: datetime) -> None:
    """9: no reason is asked or kept; somebody else is asked at once."""
    row = people.lock_incident(session, question.incident_id or "")
    assignment = session.get_one(Assignment, question.subject_id or "")
    questions.answer(session, question, "9", now)
    team_rows.move(session, assignment, AssignmentState.HANDED_BACK, now)
    session.flush()
    notify.handed_back(session, people.get(session, question.person_id), question, now)
    activation.team_changed(session, row, now)
    activation.look(session, row, now)


def step_back(session: Session, row: Incident, now: datetime) -> int:
    """Helpers whom a rule now forbids, such as somebody added to the affected list, stop serving at once."""
    ctx = choice.context(session, row, now)
    moved = 0
    for assignment in team_rows.of_incident(session, row.id):
        if assignment.state not in {AssignmentState.ACCEPTED, *team_rows.OPEN}:
            continue
        helper = people.get(session, assignment.peer_id)
        if not must_step_back(people.snapshot(helper), ctx):
            continue
        was_told = assignment.state is AssignmentState.ACCEPTED or assignment.state is AssignmentState.ASKED
        questions.close(session, state="superseded", now=now, subject_id=assignment.id)
        team_rows.move(session, assignment, AssignmentState.REVOKED, now)
        if was_told:
            code = words.code_of(session, assignment.id)
            notify.relieved(session, helper, assignment.id, code, row, now)
        moved += 1
    if moved:
        session.flush()
        activation.team_changed(session, row, now)
        activation.look(session, row, now)
    return moved


def plan_step_back(session: Session, row: Incident, person_ids: Iterable[str], now: datetime) -> None:
    """Whoever is affected by this event is looked after and serves in no other: each is a step of its own.

    So that never more than one incident is held at a time.
    """
    query = (
        select(Assignment)
        .join(Incident, Incident.id == Assignment.incident_id)
        .where(
            Assignment.peer_id.in_(sorted(person_ids)),
            Assignment.state.in_([AssignmentState.ACCEPTED, *team_rows.OPEN]),
            Incident.id != row.id,
            Incident.state == IncidentState.OPEN,
        )
    )
    planned = [
        PlannedStep(
            kind=StepKind.STEP_BACK,
            due_at=now,
            key=f"step_back:{item.id}:{row.id}",
            incident_id=item.incident_id,
            subject_id=item.id,
        )
        for item in session.scalars(query.order_by(Assignment.id))
    ]
    steps.plan(session, planned)


def on_step_back(session: Session, step: Step, now: datetime) -> str | None:
    """A helper's own event began: they are relieved here, and somebody else is asked."""
    row = people.lock_incident(session, step.incident_id or "")
    if row.state is not IncidentState.OPEN:
        return "over meanwhile"
    return f"{step_back(session, row, now)} relieved"


def stop_serving(session: Session, person: Person, now: datetime) -> None:
    """A helper who gets no more texts cannot be told whom to call: somebody else is asked at once."""
    query = select(Assignment).where(
        Assignment.peer_id == person.id, Assignment.state.in_([AssignmentState.ACCEPTED, *team_rows.OPEN])
    )
    for assignment in session.scalars(query.order_by(Assignment.asked_at)).all():
        row = people.lock_incident(session, assignment.incident_id)
        if row.state is not IncidentState.OPEN:
            continue
        questions.close(session, state="expired", now=now, subject_id=assignment.id)
        team_rows.move(session, assignment, AssignmentState.HANDED_BACK, now)
        session.flush()
        activation.team_changed(session, row, now)
        activation.look(session, row, now)


def stand_down_team(session: Session, row: Incident, now: datetime, *, callers: Collection[str] = ()) -> None:
    """One text to those who serve, and to nobody else (domain.md 11.9). `callers` still have a call."""
    for assignment in team_rows.of_incident(session, row.id):
        if assignment.state is AssignmentState.ACCEPTED:
            helper = people.get(session, assignment.peer_id)
            notify.stand_down(session, helper, assignment, row, now, calls=helper.id in callers)
        if assignment.state in {AssignmentState.ACCEPTED, *team_rows.OPEN}:
            team_rows.move(session, assignment, AssignmentState.STOOD_DOWN, now)
