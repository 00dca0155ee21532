"""Asking a colleague to take over a call that is yours."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from cism.domain.escalation import EscalationState, RungPlan, next_rung
from cism.domain.plan import PlannedStep, StepKind
from cism.errors import NotAllowed
from cism.services import handing_on, ladder, notify, rungs, steps
from cism.store.tables import Escalation, Person

_CLINICAL = ("clinician", "clinical_director")


def colleagues(session: Session, row: Escalation, holder: Person) -> list[Person]:
    """Who may take it over: whoever stands on its ladder in a role that answers, and may help this person."""
    rule = rungs.rule_of(session, row)
    found = ladder.of_roles(session, row, dict.fromkeys((*_CLINICAL, *rule.rungs)))
    return [one for one in found if one.id != holder.id]


def ask(session: Session, row: Escalation, holder: Person, colleague_id: str, now: datetime) -> None:
    """Ask one of them. It gives nobody more time: the person was told by when somebody calls.

    Raises NotAllowed for whoever does not have it, and for a colleague who may not take it.
    """
    if row.state is not EscalationState.ACKED or row.acked_by != holder.id:
        message = "Only whoever has it can hand it on. Open the page again to see who has it now."
        raise NotAllowed(message)
    chosen = next((one for one in colleagues(session, row, holder) if one.id == colleague_id), None)
    if chosen is None:
        message = "This colleague cannot take it. Choose another, or hand it back: the next is asked at once."
        raise NotAllowed(message)
    if handing_on.asked_of(session, row) == chosen.id:
        return  # pressed twice
    handing_on.write(session, row, chosen.id, now)
    question = rungs.question_of(session, row, chosen, now)
    plan = next_rung(rungs.rule_of(session, row), 0, now, ladder.hours(chosen))
    question.deadline = min(plan.ack_deadline, max(row.voice_by or now, now))
    own = RungPlan(
        role=plan.role,
        roles=plan.roles,
        rung=int(now.timestamp()),  # each asking is one of its own
        ask_at=now,
        ack_deadline=question.deadline,
    )
    notify.escalation(session, chosen, question, row, own.rung, own, now)
    steps.plan(session, [_deadline(row, chosen, question.deadline, now)])


def _deadline(row: Escalation, chosen: Person, due: datetime, now: datetime) -> PlannedStep:
    return PlannedStep(
        kind=StepKind.ESCALATION_OVERDUE,
        due_at=due,
        key=f"hand-on:{row.id}:{chosen.id}:{now.timestamp():.6f}",
        subject_id=row.id,
        payload={"asked": chosen.id},
    )
