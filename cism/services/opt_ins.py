"""Keep in touch? Asked once, after the last check-in that was promised; silence is no."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.followup import opt_in_at, promised_points, worth_asking
from cism.domain.plan import PlannedStep, StepKind, StepState
from cism.services import choice, contact_plan, notify, people, questions, steps
from cism.services import contact_merging as merging
from cism.services.contact_plan import MERGED, SENT
from cism.services.contact_rules import helper_of, later, not_on_this_day, open_now, textable, why_not_now
from cism.store.tables import AffectedPerson, Incident, Person, Question, Step

WAITS = timedelta(days=14)  # design: then silence has been a no for long enough
NOT_YET = "check-ins are still to come"


def plan_after(
    session: Session, step: Step, row: Incident, item: AffectedPerson, person: Person, now: datetime
) -> datetime | None:
    """After the check-in that `step` was: when to ask whether to keep in touch, if it was the last one.

    Not while any that was promised is still to come, whatever the severity has become meanwhile.
    """
    protocol = choice.protocol_of(row)
    promised = step.payload["point"] in promised_points(protocol) and worth_asking(protocol, row.severity)
    if not promised or item.exposure_end is None or contact_plan.promised_ahead(session, item, but=step.id):
        return None
    key = _key(session, item, now)
    due = opt_in_at(now, people.snapshot(person), protocol)
    planned = PlannedStep(
        kind=StepKind.OPT_IN,
        due_at=due,
        key=key,
        incident_id=row.id,
        person_id=item.person_id,
        subject_id=item.id,
    )
    steps.plan(session, [planned])
    return due


def on_opt_in(session: Session, step: Step, now: datetime) -> str | None:
    """After the last point: keep in touch? Silence is no. It becomes the person's one open question."""
    person = people.lock_person(session, step.person_id or "")
    item = session.get_one(AffectedPerson, step.subject_id or "")
    row = session.get_one(Incident, step.incident_id or "")
    reason = why_not_now(session, row, item, person)
    if reason is not None:
        return reason
    if contact_plan.promised_ahead(session, item):
        return NOT_YET  # it turned out graver: the new last one asks
    if not textable(person):
        return "no texts to this person"
    if not open_now(person, now):
        return later(session, step, person, now)
    if (other_day := not_on_this_day(session, step, person, now)) is not None:
        return other_day
    if merging.opt_in(session, row, person, now):
        return MERGED
    questions.close(session, state="superseded", now=now, person_id=person.id, kinds=("check_in",))
    question = questions.ask(
        session,
        person_id=person.id,
        kind="opt_in",
        now=now,
        incident_id=row.id,
        subject_id=item.id,
        deadline=now + WAITS,
    )
    notify.opt_in(session, person, question, row, helper_of(session, row, person), now)
    steps.plan(session, [close_step(question, now + WAITS)])
    return SENT


def close_step(question: Question, due: datetime) -> PlannedStep:
    """When silence to a question about themselves has been an answer."""
    return PlannedStep(
        kind=StepKind.CONTACT_CLOSE,
        due_at=due,
        key=f"silent:{question.id}",
        incident_id=question.incident_id,
        person_id=question.person_id,
        subject_id=question.id,
    )


def _key(session: Session, item: AffectedPerson, now: datetime) -> str:
    """Once an incident and person; anew where the earlier one gave way to check-ins still to come."""
    gave_way = session.scalar(
        select(Step.id).where(
            Step.subject_id == item.id,
            Step.kind == StepKind.OPT_IN,
            Step.state == StepState.DONE,
            Step.outcome == NOT_YET,
        )
    )
    return f"opt-in:{item.id}" if gave_way is None else f"opt-in:{item.id}>{now.timestamp():.3f}"
