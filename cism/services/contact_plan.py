"""The contact points of one person of one incident as rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.followup import plan_contacts, promised_points
from cism.domain.people import Person as Snapshot
from cism.domain.plan import PlannedStep, StepKind, StepState
from cism.services import calls, choice, held, people, sabotage
from cism.store.tables import AffectedPerson, Incident, Step

SENT, TO_PEER, MERGED = "sent", "given to a peer", "merged with another incident's check-in"
_WENT = (SENT, TO_PEER, MERGED)
_REACHED = (*_WENT, calls.ASKED, calls.NO_PEER)


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


def promised_ahead(session: Session, item: AffectedPerson, *, but: str | None = None) -> bool:
    """Whether a contact that needs no opt-in is still to come; the step `but` is the one being made."""
    protocol = choice.protocol_of(session.get_one(Incident, item.incident_id))
    promised = promised_points(protocol)
    planned = session.scalars(
        select(Step).where(
            Step.subject_id == item.id,
            Step.key.startswith(f"contact:{item.id}:", autoescape=True),
            Step.state == StepState.PLANNED,
        )
    )
    return any(step.id != but and step.payload["point"] in promised for step in planned)


def again_steps(
    session: Session,
    row: Incident,
    item: AffectedPerson,
    person: Snapshot,
    now: datetime,
    taken_back: Collection[str],
) -> list[PlannedStep]:
    """The points that were taken back for one of these reasons, counted anew; nothing that went goes again.

    Nor does a point that lies before one that went: it would come out of order.
    """
    made = _by_point(session, item)
    order = [contact.id for contact in choice.protocol_of(row).contacts]
    went = [order.index(point) for point, all_ in made.items() if any(map(_went, all_)) and point in order]
    mark = f">{now.timestamp():.3f}"
    found = []
    for step in planned_steps(session, row, item, person, now):
        point = str(step.payload["point"])
        earlier = made.get(point, [])
        if order.index(point) < max(went, default=-1):
            continue
        if not earlier or _taken_back(earlier, taken_back):
            found.append(replace(step, key=step.key + mark) if earlier else step)
    return found


def _by_point(session: Session, item: AffectedPerson) -> dict[str, list[Step]]:
    query = select(Step).where(
        Step.subject_id == item.id, Step.key.startswith(f"contact:{item.id}:", autoescape=True)
    )
    found: dict[str, list[Step]] = defaultdict(list)
    for step in session.scalars(query):
        found[str(step.payload["point"])].append(step)
    return found


def _went(step: Step) -> bool:
    return step.state is StepState.DONE and step.outcome in _REACHED


def _taken_back(made: Collection[Step], reasons: Collection[str]) -> bool:
    """Whether this point is neither to come, nor made, nor waiting for a human, nor missed."""
    if any(_went(step) or step.state in {StepState.PLANNED, StepState.EXPIRED} for step in made):
        return False
    if any((step.outcome or "") in held.WAITING for step in made if step.state is StepState.DONE):
        return False
    return any(step.state is StepState.CANCELLED and step.outcome in reasons for step in made)


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
