"""The contact points of one person of one incident as rows."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.followup import plan_contacts
from cism.domain.people import Person as Snapshot
from cism.domain.plan import PlannedStep, StepKind, StepState
from cism.services import calls, choice, people, sabotage
from cism.store.tables import AffectedPerson, Incident, Step

SENT, TO_PEER, MERGED = "sent", "given to a peer", "merged with another incident's check-in"
_WENT = (SENT, TO_PEER, MERGED)


def planned_steps(
    session: Session, row: Incident, item: AffectedPerson, person: Snapshot, now: datetime
) -> list[PlannedStep]:
    """The contact points of one person of one incident as rows; planning twice adds nothing."""
    snapshot = people.incident_snapshot(row)
    mine = next(one for one in snapshot.affected if one.person_id == item.person_id)
    protocol = choice.protocol_of(row)
    found: list[PlannedStep] = []
    for contact in plan_contacts(snapshot, mine, person, protocol, now, opted_in=item.keep_in_touch):
        rule = protocol.contact(contact.point)
        if contact.dropped is not None or rule is None or contact.point == calls.FIRST:
            continue  # f0 is given to the peer in person when they are assigned
        key = f"contact:{item.id}:{contact.point}"
        if contact.provisional:
            key += ":provisional"
        elif _provisional_went(session, key):
            continue
        found.append(
            PlannedStep(
                # by text or by a peer's call is decided when it is due: phones are confirmed meanwhile
                kind=StepKind.CONTACT if rule.by == "sms" else StepKind.PEER_TASK,
                due_at=sabotage.due(session, contact.due_at, person.zone),
                expires_at=contact.expires_at,
                key=key,
                incident_id=row.id,
                person_id=item.person_id,
                subject_id=item.id,
                payload={"point": contact.point},
            )
        )
    return found


def anchor_known(session: Session, row: Incident, item: AffectedPerson, now: datetime) -> None:
    """The end of exposure became known: what was provisional and has not left gives way to the real plan."""
    planned = session.scalars(
        select(Step).where(
            Step.subject_id == item.id,
            Step.key.contains(":provisional", autoescape=True),
            Step.state == StepState.PLANNED,
        )
    )
    for step in planned:
        step.state, step.outcome, step.done_at = StepState.CANCELLED, "end of exposure known", now


def _provisional_went(session: Session, key: str) -> bool:
    """Whether the provisional check-in of this point has reached the person, at once or moved."""
    found = session.scalar(
        select(Step.id).where(
            Step.key.startswith(f"{key}:provisional", autoescape=True),
            Step.state == StepState.DONE,
            Step.outcome.in_(_WENT),
        )
    )
    return found is not None
