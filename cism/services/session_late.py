"""People whom a group session has no place for, or finds late: invited all the same, or called one to one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.plan import PlannedStep, StepKind
from cism.domain.protocol import SessionRule
from cism.domain.session_joining import Joining, Meeting, join_late
from cism.domain.session_slots import invite_at
from cism.domain.sessions import Blocked, SessionPlan
from cism.services import calls, choice, missed, people
from cism.services.contact_rules import affected, hours
from cism.store.states import SessionState
from cism.store.tables import AffectedPerson, GroupSession, Incident, Invitation, Step

LIVE = (SessionState.PROPOSED, SessionState.APPROVED)
POINT = "121"  # the call that takes the place of a group
_JUST_ADDED = timedelta(hours=4)  # design: later it is a change of plans, and no news about this person
# A window that is over, and groups that are never held: one-to-one support now. Where it is only too early,
# nothing has closed.
_INSTEAD = frozenset(
    {
        Blocked.GROUP_NOT_ALLOWED,
        Blocked.LEGAL_JEOPARDY,
        Blocked.INDIVIDUAL_FIRST,
        Blocked.WINDOW_CLOSED,
        Blocked.TOO_FEW,
        Blocked.NO_COMMON_WINDOW,
        Blocked.NO_COMMON_HOUR,
    }
)


def joined(
    session: Session, row: Incident, plan: SessionPlan, rule: SessionRule, now: datetime
) -> list[PlannedStep] | None:
    """Invite whoever was added late to the meeting of their group; whoever finds no place is called.

    None where the group has no meeting yet, and is to be planned.
    """
    rows = {item.id: item for item in _to_come(session, row, plan.kind, now)}
    meetings = [_meeting(session, one, one.starts_at) for one in rows.values() if one.starts_at is not None]
    found = join_late(plan, meetings, rule.size[1], rule.notice, now)
    if found is None:
        return None
    return _invited(session, rows, found, now) + _instead(session, row, found.left_out, now)


def instead(session: Session, row: Incident, plan: SessionPlan, now: datetime) -> list[PlannedStep]:
    """One-to-one support where a group may not be held, by a call, unless the first call of all is still due.

    Somebody has it either way: the assigned peer, else the coordinator.
    """
    return _instead(session, row, plan.members, now) if plan.blocked in _INSTEAD else []


def invite_step(session: Session, meeting: GroupSession, person_id: str, now: datetime) -> PlannedStep:
    """One invitation, in that person's open hours."""
    person = people.get(session, person_id)
    row = session.get_one(Incident, meeting.incident_id)
    rule = choice.protocol_of(row).sessions[meeting.kind]
    return PlannedStep(
        kind=StepKind.INVITE,
        due_at=invite_at(rule, *hours(person), meeting.starts_at or now, now),
        expires_at=meeting.starts_at,
        key=f"invite:{meeting.id}:{person_id}",
        incident_id=meeting.incident_id,
        person_id=person_id,
        subject_id=meeting.id,
    )


def sooner_meeting(session: Session, meeting: GroupSession, person_id: str, now: datetime) -> datetime | None:
    """When a sooner meeting begins to which this person is invited and has not said anything yet.

    Nobody gets several invitations at once: which of them a `1` means, they would have to look up.
    """
    query = (
        select(GroupSession.starts_at)
        .join(Invitation, Invitation.session_id == GroupSession.id)
        .where(
            Invitation.person_id == person_id,
            Invitation.state == "planned",
            GroupSession.id != meeting.id,
            GroupSession.state == SessionState.APPROVED,
            GroupSession.starts_at > now,
            GroupSession.starts_at < meeting.starts_at,
        )
        .order_by(GroupSession.starts_at)
    )
    return session.scalars(query).first()


def _to_come(session: Session, row: Incident, kind: str, now: datetime) -> list[GroupSession]:
    query = select(GroupSession).where(
        GroupSession.incident_id == row.id,
        GroupSession.kind == kind,
        GroupSession.state.in_(LIVE),
        GroupSession.starts_at > now,
    )
    return list(session.scalars(query.order_by(GroupSession.starts_at, GroupSession.id)))


def _meeting(session: Session, item: GroupSession, starts_at: datetime) -> Meeting:
    invited = session.execute(
        select(Invitation.person_id, Invitation.state).where(Invitation.session_id == item.id)
    ).all()
    return Meeting(
        id=item.id,
        group=item.group_key,
        starts_at=starts_at,
        invited=frozenset(person_id for person_id, _ in invited),
        coming=sum(state != "declined" for _, state in invited),
    )


def _invited(
    session: Session, rows: dict[str, GroupSession], found: Joining, now: datetime
) -> list[PlannedStep]:
    planned: list[PlannedStep] = []
    for person_id, meeting_id in found.places:
        session.add(Invitation(session_id=meeting_id, person_id=person_id))
        if rows[meeting_id].state is SessionState.APPROVED:  # else all are invited once it is
            planned.append(invite_step(session, rows[meeting_id], person_id, now))
    session.flush()
    return planned


def _instead(session: Session, row: Incident, person_ids: Iterable[str], now: datetime) -> list[PlannedStep]:
    wanted = set(person_ids)
    return [
        calls.call_step(row, item, POINT, now)
        for item in row.affected
        if item.person_id in wanted and not _has_first_call(row, item, now)
    ]


def _has_first_call(row: Incident, item: AffectedPerson, now: datetime) -> bool:
    """Whether the call before going home is still to come; or it is so long ago that nothing is news."""
    rule = choice.protocol_of(row).contact(calls.FIRST)
    planned = rule is not None and row.severity in rule.severities
    in_time = item.exposure_end is None or now < item.exposure_end + calls.FIRST_CALL_UNTIL
    return item.ended_at is not None or (planned and in_time) or now - item.added_at > _JUST_ADDED


def on_invite_expired(session: Session, step: Step, now: datetime) -> str | None:
    """The meeting began while nothing could run, and this person was not asked: a human tells them."""
    meeting = session.get(GroupSession, step.subject_id or "")
    row = session.get_one(Incident, step.incident_id or "")
    item = affected(session, row.id, step.person_id or "")
    if meeting is None or item is None or item.ended_at is not None:
        return None
    if meeting.state is SessionState.APPROVED or meeting.state is SessionState.HELD:
        missed.add(session, "contact_missed", people.get(session, item.person_id), row.id, now)
    return None
