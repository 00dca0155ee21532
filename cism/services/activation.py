"""Asking a team together. Everything here holds the incident's row, so that two accepts never overfill it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cism.domain.activation import Answer, Asked, RoundPlan, Verdict, decide_accept, plan_round
from cism.domain.incident import Circle, IncidentState
from cism.domain.people import PersonStatus
from cism.domain.plan import PlannedStep, StepKind, StepState
from cism.domain.quiet_hours import next_open
from cism.domain.selection import choose, has_their_own, match_peers, must_step_back
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
    voice,
    words,
)
from cism.store.states import AssignmentState
from cism.store.tables import AffectedPerson, Assignment, Incident, Person, Question, Step, new_id

_OPEN = (AssignmentState.ASKED, AssignmentState.SILENT)
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
        _move(session, _assignment(session, row.id, peer_id), AssignmentState.SILENT, now)
    for peer_id in plan.ask:
        _ask(session, row, peer_id, plan, now, repeat=repeat)
    if plan.complete:
        steps.cancel(session, reason="team complete", now=now, incident_id=row.id, kinds=[StepKind.ACTIVATE])
        _cover_surplus(session, row, plan.tell_covered, now)
    elif plan.look_again_at is not None:
        _look_at(session, row, plan.look_again_at, now)
    if plan.exhausted:
        events.record(session, "team.short", now, incident_id=row.id, after=str(_missing(session, row)))
        _look_each_hour(session, row, now)
        notify.team_short(
            session, row, in_charge.in_charge(session, row, plan.then), _missing(session, row), now
        )
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
    if not _missing(session, row):
        return []
    return [peer.id for peer in choose(choice.roster(session), choice.context(session, row, now)).own]


def ask_by_name(session: Session, row: Incident, peer_id: str, now: datetime) -> None:
    """Ask this helper out of turn, with the usual time to answer; whoever was asked before keeps theirs.

    Raises AlreadyDone for whoever has their page, BadInput for whoever a rule keeps out.
    """
    if any(one.peer_id == peer_id and one.state in _HAS_IT for one in _assignments(session, row.id)):
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
    _move(session, assignment, AssignmentState.SILENT, now)
    return look(session, row, now, repeat=bool(step.payload.get("unsettled")))


def answer_page(session: Session, question: Question, digit: str, now: datetime) -> None:
    """1 takes a place while there is one; 0 passes and the next is asked at once."""
    row = people.lock_incident(session, question.incident_id or "")
    assignment = session.get_one(Assignment, question.subject_id or "")
    helper = people.get(session, question.person_id)
    if digit == "0":
        questions.answer(session, question, "0", now)
        _move(session, assignment, AssignmentState.DECLINED, now)
        look(session, row, now)
        return
    session.refresh(assignment)
    need, accepted = _need(session, row), _accepted(session, row.id)
    if accepted >= need and _has_their_own(session, row, helper.id, now):
        need = accepted + 1
    verdict = decide_accept(need, accepted, Answer(assignment.state.value))
    if verdict is Verdict.ALREADY:
        return
    if verdict is Verdict.COVERED:
        questions.close(session, state="expired", now=now, subject_id=assignment.id)
        if assignment.state in _OPEN:
            _move(session, assignment, AssignmentState.COVERED, now)
        notify.already_covered(session, helper, now, key=question.id)
        return
    questions.answer(session, question, "1", now)
    _move(session, assignment, AssignmentState.ACCEPTED, now)
    session.flush()
    _assigned(session, row, assignment, helper, now)
    team_changed(session, row, now)
    sessions.tell_team(session, row, now)
    look(session, row, now)


def hand_back(session: Session, question: Question, now: datetime) -> None:
    """9: no reason is asked or kept; somebody else is asked at once."""
    row = people.lock_incident(session, question.incident_id or "")
    assignment = session.get_one(Assignment, question.subject_id or "")
    questions.answer(session, question, "9", now)
    _move(session, assignment, AssignmentState.HANDED_BACK, now)
    session.flush()
    notify.handed_back(session, people.get(session, question.person_id), question, now)
    team_changed(session, row, now)
    look(session, row, now)


def step_back(session: Session, row: Incident, now: datetime) -> int:
    """Helpers whom a rule now forbids, such as somebody added to the affected list, stop serving at once."""
    ctx = choice.context(session, row, now)
    moved = 0
    for assignment in _assignments(session, row.id):
        if assignment.state not in {AssignmentState.ACCEPTED, *_OPEN}:
            continue
        helper = people.get(session, assignment.peer_id)
        if not must_step_back(people.snapshot(helper), ctx):
            continue
        was_told = assignment.state is AssignmentState.ACCEPTED or assignment.state is AssignmentState.ASKED
        questions.close(session, state="superseded", now=now, subject_id=assignment.id)
        _move(session, assignment, AssignmentState.REVOKED, now)
        if was_told:
            code = words.code_of(session, assignment.id)
            notify.relieved(session, helper, assignment.id, code, row, now)
        moved += 1
    if moved:
        session.flush()
        team_changed(session, row, now)
        look(session, row, now)
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
            Assignment.state.in_([AssignmentState.ACCEPTED, *_OPEN]),
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
        Assignment.peer_id == person.id, Assignment.state.in_([AssignmentState.ACCEPTED, *_OPEN])
    )
    for assignment in session.scalars(query.order_by(Assignment.asked_at)).all():
        row = people.lock_incident(session, assignment.incident_id)
        if row.state is not IncidentState.OPEN:
            continue
        questions.close(session, state="expired", now=now, subject_id=assignment.id)
        _move(session, assignment, AssignmentState.HANDED_BACK, now)
        session.flush()
        team_changed(session, row, now)
        look(session, row, now)


def team_changed(session: Session, row: Incident, now: datetime) -> bool:
    """Give each person one of the helpers who serve; whoever has one keeps them while the rules allow.

    Returns whether anybody has another helper now, or none any more.
    """
    ctx = choice.context(session, row, now)
    helpers = [
        people.snapshot(people.get(session, item.peer_id))
        for item in _assignments(session, row.id)
        if item.state is AssignmentState.ACCEPTED
    ]
    served = [item for item in row.affected if item.ended_at is None and _is_served(item)]
    persons = [ctx.people[item.person_id] for item in served]
    kept = {item.person_id: item.peer_id for item in served if item.peer_id}
    matched = match_peers(helpers, persons, ctx, kept=kept, spoken=calls.spoken(session, row))
    changed = [item for item in served if item.peer_id != matched[item.person_id]]
    serving = {one.id for one in helpers}
    for item in changed:
        before, item.peer_id = item.peer_id, matched[item.person_id]
        calls.peer_changed(session, row, item, before, now, tell=before in serving)
    return bool(changed)


def stand_down_team(session: Session, row: Incident, now: datetime, *, callers: Collection[str] = ()) -> None:
    """One text to those who serve, and to nobody else (domain.md 11.9). `callers` still have a call."""
    for assignment in _assignments(session, row.id):
        if assignment.state is AssignmentState.ACCEPTED:
            helper = people.get(session, assignment.peer_id)
            notify.stand_down(session, helper, assignment, row, now, calls=helper.id in callers)
        if assignment.state in {AssignmentState.ACCEPTED, *_OPEN}:
            _move(session, assignment, AssignmentState.STOOD_DOWN, now)


def _plan(session: Session, row: Incident, now: datetime) -> RoundPlan:
    asked = [
        Asked(peer_id=item.peer_id, asked_at=item.asked_at, answer=Answer(item.state.value), round=item.round)
        for item in _assignments(session, row.id)
        if item.state is not AssignmentState.STOOD_DOWN
    ]
    chosen = choose(choice.roster(session), choice.context(session, row, now))
    up = [next_open(now, peer.zone, peer.sleep) for peer in chosen.when_up]
    return plan_round(
        _need(session, row),
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
    assignment = _asked_again(session, row.id, peer_id) or Assignment(incident_id=row.id, peer_id=peer_id)
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


def _asked_again(session: Session, incident_id: str, peer_id: str) -> Assignment | None:
    """The part of somebody who was stood down, where the incident is open again."""
    return session.scalar(
        select(Assignment).where(
            Assignment.incident_id == incident_id,
            Assignment.peer_id == peer_id,
            Assignment.state == AssignmentState.STOOD_DOWN,
        )
    )


def _cover_surplus(session: Session, row: Incident, peer_ids: Collection[str], now: datetime) -> None:
    """Whoever is too many is told; those whom some on the list would have of their own keep their time."""
    until = {
        item.peer_id: item.asked_at + choice.protocol_of(row).activation.answer_within
        for item in _assignments(session, row.id)
        if item.peer_id in peer_ids and item.state is AssignmentState.ASKED
    }
    waited_for = [one for one, end in until.items() if now < end and _has_their_own(session, row, one, now)]
    for peer_id in peer_ids:
        if peer_id not in waited_for:
            _cover(session, row, peer_id, now)
    if waited_for:
        _look_at(session, row, min(until[one] for one in waited_for), now)


def _has_their_own(session: Session, row: Incident, peer_id: str, now: datetime) -> bool:
    serving = [
        people.snapshot(people.get(session, item.peer_id))
        for item in _assignments(session, row.id)
        if item.state is AssignmentState.ACCEPTED
    ]
    peer = people.snapshot(people.get(session, peer_id))
    return has_their_own(peer, serving, choice.context(session, row, now))


def _cover(session: Session, row: Incident, peer_id: str, now: datetime) -> None:
    assignment = _assignment(session, row.id, peer_id)
    question = session.scalar(
        select(Question).where(Question.subject_id == assignment.id, Question.kind == "page")
    )
    questions.close(session, state="expired", now=now, subject_id=assignment.id)
    _move(session, assignment, AssignmentState.COVERED, now)
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


def _move(session: Session, assignment: Assignment, state: AssignmentState, now: datetime) -> None:
    events.record(
        session,
        "assignment.moved",
        now,
        incident_id=assignment.incident_id,
        subject_id=assignment.id,
        before=assignment.state.value,
        after=state.value,
    )
    assignment.state, assignment.changed_at = state, now


def _assignments(session: Session, incident_id: str) -> list[Assignment]:
    return list(
        session.scalars(
            select(Assignment)
            .where(Assignment.incident_id == incident_id)
            .order_by(Assignment.asked_at, Assignment.id)
        )
    )


def _assignment(session: Session, incident_id: str, peer_id: str) -> Assignment:
    return session.scalars(
        select(Assignment).where(Assignment.incident_id == incident_id, Assignment.peer_id == peer_id)
    ).one()


def _accepted(session: Session, incident_id: str) -> int:
    return int(
        session.scalar(
            select(func.count()).where(
                Assignment.incident_id == incident_id, Assignment.state == AssignmentState.ACCEPTED
            )
        )
        or 0
    )


def _need(session: Session, row: Incident) -> int:
    """How many helpers; one more than serve where none of them may look after somebody on the list."""
    accepted, need = _accepted(session, row.id), choice.team_need(row)
    return max(need, accepted + 1) if accepted >= need and _without_helper(row) else need


def _without_helper(row: Incident) -> bool:
    return any(item.peer_id is None for item in row.affected if item.ended_at is None and _is_served(item))


def _is_served(item: AffectedPerson) -> bool:
    return item.circle is not Circle.F


def _missing(session: Session, row: Incident) -> int:
    return max(0, _need(session, row) - _accepted(session, row.id))
