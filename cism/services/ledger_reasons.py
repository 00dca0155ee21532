"""Why nothing is planned for somebody, from what is recorded about them; asked only where nothing is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.followup import waits_for_kin
from cism.domain.ledger import NoStep, Standing, why_none
from cism.domain.people import PersonStatus
from cism.domain.plan import StepKind, StepState
from cism.services import contact_plan, held, people
from cism.store.db import now as product_now
from cism.store.tables import AffectedPerson, Incident, Person, Step

DECLINED = "declined"  # what their own 0 leaves on the list
_HELD = (held.ESCALATION, held.ZERO, held.KIN)
_AT_ONCE = 500  # ids in one query


def of(session: Session, affected_ids: Sequence[str]) -> dict[str, NoStep]:
    """The recorded reason by affected row; whoever is left out has none."""
    found: dict[str, NoStep] = {}
    for start in range(0, len(affected_ids), _AT_ONCE):
        items = session.scalars(
            select(AffectedPerson).where(AffectedPerson.id.in_(affected_ids[start : start + _AT_ONCE]))
        ).all()
        persons = people.by_ids(session, {item.person_id for item in items})
        waiting = _held(session, [item.id for item in items])
        for item in items:
            reason = why_none(_standing(session, item, persons[item.person_id], waiting[item.id]))
            if reason is not None:
                found[item.id] = reason
    return found


def _standing(session: Session, item: AffectedPerson, person: Person, waiting: set[str]) -> Standing:
    deceased = person.status is PersonStatus.DECEASED
    ended, stopped = item.ended_at is not None, person.opted_out_at is not None
    if deceased or ended or stopped:
        declined = item.ended_reason == DECLINED
        return Standing(deceased=deceased, ended=ended, declined=declined, stopped=stopped)
    row = session.get_one(Incident, item.incident_id)
    snapshot = people.incident_snapshot(row)
    mine = next(one for one in snapshot.affected if one.person_id == item.person_id)
    kin = held.KIN in waiting and waits_for_kin(snapshot, mine)
    still = waiting - {held.KIN} if kin else waiting
    return Standing(
        waits_for_kin=kin and not still,
        left_undone=bool(still) or _missing(session, row, item, person),
        closes=_closes(session, row.id),
    )


def _held(session: Session, affected_ids: Sequence[str]) -> dict[str, set[str]]:
    """For what check-ins are held that nobody has let go again."""
    rows = session.execute(
        select(Step.subject_id, Step.outcome).where(
            Step.subject_id.in_(affected_ids), Step.state == StepState.DONE, Step.outcome.in_(_HELD)
        )
    )
    found: dict[str, set[str]] = defaultdict(set)
    for affected_id, outcome in rows:
        found[affected_id or ""].add(outcome or "")
    return found


def _missing(session: Session, row: Incident, item: AffectedPerson, person: Person) -> bool:
    """Whether planning again would add a point: each that is promised has a row, with what became of it."""
    now = product_now(session)
    promised = {
        step.key for step in contact_plan.planned_steps(session, row, item, people.snapshot(person), now)
    }
    return bool(promised - set(session.scalars(select(Step.key).where(Step.subject_id == item.id))))


def _closes(session: Session, incident_id: str) -> bool:
    query = select(Step.id).where(
        Step.incident_id == incident_id,
        Step.kind == StepKind.CLOSE_INCIDENT,
        Step.state == StepState.PLANNED,
    )
    return session.scalar(query.limit(1)) is not None
