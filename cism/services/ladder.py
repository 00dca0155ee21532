"""Who stands on a rung: the agency's own people first, then mutual aid; never the person, their chain or a
conflict.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.escalation import Hours, RungPlan
from cism.domain.people import Role, SleepWindow
from cism.domain.protocol import LadderRule
from cism.services import notify, people, questions
from cism.services.chain import in_chain
from cism.store.states import AssignmentState
from cism.store.tables import AffectedPerson, Assignment, Escalation, Person, Question

_ROLES = {
    "clinician": Role.CLINICIAN,
    "clinical_director": Role.CLINICAL_DIRECTOR,
    "coordinator": Role.COORDINATOR,
    "on_call_peer": Role.PEER,
}


def helpers_for(session: Session, row: Escalation, rule: LadderRule, plan: RungPlan) -> list[Person]:
    """The next person of this rung's role; everybody who stands on the ladder where it repeats."""
    if plan.repeat:
        found: list[Person] = []
        for role in plan.roles:
            # one peer on call; of the others everybody: an alarm must not depend on one phone
            here = _of_role(session, row, role)
            found += here[:1] if role == "on_call_peer" else here
        return list({item.id: item for item in found}.values())
    nth = rule.rungs[: plan.rung].count(rule.rungs[plan.rung])
    here = _of_role(session, row, plan.role)
    return here[nth : nth + 1]


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
    clinical = {item.role for item in helper.roles} & {Role.CLINICIAN, Role.CLINICAL_DIRECTOR}
    return bool(clinical) or not in_chain(session, helper.id, person.id)


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
        found = people.with_role(session, [_ROLES[role]])
        found.sort(key=lambda item: (item.agency != row.agency, item.id))
    if role == "on_call_peer":
        serving = _serving(session, row)
        found.sort(key=lambda item: (item.id not in serving, item.agency != row.agency, item.id))
    return [item for item in found if may_help(session, row, item)]


def _assigned(session: Session, row: Escalation) -> list[Person]:
    where = [AffectedPerson.person_id == row.person_id, AffectedPerson.peer_id.is_not(None)]
    if row.incident_id is not None:
        where.append(AffectedPerson.incident_id == row.incident_id)
    found = session.scalars(
        select(AffectedPerson.peer_id).where(*where).order_by(AffectedPerson.added_at.desc())
    )
    return [people.get(session, peer_id) for peer_id in found if peer_id]


def _serving(session: Session, row: Escalation) -> set[str]:
    if row.incident_id is None:
        return set()
    return set(
        session.scalars(
            select(Assignment.peer_id).where(
                Assignment.incident_id == row.incident_id, Assignment.state == AssignmentState.ACCEPTED
            )
        )
    )
