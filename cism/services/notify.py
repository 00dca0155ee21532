"""Turns what happened into messages for the outbox: the one place that knows words' fields and rows both."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.escalation import EscalationLevel, RungPlan
from cism.services import outbox
from cism.services.choice import team_need
from cism.services.links import link_for
from cism.store.states import AssignmentState
from cism.store.tables import (
    Agency,
    Assignment,
    Escalation,
    GroupSession,
    Incident,
    Outbox,
    Person,
    Question,
    QueueItem,
)
from notifications import messages as m

EMERGENCY_NUMBER = "911"
# Reasons for an escalation that the person knows of, because they wrote; of others they hear from the caller.
_CALLS = frozenset({"call_needed", "call_unreported", "contact_missed", "unsettled_send", "care_held"})
_UNREAD_WORDS = frozenset({"unread_free_text", "unread_who_is_this", "unread_answer_refused"})
_ASKED_THEMSELVES = frozenset(
    {
        "call_later",
        "call_later_again",
        "call_now",
        "crisis_words",
        "unread_free_text",
        "unread_help",
        "unread_crisis",
    }
)
NO_LINE = "call or text 988"


def page(
    session: Session, helper: Person, question: Question, row: Incident, deadline: datetime, now: datetime
) -> None:
    """Can you take a turn?"""
    message = m.Page(
        agency=_name(session, row.agency), code=question.code or "", by=_by(deadline, now, helper)
    )
    _put(session, message, f"page:{question.id}", now, helper, question, row.id, expires_at=deadline)


def assigned(session: Session, helper: Person, question: Question, row: Incident, now: datetime) -> None:
    """You are on; what to do stands behind the link."""
    link = link_for(session, helper, "assignment", question.subject_id)
    message = m.Assigned(agency=_name(session, row.agency), code=question.code or "", link=link)
    _put(session, message, f"assigned:{question.id}", now, helper, question, row.id)


def covered(session: Session, helper: Person, question: Question, now: datetime) -> None:
    """Enough others were there."""
    message = m.Covered(agency=_of(session, helper, question), code=question.code or "")
    _put(session, message, f"covered:{question.id}", now, helper, None, question.incident_id)


def already_covered(
    session: Session, helper: Person, now: datetime, *, key: str, code: str | None = None
) -> None:
    """A late answer changed nothing."""
    message = m.AlreadyCovered(agency=_name(session, helper.agency), code=code or "")
    _put(session, message, f"already:{key}:{now.timestamp():.3f}", now, helper)


def relieved(session: Session, helper: Person, assignment: Assignment, row: Incident, now: datetime) -> None:
    """Somebody else takes over; no reason is given."""
    code = _code_of(session, assignment.id)
    message = m.Released(agency=_name(session, row.agency), code=code)
    _put(session, message, f"released:{assignment.id}", now, helper, None, row.id)


def stand_down(
    session: Session, helper: Person, assignment: Assignment, row: Incident, now: datetime
) -> None:
    """It was called off; only those who serve are told."""
    message = m.StandDown(agency=_name(session, row.agency), code=_code_of(session, assignment.id))
    _put(session, message, f"standdown:{assignment.id}", now, helper, None, row.id)


def handed_back(session: Session, helper: Person, question: Question, now: datetime) -> None:
    """No reason is asked."""
    message = m.HandedBack(agency=_of(session, helper, question), code=question.code or "")
    _put(
        session, message, f"back:{question.id}:{now.timestamp():.3f}", now, helper, None, question.incident_id
    )


def noted(
    session: Session, helper: Person, question: Question, now: datetime, *, goes_on: bool = False
) -> None:
    """Your report has arrived."""
    message = m.Noted(
        agency=_of(session, helper, question),
        code=question.code or "",
        about_person=question.about_id is not None,
        goes_on=goes_on,
    )
    key = f"noted:{question.id}:{now.timestamp():.3f}:{int(goes_on)}"
    _put(session, message, key, now, helper, None, question.incident_id)


def incident_logged(session: Session, row: Incident, coordinators: Iterable[Person], now: datetime) -> None:
    """To those in charge: an incident was logged and a team is being asked."""
    _team_notice(session, row, coordinators, now, "logged", final=False)


def team_short(
    session: Session, row: Incident, people_in_charge: Iterable[Person], missing: int, now: datetime
) -> None:
    """Nobody is left to ask: it is theirs now."""
    _team_notice(session, row, people_in_charge, now, f"short{missing}", final=True)


def approval(
    session: Session, helper: Person, question: Question, row: Incident, deadline: datetime, now: datetime
) -> None:
    """To a clinician: a group meeting is proposed."""
    link = link_for(session, helper, "approval", question.subject_id)
    message = m.Approval(
        agency=_name(session, row.agency), code=question.code or "", by=_by(deadline, now, helper), link=link
    )
    _put(session, message, f"approval:{question.id}", now, helper, question, row.id)


def session_team(session: Session, helper: Person, code: str, meeting: GroupSession, now: datetime) -> None:
    """You are down to lead or help with a meeting."""
    row = session.get_one(Incident, meeting.incident_id)
    message = m.SessionTeam(
        agency=_name(session, row.agency),
        code=code,
        when=m.when_text(meeting.starts_at or now, now, helper.zone),
        link=link_for(session, helper, "assignment", _assignment_id(session, row, helper)),
    )
    _put(session, message, f"team:{meeting.id}:{helper.id}", now, helper, None, row.id)


def session_reminder(
    session: Session, helper: Person, code: str, meeting: GroupSession, now: datetime
) -> None:
    """The meeting is near."""
    row = session.get_one(Incident, meeting.incident_id)
    message = m.SessionReminder(
        agency=_name(session, row.agency),
        code=code,
        when=m.when_text(meeting.starts_at or now, now, helper.zone),
        link=link_for(session, helper, "assignment", _assignment_id(session, row, helper)),
    )
    key = f"remind:{meeting.id}:{helper.id}"
    _put(session, message, key, now, helper, None, row.id, expires_at=meeting.starts_at)


def session_off(session: Session, helper: Person, meeting: GroupSession, now: datetime) -> None:
    """A meeting does not take place; goes to the team alone."""
    row = session.get_one(Incident, meeting.incident_id)
    when = m.when_text(meeting.starts_at or now, now, helper.zone)
    message = m.SessionOff(agency=_name(session, row.agency), when=when)
    _put(session, message, f"off:{meeting.id}:{helper.id}", now, helper, None, row.id)


def session_report(
    session: Session, helper: Person, question: Question, row: Incident, now: datetime
) -> None:
    """How many came?"""
    message = m.SessionReport(agency=_name(session, row.agency), code=question.code or "")
    _put(session, message, f"report:{question.id}", now, helper, question, row.id)


def invitation(
    session: Session,
    person: Person,
    question: Question,
    meeting: GroupSession,
    helper: Person | None,
    now: datetime,
) -> None:
    """Will you come? It names nobody else."""
    row = session.get_one(Incident, meeting.incident_id)
    message = m.Invitation(
        agency=_name(session, row.agency),
        name=m.short_name(person.name),
        helper=m.short_name(helper.name) if helper else "",
        when=m.when_text(meeting.starts_at or now, now, person.zone),
        code=(question.code or "") if _others_open(session, person, question) else "",
    )
    key = f"invite:{meeting.id}:{person.id}"
    _put(session, message, key, now, person, question, row.id, expires_at=meeting.starts_at)


def invitation_accepted(
    session: Session, person: Person, question: Question, meeting: GroupSession, now: datetime
) -> None:
    """When, and the place behind the link."""
    message = m.InvitationAccepted(
        agency=_name(session, person.agency),
        when=m.when_text(meeting.starts_at or now, now, person.zone),
        link=link_for(session, person, "invitation", meeting.id),
    )
    _put(session, message, f"coming:{question.id}", now, person, None, meeting.incident_id)


def check_in(
    session: Session,
    person: Person,
    question: Question,
    row: Incident,
    helper: Person | None,
    now: datetime,
    *,
    reminder: bool = False,
    expires_at: datetime | None = None,
) -> None:
    """How are you? Or the one reminder of that."""
    kind = m.CheckInReminder if reminder else m.CheckIn
    message = kind(
        agency=_name(session, row.agency),
        name=m.short_name(person.name),
        helper=m.short_name(helper.name) if helper else "",
    )
    key = f"{'again' if reminder else 'checkin'}:{question.id}"
    _put(session, message, key, now, person, question, row.id, expires_at=expires_at)


def contacts_ended(session: Session, person: Person, question: Question, now: datetime) -> None:
    """After 0: ended, and how to return."""
    message = m.ContactsEnded(agency=_name(session, person.agency), name=m.short_name(person.name))
    _put(session, message, f"ended:{question.id}", now, person, None, question.incident_id)


def opt_in(
    session: Session,
    person: Person,
    question: Question,
    row: Incident,
    helper: Person | None,
    now: datetime,
) -> None:
    """Shall we keep in touch?"""
    message = m.OptIn(
        agency=_name(session, row.agency),
        name=m.short_name(person.name),
        helper=m.short_name(helper.name) if helper else "",
        code=(question.code or "") if _others_open(session, person, question) else "",
    )
    _put(session, message, f"optin:{question.id}", now, person, question, row.id)


def opt_in_done(
    session: Session, person: Person, question: Question, row: Incident, now: datetime, *, kept: bool
) -> None:
    """We keep in touch; or it ends, and how to return."""
    agency, name = _name(session, row.agency), m.short_name(person.name)
    message = m.OptInDone(agency=agency, name=name) if kept else m.ContactsEnded(agency=agency, name=name)
    _put(session, message, f"optdone:{question.id}", now, person, None, row.id)


def peer_task(
    session: Session, peer: Person, question: Question, row: Incident, deadline: datetime, now: datetime
) -> None:
    """Call somebody by then; whom, stands behind the link."""
    message = m.PeerTask(
        agency=_name(session, row.agency),
        code=question.code or "",
        by=_by(deadline, now, peer),
        link=link_for(session, peer, "assignment", _assignment_id(session, row, peer)),
    )
    _put(session, message, f"task:{question.id}", now, peer, question, row.id)


def peer_task_overdue(session: Session, peer: Person, question: Question, now: datetime) -> None:
    """How did that call go?"""
    message = m.PeerTaskOverdue(agency=_of(session, peer, question), code=question.code or "")
    _put(session, message, f"task-again:{question.id}", now, peer, question, question.incident_id)


def confirm_phone(session: Session, person: Person, question: Question, now: datetime) -> None:
    """Is this your number?"""
    message = m.ConfirmPhone(
        agency=_name(session, person.agency), name=m.short_name(person.name), code=question.code or ""
    )
    _put(session, message, f"confirm:{question.id}", now, person, question)


def phone_confirmed(session: Session, person: Person, now: datetime, key: str) -> None:
    """Confirmed, and this is what always works."""
    message = m.PhoneConfirmed(agency=_name(session, person.agency), name=m.short_name(person.name))
    _put(session, message, f"confirmed:{key}", now, person)


def escalation(
    session: Session,
    helper: Person,
    question: Question,
    row: Escalation,
    rung: int,
    plan: RungPlan,
    now: datetime,
) -> None:
    """Somebody asks for a call: will you take it?"""
    waited = int((now - row.opened_at).total_seconds() // 60) if plan.repeat else 0
    agency, by = _name(session, row.agency), _by(plan.ack_deadline, now, helper)
    link = link_for(session, helper, "escalation", row.id)
    code = question.code or ""
    message: m.Message
    if row.welfare:
        message = m.Welfare(agency=agency, code=code, by=by, waiting=waited, link=link)
    elif row.reason in _UNREAD_WORDS:
        unread = int((now - row.opened_at).total_seconds() // 60) + _unread_before(session, row)
        message = m.QueueOverdue(agency=agency, code=code, by=by, waiting=unread, link=link)
    else:
        urgent = row.level is not EscalationLevel.ROUTINE
        message = m.Escalation(agency=agency, code=code, by=by, now=urgent, waiting=waited, link=link)
    key = f"escalation:{row.id}:{rung}:{helper.id}:{int(row.opened_at.timestamp())}:{row.level.value}"
    # past its deadline the next rung is asked: an old request must not arrive in a heap after an outage
    until = plan.ack_deadline
    _put(session, message, key, now, helper, question, not_before=plan.ask_at, expires_at=until)


def _unread_before(session: Session, row: Escalation) -> int:
    """Minutes that the words had waited when they went up the ladder."""
    item = session.get(QueueItem, row.queue_id) if row.queue_id else None
    return 0 if item is None else int((row.opened_at - item.received_at).total_seconds() // 60)


def escalation_yours(
    session: Session, helper: Person, question: Question, row: Escalation, now: datetime
) -> None:
    """It is yours; call by then."""
    message = m.EscalationAssigned(
        agency=_name(session, row.agency),
        code=question.code or "",
        by=_by(row.voice_by or now, now, helper),
        link=link_for(session, helper, "escalation", row.id),
    )
    _put(session, message, f"taken:{row.id}:{helper.id}:{now.timestamp():.3f}", now, helper, question)


def escalation_covered(
    session: Session, helper: Person, question: Question, taker: Person, now: datetime
) -> None:
    """Somebody took it before you."""
    name = m.short_name(taker.name)
    message = m.EscalationCovered(
        agency=_of(session, helper, question), code=question.code or "", helper=name
    )
    _put(session, message, f"esccovered:{question.id}", now, helper)


def escalation_overdue(
    session: Session, helper: Person, question: Question, row: Escalation, now: datetime
) -> None:
    """You took it and have not said how it ended."""
    message = m.EscalationOverdue(agency=_name(session, row.agency), code=question.code or "")
    _put(session, message, f"overdue:{row.id}:{now.timestamp():.3f}", now, helper, question)


def helper_will_call(
    session: Session, person: Person, helper: Person, row: Escalation, now: datetime
) -> None:
    """Who calls: told once somebody took it. After a `2` it waits for open hours; a worry of others is not
    told.
    """
    if row.welfare or row.reason not in _ASKED_THEMSELVES:
        return
    by = _by(row.voice_by or now, now, person)
    name = m.short_name(helper.name)
    agency = _name(session, row.agency)
    message: m.Message
    if row.level is EscalationLevel.ROUTINE:
        message = m.CallArranged(agency=agency, name=m.short_name(person.name), helper=name, by=by)
    else:
        duty, line = _lines(session, person.agency)
        message = m.EscalationTaken(agency=agency, helper=name, by=by, duty=duty, line=line)
    _put(session, message, f"willcall:{row.id}:{helper.id}", now, person)


def queue_new(session: Session, readers: Sequence[Person], row: QueueItem, now: datetime) -> None:
    """Somebody wrote in words, or something needs a decision: read it by then."""
    for helper in readers:
        message = m.QueueNew(
            agency=_name(session, helper.agency),
            by=_by(row.deadline, now, helper),
            call=row.kind in _CALLS,
            link=link_for(session, helper, "queue", row.id),
        )
        _put(session, message, f"queue:{row.id}:{helper.id}", now, helper)


def team_member_stopped(
    session: Session, coordinators: Iterable[Person], member: Person, now: datetime
) -> None:
    """A gap in the team, because somebody's texts ended."""
    for helper in coordinators:
        message = m.TeamMemberStopped(agency=_name(session, helper.agency), member=m.short_name(member.name))
        _put(session, message, f"stopped:{member.id}:{helper.id}:{int(now.timestamp())}", now, helper)


def ask_exposure_end(
    session: Session, coordinators: Iterable[Person], row: Incident, turn: int, now: datetime
) -> None:
    """Somebody counts as still out there."""
    for helper in coordinators:
        message = m.AskExposureEnd(agency=_name(session, row.agency), ref=row.ref)
        _put(session, message, f"exposure:{row.id}:{turn}:{helper.id}", now, helper, None, row.id)


def mhp_reminder(
    session: Session, coordinators: Iterable[Person], row: Incident, due: datetime, now: datetime
) -> None:
    """The individual sessions have to be offered by then."""
    for helper in coordinators:
        message = m.MhpReminder(agency=_name(session, row.agency), ref=row.ref, by=_by(due, now, helper))
        _put(session, message, f"mhp:{row.id}:{int(due.timestamp())}:{helper.id}", now, helper, None, row.id)


def unsettled(session: Session, readers: Iterable[Person], sent: Outbox, now: datetime) -> None:
    """Nobody can say whether a text arrived, and it is not sent twice."""
    row = session.get(Incident, sent.incident_id) if sent.incident_id else None
    for helper in readers:
        message = m.UnsettledSend(agency=_name(session, helper.agency), ref=row.ref if row else "")
        # several texts of one incident may be lost together: that is told once a minute
        key = f"unsettled:{sent.incident_id or sent.id}:{helper.id}:{int(now.timestamp()) // 60}"
        _put(session, message, key, now, helper)


def direct(
    session: Session,
    message: m.Message,
    *,
    key: str,
    now: datetime,
    person: Person | None,
    to_number: str | None = None,
    not_before: datetime | None = None,
) -> None:
    """An answer to what somebody just wrote; to a bare number where nobody is known by it."""
    _put(session, message, key, now, person, to_number=to_number, not_before=not_before)


def lines(session: Session, agency: str) -> tuple[str, str]:
    """The duty phone and the crisis line of an agency."""
    return _lines(session, agency)


def agency_name(session: Session, key: str) -> str:
    """How an agency calls itself in texts."""
    return _name(session, key)


def by_when(at: datetime, now: datetime, person: Person | None) -> str:
    """A deadline on the reader's own clock."""
    return m.by_text(at, now, person.zone if person else "UTC")


def _put(
    session: Session,
    message: m.Message,
    key: str,
    now: datetime,
    person: Person | None,
    question: Question | None = None,
    incident_id: str | None = None,
    *,
    to_number: str | None = None,
    not_before: datetime | None = None,
    expires_at: datetime | None = None,
) -> None:
    if person is not None and person.first_text_at is None:
        agency = session.get(Agency, person.agency)
        message = m.first_contact(message, attested=bool(agency and agency.command_blind))
        person.first_text_at = now
    outbox.put(
        session,
        message,
        key=key,
        now=now,
        person=person,
        to_number=to_number,
        question=question,
        incident_id=incident_id,
        not_before=not_before,
        expires_at=expires_at,
    )


def _team_notice(
    session: Session, row: Incident, readers: Iterable[Person], now: datetime, key: str, *, final: bool
) -> None:
    found = _accepted(session, row)
    for helper in readers:
        message = m.TeamNotice(
            agency=_name(session, row.agency),
            ref=row.ref,
            found=found,
            needed=_needed(row, found),
            final=final,
            link=link_for(session, helper, "incident", row.id),
        )
        _put(session, message, f"notice:{key}:{row.id}:{helper.id}", now, helper, None, row.id)


def _needed(row: Incident, found: int) -> int:
    return max(team_need(row), found)


def _accepted(session: Session, row: Incident) -> int:
    return len(
        session.scalars(
            select(Assignment.id).where(
                Assignment.incident_id == row.id, Assignment.state == AssignmentState.ACCEPTED
            )
        ).all()
    )


def _assignment_id(session: Session, row: Incident, helper: Person) -> str | None:
    return session.scalar(
        select(Assignment.id).where(Assignment.incident_id == row.id, Assignment.peer_id == helper.id)
    )


def _code_of(session: Session, subject_id: str) -> str:
    found = session.scalar(
        select(Question.code)
        .where(Question.subject_id == subject_id, Question.code.is_not(None))
        # who serves knows the code of the assignment, not the page's any more
        .order_by(Question.kind != "assignment", Question.asked_at.desc())
    )
    return found or ""


def _others_open(session: Session, person: Person, question: Question) -> bool:
    return (
        session.scalar(
            select(Question.id).where(
                Question.person_id == person.id, Question.state == "open", Question.id != question.id
            )
        )
        is not None
    )


def _lines(session: Session, agency_key: str) -> tuple[str, str]:
    agency = session.get(Agency, agency_key)
    if agency is None:
        return "", NO_LINE
    return agency.duty_phone or "", agency.crisis_line


def _name(session: Session, key: str) -> str:
    agency = session.get(Agency, key)
    return agency.display if agency else key


def _of(session: Session, helper: Person, question: Question) -> str:
    row = session.get(Incident, question.incident_id) if question.incident_id else None
    return _name(session, row.agency if row else helper.agency)


def _by(at: datetime, now: datetime, person: Person) -> str:
    return m.by_text(at, now, person.zone)
