"""What the team is told: one short function a message."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cism.services import outbox, team_rows, words
from cism.services.choice import team_need
from cism.services.links import link_for
from cism.store.states import AssignmentState
from cism.store.tables import Assignment, Event, GroupSession, Incident, Outbox, Person, Question
from notifications import messages as m


def page(
    session: Session,
    helper: Person,
    question: Question,
    row: Incident,
    deadline: datetime,
    now: datetime,
    *,
    repeat: bool = False,
) -> None:
    """Can you take a turn? `repeat`: an earlier page may or may not have arrived somewhere."""
    message = m.Page(
        agency=words.agency_name(session, row.agency),
        code=question.code or "",
        by=words.deadline(deadline, now, helper),
        repeat=repeat,
    )
    words.put(session, message, f"page:{question.id}", now, helper, question, row.id, expires_at=deadline)


def assigned(session: Session, helper: Person, question: Question, row: Incident, now: datetime) -> None:
    """You are on; what to do stands behind the link."""
    link = link_for(session, helper, "assignment", question.subject_id)
    message = m.Assigned(
        agency=words.agency_name(session, row.agency),
        code=question.code or "",
        link=link,
        confirmed=helper.phone_confirmed_at is not None,
    )
    words.put(session, message, f"assigned:{question.id}", now, helper, question, row.id)


def covered(session: Session, helper: Person, question: Question, now: datetime) -> None:
    """Enough others were there."""
    message = m.Covered(agency=words.agency_of(session, helper, question), code=question.code or "")
    words.put(session, message, f"covered:{question.id}", now, helper, None, question.incident_id)


def already_covered(
    session: Session, helper: Person, now: datetime, *, key: str, code: str | None = None
) -> None:
    """A late answer changed nothing."""
    message = m.AlreadyCovered(agency=words.agency_name(session, helper.agency), code=code or "")
    words.put(session, message, f"already:{key}:{now.timestamp():.3f}", now, helper)


def relieved(
    session: Session, helper: Person, subject_id: str, code: str, row: Incident, now: datetime
) -> None:
    """Somebody else takes over a turn or a meeting; no reason is given."""
    message = m.Released(agency=words.agency_name(session, row.agency), code=code)
    words.put(session, message, f"released:{subject_id}:{helper.id}", now, helper, None, row.id)


def stand_down(
    session: Session, helper: Person, assignment: Assignment, row: Incident, now: datetime, *, calls: bool
) -> None:
    """It was called off; only those who serve are told. `calls`: one that it brought is still to be made."""
    message = m.StandDown(
        agency=words.agency_name(session, row.agency),
        code=words.code_of(session, assignment.id),
        calls=calls,
    )
    key = f"standdown:{assignment.id}:{now.timestamp():.3f}"  # it may be opened again, and called off again
    words.put(session, message, key, now, helper, None, row.id)


def handed_back(session: Session, helper: Person, question: Question, now: datetime) -> None:
    """No reason is asked."""
    message = m.HandedBack(agency=words.agency_of(session, helper, question), code=question.code or "")
    words.put(
        session, message, f"back:{question.id}:{now.timestamp():.3f}", now, helper, None, question.incident_id
    )


def noted(
    session: Session, helper: Person, question: Question, now: datetime, *, goes_on: bool = False
) -> None:
    """Your report has arrived."""
    message = m.Noted(
        agency=words.agency_of(session, helper, question),
        code=question.code or "",
        about_person=question.about_id is not None,
        goes_on=goes_on,
    )
    key = f"noted:{question.id}:{now.timestamp():.3f}:{int(goes_on)}"
    words.put(session, message, key, now, helper, None, question.incident_id)


def incident_logged(session: Session, row: Incident, coordinators: Iterable[Person], now: datetime) -> None:
    """To those in charge: an incident was logged and a team is being asked."""
    _team_notice(session, row, coordinators, now, "logged")


def team_short(
    session: Session, row: Incident, people_in_charge: Iterable[Person], missing: int, now: datetime
) -> None:
    """Nobody is left to ask: it is theirs now."""
    _team_notice(
        session, row, people_in_charge, now, f"short{missing}:{_left(session, row)}", missing=missing
    )


def approval(
    session: Session, helper: Person, question: Question, row: Incident, deadline: datetime, now: datetime
) -> None:
    """To a clinician: a group meeting is proposed."""
    link = link_for(session, helper, "approval", question.subject_id)
    message = m.Approval(
        agency=words.agency_name(session, row.agency),
        code=question.code or "",
        by=words.deadline(deadline, now, helper),
        link=link,
    )
    words.put(session, message, f"approval:{question.id}", now, helper, question, row.id)


def session_team(session: Session, helper: Person, code: str, meeting: GroupSession, now: datetime) -> None:
    """You are down to lead or help with a meeting."""
    row = session.get_one(Incident, meeting.incident_id)
    message = m.SessionTeam(
        agency=words.agency_name(session, row.agency),
        code=code,
        when=m.when_text(meeting.starts_at or now, now, helper.zone),
        link=_meeting_link(session, row, helper, meeting),
    )
    words.put(session, message, f"team:{meeting.id}:{helper.id}", now, helper, None, row.id)


def session_reminder(
    session: Session, helper: Person, code: str, meeting: GroupSession, now: datetime
) -> None:
    """The meeting is near."""
    row = session.get_one(Incident, meeting.incident_id)
    message = m.SessionReminder(
        agency=words.agency_name(session, row.agency),
        code=code,
        when=m.when_text(meeting.starts_at or now, now, helper.zone),
        link=_meeting_link(session, row, helper, meeting),
    )
    key = f"remind:{meeting.id}:{helper.id}"
    words.put(session, message, key, now, helper, None, row.id, expires_at=meeting.starts_at)


def session_off(session: Session, helper: Person, meeting: GroupSession, now: datetime) -> None:
    """A meeting does not take place; goes to the team alone."""
    row = session.get_one(Incident, meeting.incident_id)
    when = m.when_text(meeting.starts_at or now, now, helper.zone)
    message = m.SessionOff(agency=words.agency_name(session, row.agency), when=when)
    words.put(session, message, f"off:{meeting.id}:{helper.id}", now, helper, None, row.id)


def session_report(
    session: Session, helper: Person, question: Question, row: Incident, now: datetime, *, again: bool = False
) -> None:
    """How many came? `again`: the answer had no number."""
    message = m.SessionReport(agency=words.agency_name(session, row.agency), code=question.code or "")
    key = f"report:{question.id}" + (f":{now.timestamp():.3f}" if again else "")
    words.put(session, message, key, now, helper, question, row.id)


def peer_task(
    session: Session, peer: Person, question: Question, row: Incident, deadline: datetime, now: datetime
) -> None:
    """Call somebody by then; whom, stands behind the link. Two texts at once must not look like one twice."""
    waits = select(Question.id).where(
        Question.person_id == peer.id,
        Question.kind == question.kind,
        Question.state == "open",
        Question.id != question.id,
    )
    message = m.PeerTask(
        agency=words.agency_name(session, row.agency),
        code=question.code or "",
        by=words.deadline(deadline, now, peer),
        link=link_for(session, peer, "assignment", words.assignment_id(session, row, peer)),
        another=session.scalar(waits.limit(1)) is not None,
    )
    words.put(session, message, f"task:{question.id}", now, peer, question, row.id)


def peer_task_overdue(session: Session, peer: Person, question: Question, now: datetime) -> None:
    """How did that call go?"""
    message = m.PeerTaskOverdue(agency=words.agency_of(session, peer, question), code=question.code or "")
    words.put(session, message, f"task-again:{question.id}", now, peer, question, question.incident_id)


def team_member_stopped(
    session: Session, coordinators: Iterable[Person], member: Person, now: datetime
) -> None:
    """A gap in the team, because somebody's texts ended."""
    for helper in coordinators:
        message = m.TeamMemberStopped(
            agency=words.agency_name(session, helper.agency), member=m.short_name(member.name)
        )
        words.put(session, message, f"stopped:{member.id}:{helper.id}:{int(now.timestamp())}", now, helper)


def ask_exposure_end(session: Session, coordinators: Iterable[Person], row: Incident, now: datetime) -> None:
    """Somebody counts as still out there."""
    for helper in coordinators:
        message = m.AskExposureEnd(agency=words.agency_name(session, row.agency), ref=row.ref)
        words.put(
            session,
            message,
            f"exposure:{row.id}:{now.timestamp():.3f}:{helper.id}",
            now,
            helper,
            None,
            row.id,
        )


def mhp_reminder(
    session: Session, coordinators: Iterable[Person], row: Incident, due: datetime, now: datetime
) -> None:
    """The individual sessions have to be offered by then."""
    for helper in coordinators:
        message = m.MhpReminder(
            agency=words.agency_name(session, row.agency), ref=row.ref, by=words.deadline(due, now, helper)
        )
        words.put(
            session, message, f"mhp:{row.id}:{int(due.timestamp())}:{helper.id}", now, helper, None, row.id
        )


def _team_notice(
    session: Session, row: Incident, readers: Iterable[Person], now: datetime, key: str, *, missing: int = 0
) -> None:
    found = team_rows.accepted(session, row.id)
    for helper in readers:
        message = m.TeamNotice(
            agency=words.agency_name(session, row.agency),
            ref=row.ref,
            found=found,
            needed=found + missing if missing else max(team_need(row), found),
            final=bool(missing),
            link=link_for(session, helper, "incident", row.id),
        )
        mine = f"notice:{key}:{row.id}:{helper.id}"
        # one that is urgent may pass one that is not: nobody reads last that others are still being asked
        outbox.supersede(session, mine, message, person_id=helper.id, about=Outbox.incident_id == row.id)
        words.put(session, message, mine, now, helper, None, row.id)


def _meeting_link(session: Session, row: Incident, helper: Person, meeting: GroupSession) -> str:
    """To the leader's brief: on the page of the assignment, or for a clinician who has none of its own."""
    part = words.assignment_id(session, row, helper)
    return link_for(session, helper, "assignment" if part else "session", part or meeting.id)


def _left(session: Session, row: Incident) -> int:
    """How often somebody who served has left the team: it may be short once more, and that is said again."""
    query = select(func.count()).where(
        Event.incident_id == row.id,
        Event.kind == "assignment.moved",
        Event.before == AssignmentState.ACCEPTED.value,
    )
    return int(session.scalar(query) or 0)
