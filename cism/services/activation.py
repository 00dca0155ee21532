"""Asking a team together. Everything here holds the incident's row, so that two accepts never overfill it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.activation import Answer, Asked, RoundPlan, Verdict, decide_accept, plan_round
from cism.domain.people import PersonStatus
from cism.domain.plan import PlannedStep, StepKind, StepState
from cism.domain.quiet_hours import next_open
from cism.domain.selection import choose, has_their_own, match_peers
from cism.errors import AlreadyDone, BadInput
from cism.services import (
    calls,
    choice,
    events,
    in_charge,
    never_paged,
    notify,
    people,
    questions,
    sessions,
    steps,
    team_rows,
    voice,
)
from cism.store.states import AssignmentState
from cism.store.tables import Assignment, Incident, Person, Question, Step, new_id

_HAS_IT = (AssignmentState.ASKED, AssignmentState.ACCEPTED)
_MOMENT = timedelta(microseconds=1)
EXHAUSTED = "nobody left to ask"
LOOK_AGAIN = timedelta(hours=1)  # design: while a team is short
SHORT_FOR = timedelta(hours=24)  # design: after that those who took over go on without it


def on_activate(session: Session, step: Step, now: datetime) -> str | None:
    """One look at the team: ask the next, tell the surplus, or call those in charge."""
    row = people.lock_incident(session, step.incident_id or "")
    outcome = look(session, row, now)
    if step.payload.get("round") == 0 and outcome != EXHAUSTED:  # else they have just been asked to take over
        notify.incident_logged(session, row, in_charge.told_at_once(session, row), now)
    return outcome


def look(session: Session, row: Incident, now: datetime, *, repeat: bool = False) -> str:
    """Plan the next round and write down what it says; planning twice at one moment adds nothing.

    `repeat`: nobody can say whether an earlier page arrived, and whoever is asked now is told so.
    """
    never_paged.forget(session, row, now)
    plan = _plan(session, row, now)
    for peer_id in plan.silent:
        team_rows.move(session, team_rows.of_helper(session, row.id, peer_id), AssignmentState.SILENT, now)
    for peer_id in plan.ask:
        _ask(session, row, peer_id, plan, now, repeat=repeat)
    if plan.complete:
        steps.cancel(session, reason="team complete", now=now, incident_id=row.id, kinds=[StepKind.ACTIVATE])
        _cover_surplus(session, row, plan.tell_covered, now)
    elif plan.look_again_at is not None:
        _look_at(session, row, plan.look_again_at, now)
    if plan.exhausted:
        missing = team_rows.missing(session, row)
        events.record(session, "team.short", now, incident_id=row.id, after=str(missing))
        _look_each_hour(session, row, now)
        notify.team_short(session, row, in_charge.in_charge(session, row, plan.then), missing, now)
        if row.accepted_at is None:
            voice.tell_duty_phone(
                session, row.agency, row.id, 0, now, lambda owner: people.is_staff_for(session, owner, row.id)
            )
        return EXHAUSTED
    return f"asked {len(plan.ask)}"


def to_choose_from(session: Session, row: Incident, now: datetime) -> list[str]:
    """Whom those in charge may ask by name, the best first: own helpers whom every rule lets serve now and
    whom nobody has asked. Nobody once the team is complete.
    """
    if not team_rows.missing(session, row):
        return []
    return [peer.id for peer in choose(choice.roster(session), choice.context(session, row, now)).own]


def ask_by_name(session: Session, row: Incident, peer_id: str, now: datetime) -> None:
    """Ask this helper out of turn, with the usual time to answer; whoever was asked before keeps theirs.

    Raises AlreadyDone for whoever has their page, BadInput for whoever a rule keeps out.
    """
    if any(one.peer_id == peer_id and one.state in _HAS_IT for one in team_rows.of_incident(session, row.id)):
        raise AlreadyDone
    if peer_id not in to_choose_from(session, row, now):
        message = "this helper cannot be asked now: a rule keeps them out, or the team is complete"
        raise BadInput(message)
    deadline = now + choice.protocol_of(row).activation.answer_within
    plan = replace(_plan(session, row, now), ask=(peer_id,), deadline=deadline)
    _ask(session, row, peer_id, plan, now, repeat=False)
    _look_at(session, row, deadline, now)


def on_page_undelivered(session: Session, step: Step, now: datetime) -> str | None:
    """A page that did not arrive counts as not asked: the next candidate is asked at once."""
    row = people.lock_incident(session, step.incident_id or "")
    assignment = session.get(Assignment, step.subject_id or "")
    if assignment is None or assignment.state is not AssignmentState.ASKED:
        return "answered meanwhile"
    team_rows.move(session, assignment, AssignmentState.SILENT, now)
    return look(session, row, now, repeat=bool(step.payload.get("unsettled")))


def answer_page(session: Session, question: Question, digit: str, now: datetime) -> None:
    """1 takes a place while there is one; 0 passes and the next is asked at once."""
    row = people.lock_incident(session, question.incident_id or "")
    assignment = session.get_one(Assignment, question.subject_id or "")
    helper = people.get(session, question.person_id)
    if digit == "0":
        questions.answer(session, question, "0", now)
        team_rows.move(session, assignment, AssignmentState.DECLINED, now)
        look(session, row, now)
        return
    session.refresh(assignment)
    need, accepted = team_rows.need(session, row), team_rows.accepted(session, row.id)
    if accepted >= need and _has_their_own(session, row, helper.id, now):
        need = accepted + 1
    verdict = decide_accept(need, accepted, Answer(assignment.state.value))
    if verdict is Verdict.ALREADY:
        return
    if verdict is Verdict.COVERED:
        questions.close(session, state="expired", now=now, subject_id=assignment.id)
        if assignment.state in team_rows.OPEN:
            team_rows.move(session, assignment, AssignmentState.COVERED, now)
        notify.already_covered(session, helper, now, key=question.id)
        return
    questions.answer(session, question, "1", now)
    team_rows.move(session, assignment, AssignmentState.ACCEPTED, now)
    session.flush()
    _assigned(session, row, assignment, helper, now)
    team_changed(session, row, now)
    sessions.tell_team(session, row, now)
    look(session, row, now)


def team_changed(session: Session, row: Incident, now: datetime) -> bool:
    """Give each person one of the helpers who serve; whoever has one keeps them while the rules allow.

    Returns whether anybody has another helper now, or none any more.
    """
    ctx = choice.context(session, row, now)
    helpers = team_rows.serving(session, row.id)
    served = [item for item in row.affected if item.ended_at is None and team_rows.is_served(item)]
    persons = [ctx.people[item.person_id] for item in served]
    kept = {item.person_id: item.peer_id for item in served if item.peer_id}
    matched = match_peers(helpers, persons, ctx, kept=kept, spoken=calls.spoken(session, row))
    changed = [item for item in served if item.peer_id != matched[item.person_id]]
    serving = {one.id for one in helpers}
    for item in changed:
        before, item.peer_id = item.peer_id, matched[item.person_id]
        calls.peer_changed(session, row, item, before, now, tell=before in serving)
    return bool(changed)


def _plan(session: Session, row: Incident, now: datetime) -> RoundPlan:
    asked = [
        Asked(peer_id=item.peer_id, asked_at=item.asked_at, answer=Answer(item.state.value), round=item.round)
        for item in team_rows.of_incident(session, row.id)
        if item.state is not AssignmentState.STOOD_DOWN
    ]
    chosen = choose(choice.roster(session), choice.context(session, row, now))
    up = [next_open(now, peer.zone, peer.sleep) for peer in chosen.when_up]
    return plan_round(
        team_rows.need(session, row),
        asked,
        [peer.id for peer in chosen.own],
        choice.protocol_of(row).activation,
        now,
        mutual_aid=[peer.id for peer in chosen.mutual_aid],
        next_up=min(up, default=None),
    )


def _ask(
    session: Session, row: Incident, peer_id: str, plan: RoundPlan, now: datetime, *, repeat: bool
) -> None:
    helper = people.get(session, peer_id)
    if helper.status is not PersonStatus.ACTIVE or plan.deadline is None:
        return
    assignment = team_rows.stood_down(session, row.id, peer_id) or Assignment(
        incident_id=row.id, peer_id=peer_id
    )
    assignment.state, assignment.round = AssignmentState.ASKED, plan.round
    assignment.asked_at = assignment.changed_at = now
    session.add(assignment)
    session.flush()
    question = questions.ask(
        session,
        person_id=peer_id,
        kind="page",
        now=now,
        incident_id=row.id,
        subject_id=assignment.id,
        deadline=plan.deadline,
    )
    events.record(session, "peer.asked", now, incident_id=row.id, subject_id=assignment.id, after="asked")
    notify.page(session, helper, question, row, plan.deadline, now, repeat=repeat)
    voice.watch(session, question, row.agency, row.severity, now, plan.deadline)


def _cover_surplus(session: Session, row: Incident, peer_ids: Collection[str], now: datetime) -> None:
    """Whoever is too many is told; those whom some on the list would have of their own keep their time."""
    until = {
        item.peer_id: item.asked_at + choice.protocol_of(row).activation.answer_within
        for item in team_rows.of_incident(session, row.id)
        if item.peer_id in peer_ids and item.state is AssignmentState.ASKED
    }
    waited_for = [one for one, end in until.items() if now < end and _has_their_own(session, row, one, now)]
    for peer_id in peer_ids:
        if peer_id not in waited_for:
            _cover(session, row, peer_id, now)
    if waited_for:
        _look_at(session, row, min(until[one] for one in waited_for), now)


def _has_their_own(session: Session, row: Incident, peer_id: str, now: datetime) -> bool:
    peer = people.snapshot(people.get(session, peer_id))
    return has_their_own(peer, team_rows.serving(session, row.id), choice.context(session, row, now))


def _cover(session: Session, row: Incident, peer_id: str, now: datetime) -> None:
    assignment = team_rows.of_helper(session, row.id, peer_id)
    question = session.scalar(
        select(Question).where(Question.subject_id == assignment.id, Question.kind == "page")
    )
    questions.close(session, state="expired", now=now, subject_id=assignment.id)
    team_rows.move(session, assignment, AssignmentState.COVERED, now)
    if question is not None:
        notify.covered(session, people.get(session, peer_id), question, now)


def _assigned(session: Session, row: Incident, assignment: Assignment, helper: Person, now: datetime) -> None:
    question = questions.ask(
        session,
        person_id=helper.id,
        kind="assignment",
        now=now,
        incident_id=row.id,
        subject_id=assignment.id,
    )
    notify.assigned(session, helper, question, row, now)


def _look_each_hour(session: Session, row: Incident, now: datetime) -> None:
    """Somebody may be free again: rested, back from leave, up. How many are missing is kept hour by hour."""
    due = now + LOOK_AGAIN
    if due <= row.logged_at + SHORT_FOR:
        _look_at(session, row, due, now)


def _look_at(session: Session, row: Incident, due: datetime, now: datetime) -> None:
    """Look again then, unless a look is planned before; the incident's row is held, so none is lost."""
    planned = session.scalars(
        select(Step.due_at).where(
            Step.incident_id == row.id,
            Step.kind == StepKind.ACTIVATE,
            Step.state == StepState.PLANNED,
            Step.due_at > now,
        )
    )
    if min(planned, default=due + _MOMENT) <= due:
        return
    steps.plan(
        session,
        [
            PlannedStep(
                kind=StepKind.ACTIVATE,
                due_at=due,
                # not by its time alone: a look that was cancelled must not keep another one from being made
                key=f"activate:{row.id}:{new_id()}",
                incident_id=row.id,
            )
        ],
    )
