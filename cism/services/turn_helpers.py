"""Who may do what was wanted: nobody whom a hard rule keeps out, for the team itself nobody who served."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.offer_kinds import FOR_THE_TEAM, OfferKind
from cism.domain.people import Role, SleepWindow
from cism.domain.quiet_hours import is_asleep
from cism.domain.selection import Helper, SelectionContext, consider, may_serve
from cism.services import choice, offer_rows, on_call, people
from cism.store.states import AssignmentState, OfferState, SessionState
from cism.store.tables import Assignment, GroupSession, Incident, Offer, Person, Question

_AS = {
    Role.PEER: Helper.PEER,
    Role.CLINICIAN: Helper.CLINICIAN,
    Role.CLINICAL_DIRECTOR: Helper.CLINICIAN,
    # no certificate of a peer's is asked of them
    Role.CHAPLAIN: Helper.COORDINATOR,
    Role.FAMILY_PEER: Helper.COORDINATOR,
}
_NOT_HERE = frozenset({"no_role", "asked_before", "asleep"})  # chosen by role; the hour is minded elsewhere
_OF_PAIRS = frozenset({"same_unit", "chain_of_command", "conflict", "refused"})
_TOOK_PART = (AssignmentState.ACCEPTED, AssignmentState.HANDED_BACK, AssignmentState.REVOKED)


def candidates(session: Session, row: Incident, offer: Offer, now: datetime) -> list[Person]:
    """Everybody who may be asked and was not yet: by role, the agency's own, who is on call, who is up."""
    out = set(session.scalars(select(Question.person_id).where(Question.subject_id == offer.id)))
    out |= {offer.sender_id or ""}
    on_site = OfferKind(offer.kind) is OfferKind.ON_SCENE_SUPPORT
    if OfferKind(offer.kind) in FOR_THE_TEAM:
        out |= _involved(session, row)
    found = _serving(session, row) if on_site else []
    ctx = choice.context(session, row, now)
    for role in map(Role, offer_rows.rule_of(row, offer).serve):
        found += _of_role(session, row, offer, role, replace(ctx, helper=_AS[role]))
    return [one for one in {one.id: one for one in found}.values() if one.id not in out]


def team(session: Session, row: Incident, offer: Offer) -> list[Person]:
    """Whom the team's own support is for: who serves, and who led the session."""
    found = _serving(session, row)
    meeting = session.get(GroupSession, offer.session_id) if offer.session_id else None
    if meeting is not None and meeting.leader_id is not None:
        found.append(people.get(session, meeting.leader_id))
    return list({one.id: one for one in found}.values())


def team_to_come(session: Session, row: Incident, offer: Offer, now: datetime) -> bool:
    """On site goes one of the team: while it is still being asked, and nobody has said yes, it waits."""
    if OfferKind(offer.kind) is not OfferKind.ON_SCENE_SUPPORT or _serving(session, row):
        return False
    asked = select(Question.id).where(
        Question.incident_id == row.id,
        Question.kind == "page",
        Question.state == "open",
        Question.deadline > now,
    )
    return session.scalar(asked.limit(1)) is not None


def is_wanted(session: Session, row: Incident, offer: Offer) -> bool:
    """The team's own support needs a team, and comes once: after its session, where there was one."""
    if OfferKind(offer.kind) is OfferKind.ON_SCENE_SUPPORT:
        return row.ended_at is None
    if OfferKind(offer.kind) not in FOR_THE_TEAM:
        return True
    if (
        offer.session_id is None
        and offer.kind == OfferKind.POST_ACTION_STAFF_SUPPORT
        and _after_a_session(session, row)
    ):
        return False
    return bool(team(session, row, offer))


def _after_a_session(session: Session, row: Incident) -> bool:
    return any(
        one.session_id is not None and one.state not in {OfferState.CANCELLED, OfferState.BLOCKED}
        for one in offer_rows.of_incident(session, row.id)
        if one.kind == OfferKind.POST_ACTION_STAFF_SUPPORT
    )


def _of_role(
    session: Session, row: Incident, offer: Offer, role: Role, ctx: SelectionContext
) -> list[Person]:
    found = [
        one
        for one in people.with_role(session, [role])
        if people.reachable(one) and _may(one, ctx, offer.person_id)
    ]
    ready = on_call.now_on_call(session, role, ctx.now)

    def order(one: Person) -> tuple[bool, bool, bool, str]:
        asleep = one.id not in ready and _asleep(one, ctx.now)
        return one.agency != row.agency, one.id not in ready, asleep, one.id

    return sorted(found, key=order)


def _may(helper: Person, ctx: SelectionContext, person_id: str | None) -> bool:
    """No hard rule is relaxed; what concerns pairs is judged for the one person it is about."""
    snapshot = people.snapshot(helper)
    if person_id is None:
        return not set(consider(snapshot, ctx)) - _NOT_HERE
    against = set(consider(snapshot, ctx)) - _NOT_HERE - _OF_PAIRS
    return not against and may_serve(snapshot, ctx.people[person_id], ctx)


def _serving(session: Session, row: Incident) -> list[Person]:
    return _assigned(session, row, (AssignmentState.ACCEPTED,))


def _involved(session: Session, row: Incident) -> set[str]:
    leaders = session.scalars(
        select(GroupSession.leader_id).where(
            GroupSession.incident_id == row.id,
            GroupSession.leader_id.is_not(None),
            GroupSession.state.in_([SessionState.APPROVED, SessionState.HELD]),
        )
    )
    return {one.id for one in _assigned(session, row, _TOOK_PART)} | {leader for leader in leaders if leader}


def _assigned(session: Session, row: Incident, states: tuple[AssignmentState, ...]) -> list[Person]:
    query = (
        select(Assignment.peer_id)
        .where(Assignment.incident_id == row.id, Assignment.state.in_(states))
        .order_by(Assignment.changed_at, Assignment.id)
    )
    return [people.get(session, peer_id) for peer_id in session.scalars(query)]


def _asleep(helper: Person, now: datetime) -> bool:
    return is_asleep(now, helper.zone, SleepWindow(helper.sleep_start, helper.sleep_end))
