"""A session that stands: invitations, the reminder, who came, and a call to each afterwards."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from cism.domain.interventions import GROUP_FORMATS
from cism.errors import AlreadyDone, BadInput
from cism.services import (
    choice,
    notify,
    people,
    questions,
    session_late,
    session_off,
    session_rows,
    session_team,
    steps,
)
from cism.services import (
    held as waiting,
)
from cism.services.contact_rules import TOO_LATE, later, not_on_this_day, open_now, textable, why_not_now
from cism.store.states import SessionState
from cism.store.tables import AffectedPerson, GroupSession, Incident, Invitation, Person, Question, Step


def on_invite(session: Session, step: Step, now: datetime) -> str | None:
    """One invitation to one person; whoever may not be texted is asked by their peer in person."""
    meeting, row = session_rows.both(session, step)
    person = people.lock_person(session, step.person_id or "")
    item = session_rows.affected(row, person.id)
    if meeting.state is not SessionState.APPROVED or item is None or item.ended_at is not None:
        return "not needed"
    reason = why_not_now(session, row, item, person)
    if reason is not None:
        return reason
    quiet_day = not_on_this_day(session, step, person, now)
    if not textable(person) or quiet_day == TOO_LATE:
        by_peer = session_off.call(row, item, meeting, now, "bring")
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
    meeting, row = session_rows.both(session, step)
    if meeting.state is not SessionState.APPROVED:
        return meeting.state.value
    least = choice.protocol_of(row).sessions[meeting.kind].size[0]
    if not GROUP_FORMATS[meeting.kind].open_door and len(session_rows.coming(session, meeting)) < least:
        session_off.call_off(session, row, meeting, "too_few_came_forward", now)
        return "too few: one-to-one instead"
    team = session_team.of(session, row, meeting, now)
    if not team:
        session_off.call_off(session, row, meeting, "nobody_to_lead", now)
        return "nobody to lead it: one-to-one instead"
    for helper, code in team:
        notify.session_reminder(session, helper, code, meeting, now)
    return "reminded"


def on_report(session: Session, step: Step, now: datetime) -> str | None:
    """Was it held, and how many came?"""
    meeting, row = session_rows.both(session, step)
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
    meeting, row = session_rows.both(session, step)
    session_off.call_each(session, row, meeting, now)
    session.execute(delete(Invitation).where(Invitation.session_id == meeting.id))
    return "calls planned, invitations purged"


def answer_invitation(session: Session, question: Question, digit: str, now: datetime) -> None:
    """1: coming; 0: not for me, which reaches nobody."""
    questions.answer(session, question, digit, now)
    meeting = session_rows.get(session, question.subject_id or "")
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
        meeting = session_rows.get(session, question.subject_id or "")
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
    meeting, _ = session_rows.locked(session, session_id)
    if meeting.state is not SessionState.APPROVED:
        message = f"this session is {meeting.state.value}; only an approved one can be held"
        raise AlreadyDone(message)
    if headcount is not None and headcount < 0:
        message = "a headcount is 0 or more"
        raise BadInput(message)
    meeting.headcount = headcount
    session_rows.move(session, meeting, SessionState.HELD, now, by)
    return meeting
