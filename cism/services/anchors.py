"""Ends of exposure: every window runs from them. Learned once, and corrected by a second value.

A correction counts anew what has not left yet. What was sent stays sent, and no point is asked twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.plan import StepKind, StepState
from cism.services import contact_plan, events, people, steps
from cism.store.tables import AffectedPerson, Incident, Step

CORRECTED = "end of exposure corrected"


def ended(session: Session, row: Incident, before: datetime | None, now: datetime) -> bool:
    """The incident's end is known, or another one than `before`: it holds for all who have no own end."""
    moved = [
        item for item in row.affected if item.exposure_end is None or (before and item.exposure_end == before)
    ]
    taken = [_take(session, row, item, row.ended_at, now) for item in moved]
    return any(taken)


def left(session: Session, row: Incident, ends: Mapping[str, datetime | None], now: datetime) -> bool:
    """People left before or after the others, or at another time than was said."""
    taken = [_take(session, row, item, ends.get(item.person_id), now) for item in row.affected]
    return any(taken)


def _take(session: Session, row: Incident, item: AffectedPerson, end: datetime | None, now: datetime) -> bool:
    if end is None or end == item.exposure_end:
        return False
    before, item.exposure_end = item.exposure_end, end
    if before is None:
        contact_plan.anchor_known(session, row, item, now)
    else:
        _count_anew(session, row, item, now)
    events.record(
        session,
        "affected.exposure_end",
        now,
        incident_id=row.id,
        subject_id=item.id,
        before=before.isoformat()[:40] if before else None,
        after=end.isoformat()[:40],
    )
    return True


def _count_anew(session: Session, row: Incident, item: AffectedPerson, now: datetime) -> None:
    waiting = session.scalars(
        select(Step).where(
            Step.subject_id == item.id,
            Step.key.startswith(f"contact:{item.id}:", autoescape=True),
            Step.state == StepState.PLANNED,
            Step.kind.in_([StepKind.CONTACT, StepKind.PEER_TASK]),
        )
    )
    for step in waiting.all():
        steps.cancel_one(step, CORRECTED, now)
    session.flush()
    person = people.snapshot(people.get(session, item.person_id))
    steps.plan(session, contact_plan.again_steps(session, row, item, person, now, {CORRECTED}))
