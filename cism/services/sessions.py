"""Group sessions: offered or proposed inside their windows, led by people who serve, counted by heads
alone.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from cism.domain.interventions import GROUP_FORMATS
from cism.domain.plan import PlannedStep, StepKind
from cism.domain.protocol import SessionRule
from cism.domain.sessions import OFF, SessionPlan, plan_sessions, why_off
from cism.errors import AlreadyDone, BadInput, NotFound
from cism.services import (
    choice,
    events,
    notify,
    offers,
    people,
    questions,
    session_late,
    session_team,
    steps,
)
from cism.services import (
    held as waiting,
)
from cism.services.contact_rules import TOO_LATE, later, not_on_this_day, open_now, textable, why_not_now
from cism.store.states import SessionState
from cism.store.tables import AffectedPerson, GroupSession, Incident, Invitation, Person, Question, Step

FOLLOW_UP_AFTER = timedelta(hours=20)  # the call within 24 h of the session (domain.md 3.1)
_LIVE = (SessionState.PROPOSED, SessionState.APPROVED)


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
        if meeting is not None and meeting.state in _LIVE:
            due = _ask_at(row, meeting, rule, now) if plan.needs_approval else now
            found.append(_step(StepKind.PROPOSE_SESSION, meeting, due, f"propose:{meeting.id}"))
    return found


def on_propose(session: Session, step: Step, now: datetime) -> str | None:
    """A defusing is offered; a debriefing waits for a clinician (invariant 11)."""
    meeting, row = _both(session, step)
    if meeting.state is SessionState.APPROVED:
        _offer(session, row, meeting, now)
        return "offered"
    if meeting.state is not SessionState.PROPOSED:
        return meeting.state.value
    return _ask_clinician(session, row, meeting, 0, now)


def on_approval_deadline(session: Session, step: Step, now: datetime) -> str | None:
    """Nobody decided in time: the next clinician is asked; after the last one it lapses."""
    meeting, row = _both(session, step)
    if meeting.state is not SessionState.PROPOSED:
        return meeting.state.value
    questions.close(session, state="expired", now=now, subject_id=meeting.id, kinds=("approval",))
    return _ask_clinician(session, row, meeting, int(step.payload["turn"]), now)


def on_invite(session: Session, step: Step, now: datetime) -> str | None:
    """One invitation to one person; whoever may not be texted is asked by their peer in person."""
    meeting, row = _both(session, step)
    person = people.lock_person(session, step.person_id or "")
    item = _affected(session, row, person.id)
    if meeting.state is not SessionState.APPROVED or item is None or item.ended_at is not None:
        return "not needed"
    reason = why_not_now(session, row, item, person)
    if reason is not None:
        return reason
    quiet_day = not_on_this_day(session, step, person, now)
    if not textable(person) or quiet_day == TOO_LATE:
        by_peer = _call(row, item, meeting, now, "bring")
        steps.plan(session, [by_peer] if by_peer is not None else [])
        return "the peer brings it in person"
    if quiet_day is not None or not open_now(person, now):
        return quiet_day or later(session, step, person, now)
    sooner = session_late.sooner_meeting(session, meeting, person.id, now)
    if sooner is not None:
        steps.plan(session, [waiting.again(step, sooner, f"@{int(sooner.timestamp())}")])
        return "one invitation at a time"
    _invite(session, meeting, person, item, now)
    return "invited"


def _invite(
    session: Session, meeting: GroupSession, person: Person, item: AffectedPerson, now: datetime
) -> None:
    question = questions.ask(
        session,
        person_id=person.id,
        kind="invitation",
        now=now,
        incident_id=meeting.incident_id,
        subject_id=meeting.id,
        deadline=meeting.starts_at,
    )
    helper = people.get(session, item.peer_id) if item.peer_id else None
    notify.invitation(session, person, question, meeting, helper, now)


def on_reminder(session: Session, step: Step, now: datetime) -> str | None:
    """Tell the team again; with fewer than three who want to come it is no group, and each is called
    instead.
    """
    meeting, row = _both(session, step)
    if meeting.state is not SessionState.APPROVED:
        return meeting.state.value
    least = choice.protocol_of(row).sessions[meeting.kind].size[0]
    if not GROUP_FORMATS[meeting.kind].open_door and len(_coming(session, meeting)) < least:
        _called_off(session, row, meeting, "too_few_came_forward", now)
        return "too few: one-to-one instead"
    team = session_team.of(session, row, meeting, now)
    if not team:
        _called_off(session, row, meeting, "nobody_to_lead", now)
        return "nobody to lead it: one-to-one instead"
    for helper, code in team:
        notify.session_reminder(session, helper, code, meeting, now)
    return "reminded"


def on_report(session: Session, step: Step, now: datetime) -> str | None:
    """Was it held, and how many came?"""
    meeting, row = _both(session, step)
    questions.close(session, state="expired", now=now, subject_id=meeting.id, kinds=("invitation",))
    if meeting.state is not SessionState.APPROVED:
        return meeting.state.value
    session_team.of(session, row, meeting, now)  # whoever led it may have left the team meanwhile
    if meeting.leader_id is None:
        return "nobody to ask"
    leader = people.get(session, meeting.leader_id)
    question = questions.ask(
        session, person_id=leader.id, kind="report", now=now, incident_id=row.id, subject_id=meeting.id
    )
    notify.session_report(session, leader, question, row, now)
    return "asked"


def on_follow_up(session: Session, step: Step, now: datetime) -> str | None:
    """A call to each who came, then nobody knows any more who was invited."""
    meeting, row = _both(session, step)
    _call_each(session, row, meeting, now)
    session.execute(delete(Invitation).where(Invitation.session_id == meeting.id))
    return "calls planned, invitations purged"


def answer_approval(session: Session, question: Question, digit: str, now: datetime) -> None:
    """A clinician's 1 or 0."""
    questions.answer(session, question, digit, now)
    decide(session, question.subject_id or "", digit == "1", by=question.person_id, now=now)


def decide(
    session: Session, session_id: str, approve: bool, *, by: str | None, now: datetime
) -> GroupSession:
    """A clinician approves or refuses a proposed debriefing; refused means one-to-one support."""
    meeting, row = _held(session, session_id)
    if meeting.state is not SessionState.PROPOSED:
        message = f"this session is {meeting.state.value} already"
        raise AlreadyDone(message)
    session_team.refuse_non_clinician(session, row, by)
    _move(session, meeting, SessionState.APPROVED if approve else SessionState.REFUSED, now, by)
    questions.close(session, state="expired", now=now, subject_id=meeting.id, kinds=("approval",))
    steps.cancel(session, reason="decided", now=now, subject_id=meeting.id)
    if approve:
        meeting.leader_id = by
        session.flush()
        _offer(session, row, meeting, now)
    return meeting


def answer_invitation(session: Session, question: Question, digit: str, now: datetime) -> None:
    """1: coming; 0: not for me, which reaches nobody."""
    questions.answer(session, question, digit, now)
    meeting = _meeting(session, question.subject_id or "")
    invited = session.get(Invitation, (meeting.id, question.person_id))
    if invited is None:
        return
    invited.state = "coming" if digit == "1" else "declined"
    if digit == "1":
        person = people.get(session, question.person_id)
        notify.invitation_accepted(session, person, question, meeting, now)


def answer_report(session: Session, question: Question, number: int | None, now: datetime) -> None:
    """4 CODE N: it was held with so many. Without the number it is asked for once more."""
    if number is None:
        meeting = _meeting(session, question.subject_id or "")
        row = session.get_one(Incident, meeting.incident_id)
        notify.session_report(
            session, people.get(session, question.person_id), question, row, now, again=True
        )
        return
    questions.answer(session, question, "4", now)
    held(session, question.subject_id or "", number, by=question.person_id, now=now)
    notify.noted(session, people.get(session, question.person_id), question, now)


def held(
    session: Session, session_id: str, headcount: int | None, *, by: str | None, now: datetime
) -> GroupSession:
    """It took place; a headcount and nothing else is kept (invariant 5)."""
    meeting, _ = _held(session, session_id)
    if meeting.state is not SessionState.APPROVED:
        message = f"this session is {meeting.state.value}; only an approved one can be held"
        raise AlreadyDone(message)
    if headcount is not None and headcount < 0:
        message = "a headcount is 0 or more"
        raise BadInput(message)
    meeting.headcount = headcount
    _move(session, meeting, SessionState.HELD, now, by)
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


def call_off(session: Session, row: Incident, now: datetime) -> None:
    """The incident ended: what was proposed or approved does not take place."""
    for meeting in session.scalars(select(GroupSession).where(GroupSession.incident_id == row.id)):
        if meeting.state in _LIVE:
            _move(session, meeting, SessionState.CANCELLED, now, None)
            session.execute(delete(Invitation).where(Invitation.session_id == meeting.id))


def of_incident(session: Session, incident_id: str) -> list[GroupSession]:
    """Every session of an incident, blocked ones with their reason."""
    query = select(GroupSession).where(GroupSession.incident_id == incident_id)
    return sorted(session.scalars(query), key=lambda meeting: (meeting.kind, meeting.group_key))


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
        _move(session, meeting, SessionState.LAPSED, now, None)
        return "nobody decided: one-to-one instead"
    if ask_at > now:
        key = f"propose:{meeting.id}:{turn}:{int(ask_at.timestamp())}"
        steps.plan(session, [_step(StepKind.PROPOSE_SESSION, meeting, ask_at, key)])
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
    step = _step(StepKind.APPROVAL_DEADLINE, meeting, deadline, f"approve-by:{question.id}")
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
    planned.append(_step(StepKind.SESSION_REMINDER, meeting, remind, f"remind:{meeting.id}"))
    planned.append(
        _step(StepKind.SESSION_REPORT, meeting, meeting.ends_at + rule.report_after, f"report:{meeting.id}")
    )
    # not bound to the report: who came is called, and who was invited forgotten, also where nobody reports
    after = meeting.ends_at + FOLLOW_UP_AFTER
    planned.append(_step(StepKind.SESSION_FOLLOW_UP, meeting, after, f"after:{meeting.id}"))
    session.flush()
    planned += offers.planned_steps(session, row, now)  # the team has its own support after it
    steps.plan(session, planned)
    tell_team(session, row, now)


def _call_off_forbidden(session: Session, row: Incident, plan: SessionPlan, now: datetime) -> None:
    """Statements are pending again, or the funeral was moved: what was promised is not held all the same."""
    query = select(GroupSession).where(
        GroupSession.incident_id == row.id,
        GroupSession.kind == plan.kind,
        GroupSession.state.in_(_LIVE),
        GroupSession.starts_at > now,
    )
    for meeting in session.scalars(query).all():
        mine = f"{meeting.group_key}/".startswith(f"{plan.group[:120]}/")  # a large group meets in parts
        why = why_off(people.incident_snapshot(row), plan, meeting.starts_at) if mine else None
        if why is not None:
            _called_off(session, row, meeting, why, now)


def _called_off(session: Session, row: Incident, meeting: GroupSession, why: str, now: datetime) -> None:
    told = meeting.state is SessionState.APPROVED
    meeting.reason = why
    _move(session, meeting, SessionState.CANCELLED, now, None)
    if told:
        for helper, _ in session_team.of(session, row, meeting, now):
            notify.session_off(session, helper, meeting, now)
    _call_each(session, row, meeting, now)
    steps.cancel(session, reason=why, now=now, subject_id=meeting.id)
    questions.close(session, state="expired", now=now, subject_id=meeting.id)
    session.execute(delete(Invitation).where(Invitation.session_id == meeting.id))


def _call_each(session: Session, row: Incident, meeting: GroupSession, now: datetime) -> None:
    """Whoever wanted to come is called by their peer; before it would have begun, where that is to come."""
    found = [
        _call(row, _affected(session, row, person_id), meeting, now, "called")
        for person_id in _coming(session, meeting)
    ]
    steps.plan(session, [item for item in found if item is not None])


def _call(
    row: Incident, item: AffectedPerson | None, meeting: GroupSession, now: datetime, why: str
) -> PlannedStep | None:
    if item is None:
        return None
    ahead = meeting.starts_at is not None and meeting.starts_at > now
    payload = {"point": "session"}
    if ahead and meeting.starts_at is not None:
        payload["by"] = meeting.starts_at.isoformat()
    return PlannedStep(
        kind=StepKind.PEER_TASK,
        due_at=now,
        key=f"session-{why}:{meeting.id}:{item.id}",
        incident_id=row.id,
        person_id=item.person_id,
        subject_id=item.id,
        payload=payload,
    )


def _coming(session: Session, meeting: GroupSession) -> list[str]:
    return list(
        session.scalars(
            select(Invitation.person_id).where(
                Invitation.session_id == meeting.id, Invitation.state == "coming"
            )
        )
    )


def _affected(session: Session, row: Incident, person_id: str) -> AffectedPerson | None:
    return next((item for item in row.affected if item.person_id == person_id), None)


def _both(session: Session, step: Step) -> tuple[GroupSession, Incident]:
    row = people.lock_incident(session, step.incident_id or "")
    return _meeting(session, step.subject_id or ""), row


def _meeting(session: Session, session_id: str) -> GroupSession:
    meeting = session.get(GroupSession, session_id)
    if meeting is None:
        message = f"there is no session {session_id!r}"
        raise NotFound(message)
    return meeting


def _held(session: Session, session_id: str) -> tuple[GroupSession, Incident]:
    """A meeting as it stands once its incident is held: what was read before that may be decided by now."""
    meeting = _meeting(session, session_id)
    row = people.lock_incident(session, meeting.incident_id)
    session.refresh(meeting)
    return meeting, row


def _move(
    session: Session, meeting: GroupSession, state: SessionState, now: datetime, by: str | None
) -> None:
    events.record(
        session,
        "session.moved",
        now,
        incident_id=meeting.incident_id,
        subject_id=meeting.id,
        actor_id=by,
        before=meeting.state.value,
        after=state.value,
    )
    meeting.state = state


def _step(kind: StepKind, meeting: GroupSession, due: datetime, key: str) -> PlannedStep:
    return PlannedStep(kind=kind, due_at=due, key=key, incident_id=meeting.incident_id, subject_id=meeting.id)
