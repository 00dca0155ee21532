"""Who decides on a group session, who leads it and who helps: nobody whom a rule keeps out, at any moment."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.access import Act, may_do
from cism.domain.incident import Severity
from cism.domain.people import Role, SleepWindow
from cism.domain.quiet_hours import is_asleep, next_open
from cism.domain.selection import Helper, consider
from cism.domain.session_case import led_by_clinician
from cism.errors import NotAllowed
from cism.services import choice, notify, people, questions
from cism.store.states import AssignmentState, SessionState
from cism.store.tables import Assignment, GroupSession, Incident, Person, Question

# Roles are chosen beforehand (a clinical director decides too), nobody is asked twice about one session, and
# `next_to_approve` minds the hour.
_NOT_HERE = frozenset({"no_role", "asked_before", "asleep"})


def of(session: Session, row: Incident, meeting: GroupSession, now: datetime) -> list[tuple[Person, str]]:
    """Who serves, as many as the session needs, each with the code they know; the leader first.

    A leader who may not serve any more, or has handed back, is replaced by the next who may lead.
    """
    rows = session.execute(
        select(Assignment.peer_id, Question.code)
        .join(Question, (Question.subject_id == Assignment.id) & (Question.kind == "assignment"))
        .where(Assignment.incident_id == row.id, Assignment.state == AssignmentState.ACCEPTED)
        .order_by(Assignment.changed_at)
    ).all()
    found = {peer_id: code or "" for peer_id, code in rows}
    clinical = led_by_clinician(meeting.kind, choice.protocol_of(row).sessions[meeting.kind])
    able = [item.id for item in _leaders(session, row, now)] if clinical else list(found)
    busy = _elsewhere(session, row, meeting, list(found))
    if meeting.leader_id not in able:
        meeting.leader_id = next((one for one in able if one not in busy), None)
    leader = meeting.leader_id
    if leader is None and clinical:
        return []  # peers do not hold a debriefing alone
    if leader is not None:
        own = found.pop(leader, None) or _code(session, row, meeting, leader, now)
        found = {leader: own, **{one: code for one, code in found.items() if one not in busy}}
    chosen = list(found.items())[: max(1, meeting.team_size)]
    return [(people.get(session, person_id), code) for person_id, code in chosen]


def _elsewhere(session: Session, row: Incident, meeting: GroupSession, serving: list[str]) -> set[str]:
    """Who leads another session at the same time, or helps with one that was planned before this one: nobody
    is in two rooms.
    """
    others = _at_the_same_time(session, row, meeting)
    busy = {other.leader_id for other in others if other.leader_id is not None}
    for other in others:
        if other.id < meeting.id:
            free = [one for one in serving if one not in _elsewhere(session, row, other, serving)]
            busy |= set([one for one in free if one != other.leader_id][: max(0, other.team_size - 1)])
    return busy - {meeting.leader_id}


def _at_the_same_time(session: Session, row: Incident, meeting: GroupSession) -> list[GroupSession]:
    if meeting.starts_at is None or meeting.ends_at is None:
        return []
    query = select(GroupSession).where(
        GroupSession.id != meeting.id,
        GroupSession.incident_id == row.id,
        GroupSession.state.in_([SessionState.PROPOSED, SessionState.APPROVED]),
        GroupSession.starts_at < meeting.ends_at,
        GroupSession.ends_at > meeting.starts_at,
    )
    return list(session.scalars(query.order_by(GroupSession.id)))


def relieve(session: Session, row: Incident, meeting: GroupSession, helper_id: str, now: datetime) -> None:
    """Tell a clinician that somebody else leads; a peer hears it about their whole turn."""
    code = _own_code(session, meeting, helper_id)
    if code is not None:
        notify.relieved(session, people.get(session, helper_id), meeting.id, code, row, now)


def next_to_approve(
    session: Session, row: Incident, meeting: GroupSession, now: datetime
) -> tuple[Person | None, datetime]:
    """The next clinician who has not been asked about this session, and when to ask: at once, or when they
    are up.
    """
    asked = select(Question.person_id).where(Question.subject_id == meeting.id, Question.kind == "approval")
    met = set(session.scalars(asked))
    left = [item for item in _clinicians(session, row, now) if item.id not in met]
    if not left:
        return None, now
    grave = row.severity.at_least(Severity.S3)
    waits = {item.id: now if grave else _up(item, now) for item in left}
    first = min(left, key=lambda item: waits[item.id])  # the first of several, in their order
    return first, waits[first.id]


def would_lead(session: Session, row: Incident, decider: Person, now: datetime) -> Person | None:
    """Who would lead a debriefing that this clinician approves: they themselves, where they may."""
    able = _leaders(session, row, now)
    return next((one for one in able if one.id == decider.id), next(iter(able), None))


def refuse_non_clinician(session: Session, row: Incident, by: str | None) -> None:
    """Only a clinician who is outside the incident decides."""
    if by is None:
        return  # a clinician's word, entered by the owner or the coordinator at the terminal, and audited
    helper = people.get(session, by)
    if not may_do([item.role for item in helper.roles], Act.APPROVE_SESSION, same_agency=True):
        message = "only a clinician approves or refuses a debriefing"
        raise NotAllowed(message)
    if any(item.person_id == by for item in row.affected):
        message = "you are on this incident's list: another clinician decides"
        raise NotAllowed(message)


def _leaders(session: Session, row: Incident, now: datetime) -> list[Person]:
    """Who may lead a debriefing: licensed and trained for groups."""
    return _fit(session, row, now, Helper.LEADER)


def _clinicians(session: Session, row: Incident, now: datetime) -> list[Person]:
    """Who may decide; those who could lead it as well come first, the sleeping last."""
    able = {item.id for item in _leaders(session, row, now)}
    return sorted(
        _fit(session, row, now, Helper.CLINICIAN),
        key=lambda item: (item.agency != row.agency, _asleep(item, now), item.id not in able, item.id),
    )


def _fit(session: Session, row: Incident, now: datetime, helper: Helper) -> list[Person]:
    """Those whom no hard rule keeps out; the agency's own first."""
    ctx = choice.context(session, row, now, helper)
    found = [
        item
        for item in people.with_role(session, [Role.CLINICIAN, Role.CLINICAL_DIRECTOR])
        if people.reachable(item) and not set(consider(people.snapshot(item), ctx)) - _NOT_HERE
    ]
    return sorted(found, key=lambda item: (item.agency != row.agency, item.id))


def _code(session: Session, row: Incident, meeting: GroupSession, leader_id: str, now: datetime) -> str:
    """The code by which the leader knows this session: of their approval, else of the report to come."""
    known = _own_code(session, meeting, leader_id)
    if known is not None:
        return known
    report = questions.ask(
        session, person_id=leader_id, kind="report", now=now, incident_id=row.id, subject_id=meeting.id
    )
    return report.code or ""


def _own_code(session: Session, meeting: GroupSession, helper_id: str) -> str | None:
    return session.scalar(
        select(Question.code)
        .where(Question.person_id == helper_id, Question.subject_id == meeting.id)
        .order_by(Question.asked_at.desc())
    )


def _asleep(helper: Person, now: datetime) -> bool:
    return is_asleep(now, helper.zone, SleepWindow(helper.sleep_start, helper.sleep_end))


def _up(helper: Person, now: datetime) -> datetime:
    sleep = SleepWindow(helper.sleep_start, helper.sleep_end)
    return next_open(now, helper.zone, sleep) if is_asleep(now, helper.zone, sleep) else now
