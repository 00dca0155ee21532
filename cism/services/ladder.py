"""Who stands on a rung: the agency's own people first, then mutual aid; never the person, their chain or a
conflict.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.escalation import Hours, RungPlan
from cism.domain.incident import IncidentState
from cism.domain.people import Role, SleepWindow
from cism.domain.protocol import LadderRule
from cism.domain.quiet_hours import is_asleep
from cism.domain.selection_context import SelectionPolicy, local_date
from cism.services import away, events, mutual_aid, notify, on_call, people, questions
from cism.services.chain import in_chain
from cism.store.db import now as product_now
from cism.store.states import AssignmentState
from cism.store.tables import (
    AffectedPerson,
    Assignment,
    Escalation,
    Incident,
    Person,
    Question,
    Refusal,
)

_ROLES = {
    "clinician": Role.CLINICIAN,
    "clinical_director": Role.CLINICAL_DIRECTOR,
    "coordinator": Role.COORDINATOR,
    "on_call_peer": Role.PEER,
}
_PEERS = frozenset({"assigned_peer", "on_call_peer"})  # they may say that nobody is to ask them for a while


def helpers_for(session: Session, row: Escalation, rule: LadderRule, plan: RungPlan) -> list[Person]:
    """The next person of this rung's role; everybody who stands on the ladder where it repeats."""
    if plan.repeat:
        found: list[Person] = []
        for role in plan.roles:
            # one peer on call; of the others everybody: an alarm must not depend on one phone
            here = _of_role(session, row, role)
            found += here[:1] if role == "on_call_peer" else here
        return list({item.id: item for item in found}.values()) or _last_resort(session, row)
    nth = rule.rungs[: plan.rung].count(rule.rungs[plan.rung])
    here = _of_role(session, row, plan.role)
    return here[nth : nth + 1]


def of_roles(session: Session, row: Escalation, roles: Iterable[str]) -> list[Person]:
    """Everybody who stands on the ladder in one of these roles and may help, in their order, each once."""
    found = [item for role in roles for item in _of_role(session, row, role)]
    return list({item.id: item for item in found}.values())


def _last_resort(session: Session, row: Escalation) -> list[Person]:
    """Nobody stands apart from what happened: whoever answers for people, though affected too, but never the
    person themselves. A person in need with nobody at all is worse (domain.md 11.17).
    """
    roles = (Role.CLINICIAN, Role.CLINICAL_DIRECTOR, Role.COORDINATOR)
    found = mutual_aid.within(session, row.agency, people.with_role(session, roles))
    left = [item for item in found if item.id != row.person_id and people.reachable(item)]
    if left:
        events.record(session, "escalation.last_resort", product_now(session), subject_id=row.id)
    return left


def may_help(session: Session, row: Escalation, helper: Person) -> bool:
    """Reachable, not the person, not in conflict with them; a peer or coordinator not in their chain of
    command.
    """
    if helper.id == row.person_id or not people.reachable(helper):
        return False
    if row.person_id is None:
        return True
    person = people.get(session, row.person_id)
    if any(item.other_id == helper.id for item in person.conflicts):
        return False
    if _refused(session, person.id, helper.id) or helper.id in people.on_lists_with(session, person.id)[1]:
        return False
    clinical = {item.role for item in helper.roles} & {Role.CLINICIAN, Role.CLINICAL_DIRECTOR}
    return bool(clinical) or not in_chain(session, helper.id, person.id)


def may_serve(helper: Person, now: datetime) -> bool:
    """Whether a peer is designated and holds a certificate that is good today."""
    peer = people.snapshot(helper)
    today = local_date(peer, now)
    known = SelectionPolicy().peer_certs
    certified = any(cert.name.upper() in known and cert.expires >= today for cert in peer.certs)
    return certified and peer.designated_at is not None and peer.designated_at <= today


def _refused(session: Session, person_id: str, helper_id: str) -> bool:
    return session.get(Refusal, (person_id, helper_id)) is not None


def cover_others(session: Session, row: Escalation, taker: Person, mine: Question, now: datetime) -> None:
    """Those who were asked and are not needed any more are told so."""
    others = session.scalars(
        select(Question).where(
            Question.subject_id == row.id, Question.state == "open", Question.id != mine.id
        )
    ).all()
    questions.close(session, state="expired", now=now, subject_id=row.id, but=mine.id)
    for question in others:
        notify.escalation_covered(session, people.get(session, question.person_id), question, taker, now)


def hours(helper: Person) -> Hours:
    """When a helper is awake."""
    return Hours(helper.zone, SleepWindow(helper.sleep_start, helper.sleep_end))


def _of_role(session: Session, row: Escalation, role: str) -> list[Person]:
    if role == "assigned_peer":
        found = _assigned(session, row)
    else:
        found = mutual_aid.within(session, row.agency, people.with_role(session, [_ROLES[role]]))
        # a clinical director has a rung of their own: another clinician is one human more
        later = {item.id for item in found if role == "clinician" and _directs(item)}
        ready = on_call.now_on_call(session, _ROLES[role], product_now(session))
        found.sort(
            key=lambda item: (item.agency != row.agency, item.id not in ready, item.id in later, item.id)
        )
    if role == "on_call_peer":
        moment = product_now(session)
        found = _nearest_first(session, row, [item for item in found if may_serve(item, moment)], moment)
    if role in _PEERS:
        gone = away.of_many(session, [item.id for item in found], product_now(session))
        found = [item for item in found if item.id not in gone]
    return [item for item in found if may_help(session, row, item)]


def _directs(helper: Person) -> bool:
    return any(item.role is Role.CLINICAL_DIRECTOR for item in helper.roles)


def _assigned(session: Session, row: Escalation) -> list[Person]:
    where = [AffectedPerson.person_id == row.person_id, AffectedPerson.peer_id.is_not(None)]
    if row.incident_id is not None:
        where.append(AffectedPerson.incident_id == row.incident_id)
    found = session.scalars(
        select(AffectedPerson.peer_id).where(*where).order_by(AffectedPerson.added_at.desc())
    )
    return [people.get(session, peer_id) for peer_id in found if peer_id]


def _nearest_first(session: Session, row: Escalation, peers: list[Person], now: datetime) -> list[Person]:
    """Who is on call before all others, who is up before who sleeps; then who knows this person, who serves,
    the agency's own.
    """
    known = {item.id for item in _assigned(session, row)}
    serving = _serving(session, row)
    on_turn = on_call.now_on_call(session, Role.PEER, now)

    def distance(peer: Person) -> tuple[bool, bool, bool, bool, bool, str]:
        ready = peer.id in on_turn
        asleep = not ready and is_asleep(now, peer.zone, SleepWindow(peer.sleep_start, peer.sleep_end))
        return (
            not ready,
            asleep,
            peer.id not in known,
            peer.id not in serving,
            peer.agency != row.agency,
            peer.id,
        )

    return sorted(peers, key=distance)


def _serving(session: Session, row: Escalation) -> set[str]:
    """Who serves in the incident that it came from, or in any open one of this person."""
    incidents = select(AffectedPerson.incident_id).where(AffectedPerson.person_id == row.person_id)
    query = (
        select(Assignment.peer_id)
        .join(Incident, Incident.id == Assignment.incident_id)
        .where(Assignment.state == AssignmentState.ACCEPTED, Incident.state == IncidentState.OPEN)
    )
    if row.incident_id is not None:
        return set(session.scalars(query.where(Assignment.incident_id == row.incident_id)))
    return set(session.scalars(query.where(Assignment.incident_id.in_(incidents))))
