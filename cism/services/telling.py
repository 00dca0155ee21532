"""What a reader of the human queue hears of together with others like it, in one text."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.plan import PlannedStep, StepKind, StepState
from cism.services import steps
from cism.store.tables import Step, new_id


def plan(session: Session, agency: str, now: datetime) -> None:
    """Have the readers of an agency told of whatever nobody was told of, once everything due is done."""
    planned = select(Step.id).where(
        Step.state == StepState.PLANNED,
        Step.kind == StepKind.TELL_MISSED,
        Step.key.startswith(f"missed:{agency}:", autoescape=True),
    )
    if session.scalar(planned.limit(1)) is None:
        steps.plan(session, [step(agency, now)])


def step(agency: str, due: datetime) -> PlannedStep:
    """That telling, to be planned."""
    key = f"missed:{agency}:{new_id()}"  # two at once are no harm: the second finds nothing untold
    return PlannedStep(kind=StepKind.TELL_MISSED, due_at=due, key=key, payload={"agency": agency})
