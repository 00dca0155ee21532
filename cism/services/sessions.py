"""Group sessions: planned, offered or proposed in their windows, approved by a clinician where they must."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from cism.domain.plan import PlannedStep, StepKind
from cism.domain.protocol import SessionRule
from cism.domain.sessions import OFF, SessionPlan, plan_sessions, why_off
from cism.errors import AlreadyDone
from cism.services import (
    choice,
    events,
    notify,
    offers,
    people,
    questions,
    session_late,
    session_off,
    session_rows,
    session_team,
    steps,
)
from cism.store.states import SessionState
from cism.store.tables import GroupSession, Incident, Invitation, Question, Step

FOLLOW_UP_AFTER = timedelta(hours=20)  # the call within 24 h of the session (domain.md 3.1)


def planned_steps(session: Session, row: Incident, now: datetime) -> list[PlannedStep]:
    """Write down every session that could be held, and every one that may not be, with its reason.

    One that was planned before and may not be held any more, as things now stand, is called off.
    """
    found: list[PlannedStep] = []
    affected = people.by_ids(session, [item.person_id for item in row.affected])
    snapshots = {person_id: people.snapshot(item) for person_id, item in affected.items()}
    protocol = choice.protocol_of(row)
    for plan in plan_sessions(people.incident_snapshot(row), snapshots, protocol, now):
        _call_off_forbidden(session, row, plan, now)
        rule = protocol.sessions[plan.kind]
        late = session_late.joined(session, row, plan, rule, now)
        if late is not None:
            found += late
            continue
        meeting = _written(session, row, plan, rule, now)
        if meeting is not None and meeting.state is SessionState.BLOCKED:
            found += session_late.instead(session, row, plan, now)
        if meeting is not None and meeting.state in session_rows.LIVE:
            due = _ask_at(row, meeting, rule, now) if plan.needs_approval else now
            found.append(session_rows.step(StepKind.PROPOSE_SESSION, meeting, due, f"propose:{meeting.id}"))
    return found


def on_propose(session: Session, step: Step, now: datetime) -> str | None:
    """A defusing is offered; a debriefing waits for a clinician (invariant 11)."""
    meeting, row = session_rows.both(session, step)
    if meeting.state is SessionState.APPROVED:
        _offer(session, row, meeting, now)
        return "offered"
    if meeting.state is not SessionState.PROPOSED:
        return meeting.state.value
    return _ask_clinician(session, row, meeting, 0, now)


def on_approval_deadline(session: Session, step: Step, now: datetime) -> str | None:
    """Nobody decided in time: the next clinician is asked; after the last one it lapses."""
    meeting, row = session_rows.both(session, step)
    if meeting.state is not SessionState.PROPOSED:
        return meeting.state.value
    questions.close(session, state="expired", now=now, subject_id=meeting.id, kinds=("approval",))
    return _ask_clinician(session, row, meeting, int(step.payload["turn"]), now)


def answer_approval(session: Session, question: Question, digit: str, now: datetime) -> None:
    """A clinician's 1 or 0."""
    questions.answer(session, question, digit, now)
    decide(session, question.subject_id or "", digit == "1", by=question.person_id, now=now)


def decide(
    session: Session, session_id: str, approve: bool, *, by: str | None, now: datetime
) -> GroupSession:
    """A clinician approves or refuses a proposed debriefing; refused means one-to-one support."""
    meeting, row = session_rows.locked(session, session_id)
    if meeting.state is not SessionState.PROPOSED:
        message = f"this session is {meeting.state.value} already"
        raise AlreadyDone(message)
    session_team.refuse_non_clinician(session, row, by)
    session_rows.move(session, meeting, SessionState.APPROVED if approve else SessionState.REFUSED, now, by)
    questions.close(session, state="expired", now=now, subject_id=meeting.id, kinds=("approval",))
    steps.cancel(session, reason="decided", now=now, subject_id=meeting.id)
    if approve:
        meeting.leader_id = by
        session.flush()
        _offer(session, row, meeting, now)
    return meeting


def tell_team(session: Session, row: Incident, now: datetime) -> None:
    """Whoever serves knows of every meeting that is still to come, once."""
    query = select(GroupSession).where(
        GroupSession.incident_id == row.id,
        GroupSession.state == SessionState.APPROVED,
        GroupSession.starts_at > now,
    )
    for meeting in session.scalars(query.order_by(GroupSession.starts_at)).all():
        before = meeting.leader_id
        for helper, code in session_team.of(session, row, meeting, now):
            notify.session_team(session, helper, code, meeting, now)
        if before is not None and before != meeting.leader_id:
            session_team.relieve(session, row, meeting, before, now)


def _ask_at(row: Incident, meeting: GroupSession, rule: SessionRule, now: datetime) -> datetime:
    """When the clinician is asked: not weeks before the window, when nobody can know how they will be."""
    asked = max(now, row.logged_at + rule.propose_at)
    if rule.decide_ahead is None or meeting.window_from is None:
        return asked
    return max(asked, meeting.window_from - rule.decide_ahead)


def _written(
    session: Session, row: Incident, plan: SessionPlan, rule: SessionRule, now: datetime
) -> GroupSession | None:
    meetings = session.scalars(
        select(GroupSession).where(
            GroupSession.incident_id == row.id,
            GroupSession.kind == plan.kind,
            # what was called off for a reason that may pass can be planned anew
            or_(GroupSession.state != SessionState.CANCELLED, GroupSession.reason.not_in(OFF)),
        )
    )
    meeting = next((one for one in meetings if one.group_key == plan.group[:120]), None)
    if meeting is not None and (meeting.state is not SessionState.BLOCKED or plan.blocked is not None):
        return None  # planned before; what was promised stays
    if meeting is None:
        meeting = GroupSession(
            incident_id=row.id,
            kind=plan.kind,
            group_key=plan.group[:120],
            team_size=0,
            state=SessionState.BLOCKED,
        )
        session.add(meeting)
    meeting.team_size = plan.team_size
    meeting.window_from = plan.window.earliest if plan.window else None
    meeting.window_to = plan.window.latest if plan.window else None
    meeting.reason = plan.blocked.value if plan.blocked else None
    meeting.starts_at = plan.starts_at
    meeting.ends_at = plan.starts_at + rule.duration if plan.starts_at else None
    if plan.blocked is None:
        meeting.state = SessionState.PROPOSED if plan.needs_approval else SessionState.APPROVED
        session.flush()
        session.add_all(Invitation(session_id=meeting.id, person_id=person_id) for person_id in plan.members)
    session.flush()
    events.record(
        session,
        "session.planned",
        now,
        incident_id=row.id,
        subject_id=meeting.id,
        before=plan.kind,
        after=meeting.reason or meeting.state.value,
    )
    return meeting


def _ask_clinician(session: Session, row: Incident, meeting: GroupSession, turn: int, now: datetime) -> str:
    """Ask the next clinician, each once; whom it is not grave enough to wake is asked when they are up."""
    rule = choice.protocol_of(row).sessions[meeting.kind]
    helper, ask_at = session_team.next_to_approve(session, row, meeting, now)
    if helper is None or meeting.starts_at is None or ask_at >= meeting.starts_at:
        session_rows.move(session, meeting, SessionState.LAPSED, now, None)
        return "nobody decided: one-to-one instead"
    if ask_at > now:
        key = f"propose:{meeting.id}:{turn}:{int(ask_at.timestamp())}"
        steps.plan(session, [session_rows.step(StepKind.PROPOSE_SESSION, meeting, ask_at, key)])
        return "waits until a clinician is up"
    deadline = now + rule.approve_within
    question = questions.ask(
        session,
        person_id=helper.id,
        kind="approval",
        now=now,
        incident_id=row.id,
        subject_id=meeting.id,
        deadline=deadline,
    )
    notify.approval(session, helper, question, row, deadline, now)
    # by the question, because turns begin anew where a clinician had to be waited for
    step = session_rows.step(StepKind.APPROVAL_DEADLINE, meeting, deadline, f"approve-by:{question.id}")
    steps.plan(session, [replace(step, payload={"turn": turn + 1})])
    return "asked a clinician"


def _offer(session: Session, row: Incident, meeting: GroupSession, now: datetime) -> None:
    """Invite each alone, in their open hours; remind and ask the team."""
    if meeting.starts_at is None or meeting.ends_at is None:
        return
    rule = choice.protocol_of(row).sessions[meeting.kind]
    planned = []
    for person_id in session.scalars(select(Invitation.person_id).where(Invitation.session_id == meeting.id)):
        planned.append(session_late.invite_step(session, meeting, person_id, now))
    remind = max(now, meeting.starts_at - rule.reminder)
    planned.append(session_rows.step(StepKind.SESSION_REMINDER, meeting, remind, f"remind:{meeting.id}"))
    planned.append(
        session_rows.step(
            StepKind.SESSION_REPORT, meeting, meeting.ends_at + rule.report_after, f"report:{meeting.id}"
        )
    )
    # not bound to the report: who came is called, and who was invited forgotten, also where nobody reports
    after = meeting.ends_at + FOLLOW_UP_AFTER
    planned.append(session_rows.step(StepKind.SESSION_FOLLOW_UP, meeting, after, f"after:{meeting.id}"))
    session.flush()
    planned += offers.planned_steps(session, row, now)  # the team has its own support after it
    steps.plan(session, planned)
    tell_team(session, row, now)


def _call_off_forbidden(session: Session, row: Incident, plan: SessionPlan, now: datetime) -> None:
    """Statements are pending again, or the funeral was moved: what was promised is not held all the same."""
    query = select(GroupSession).where(
        GroupSession.incident_id == row.id,
        GroupSession.kind == plan.kind,
        GroupSession.state.in_(session_rows.LIVE),
        GroupSession.starts_at > now,
    )
    for meeting in session.scalars(query).all():
        mine = f"{meeting.group_key}/".startswith(f"{plan.group[:120]}/")  # a large group meets in parts
        why = why_off(people.incident_snapshot(row), plan, meeting.starts_at) if mine else None
        if why is not None:
            session_off.call_off(session, row, meeting, why, now)
