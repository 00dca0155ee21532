"""Keeping in touch with affected people by text: check-ins, the one reminder, the opt-in at the end."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.followup import reminder_at
from cism.domain.people import PersonStatus
from cism.domain.plan import PlannedStep, StepKind, StepState
from cism.domain.quiet_hours import next_open
from cism.services import (
    calls,
    choice,
    escalations,
    events,
    held,
    missed,
    notify,
    numbers,
    opt_ins,
    outbox,
    people,
    questions,
    steps,
)
from cism.services import contact_merging as merging
from cism.services.contact_plan import MERGED, SENT, TO_PEER
from cism.services.contact_rules import (
    TOO_LATE,
    affected,
    has_written,
    helper_of,
    hours,
    later,
    not_on_this_day,
    open_now,
    textable,
    why_not_now,
)
from cism.services.reach import somebody_can_answer
from cism.store.tables import AffectedPerson, Incident, Person, Question, Step


def on_contact(session: Session, step: Step, now: datetime) -> str | None:
    """One check-in, if everything still allows it; otherwise the reason is the step's outcome."""
    person = people.lock_person(session, step.person_id or "")
    item = session.get_one(AffectedPerson, step.subject_id or "")
    row = session.get_one(Incident, step.incident_id or "")
    reason = why_not_now(session, row, item, person)
    if reason is not None:
        return reason
    if not textable(person):
        return _by_peer_instead(session, step, now)
    if not somebody_can_answer(session, person.agency):
        return "nobody of this agency could answer"
    if not open_now(person, now):
        moved = later(session, step, person, now)
        if moved == TOO_LATE:
            _missed(session, person, row.id, now)
        return moved
    other_day = not_on_this_day(session, step, person, now)
    if other_day is not None:
        return other_day if other_day != TOO_LATE else _by_peer_instead(session, step, now)
    if merging.check_in(session, step, row, item, person):
        opt_ins.plan_after(session, step, row, item, person, now)
        return MERGED
    _check_in(session, step, row, item, person, now)
    return SENT


def on_reminder(session: Session, step: Step, now: datetime) -> str | None:
    """The one reminder of a point, to somebody who has not said anything since."""
    question = session.get(Question, step.subject_id or "")
    if question is None or question.state != "open":
        return "answered meanwhile"
    person = people.lock_person(session, question.person_id)
    if has_written(session, person.id, question.asked_at):
        return "has written meanwhile"
    if escalations.open_about(session, person.id):
        return held.ESCALATION
    if not textable(person):
        return "no texts to this person"
    if not open_now(person, now):
        return later(session, step, person, now)
    if (other_day := not_on_this_day(session, step, person, now)) is not None:
        return other_day
    row = session.get_one(Incident, question.incident_id or "")
    helper = helper_of(session, row, person)
    notify.check_in(session, person, question, row, helper, now, reminder=True, expires_at=step.expires_at)
    return SENT


def on_close(session: Session, step: Step, now: datetime) -> str | None:
    """Silence is neither risk nor refusal: the question is closed, the next point stays.

    After a check-in a peer may call once. Silence to the opt-in is a no.
    """
    question = session.get(Question, step.subject_id or "")
    if question is None or question.state != "open":
        return "answered meanwhile"
    never_left = outbox.never_left(session, question.id)
    questions.close(
        session, state="expired", now=now, person_id=question.person_id, subject_id=question.subject_id
    )
    if never_left and question.kind == "check_in":
        _missed(session, people.get(session, question.person_id), question.incident_id, now)
        return "never asked"
    row = session.get_one(Incident, question.incident_id or "")
    after = question.point or question.kind
    events.record(
        session, "contact.silent", now, incident_id=row.id, subject_id=question.subject_id, after=after
    )
    item = affected(session, row.id, question.person_id)
    if question.kind != "check_in" or item is None or item.ended_at is not None or item.peer_id is None:
        return "not reached"
    if has_written(session, question.person_id, question.asked_at):
        return "not reached"
    if calls.near(session, item, now):
        return "not reached, and called anyway"
    calls.plan_call(session, row, item, f"{question.point}c", now)
    return "not reached"


def on_contact_expired(session: Session, step: Step, now: datetime) -> str | None:
    """A check-in that could not leave in its window is not sent late; a human is told."""
    item = session.get(AffectedPerson, step.subject_id or "")
    if item is not None and item.ended_at is None:
        _missed(session, people.get(session, item.person_id), step.incident_id, now)
    return None


def on_confirm_phone(session: Session, step: Step, now: datetime) -> str | None:
    """Ask once whether this number is theirs, in their open hours."""
    person = people.lock_person(session, step.person_id or "")
    known = person.phone_confirmed_at is not None and not numbers.is_old(person, now)
    if known or person.status is not PersonStatus.ACTIVE:
        return "not needed"
    if not person.consent_care or person.revoked_care or person.opted_out_at or person.frozen_at:
        return "no consent"
    if not open_now(person, now):
        return later(session, step, person, now)
    question = questions.ask(session, person_id=person.id, kind="confirm_phone", now=now)
    notify.confirm_phone(session, person, question, now)
    return SENT


def _check_in(
    session: Session, step: Step, row: Incident, item: AffectedPerson, person: Person, now: datetime
) -> None:
    questions.close(session, state="superseded", now=now, person_id=person.id, kinds=("check_in",))
    point = str(step.payload["point"])
    protocol = choice.protocol_of(row)
    question = questions.ask(
        session,
        person_id=person.id,
        kind="check_in",
        now=now,
        incident_id=row.id,
        subject_id=item.id,
        point=point,
    )
    helper = helper_of(session, row, person)
    notify.check_in(session, person, question, row, helper, now, expires_at=step.expires_at)
    following = _next_contact(session, item, now)
    reminder = reminder_at(now, people.snapshot(person), protocol, following)
    opt_in = opt_ins.plan_after(session, step, row, item, person, now)
    if opt_in is not None and reminder is not None and opt_in <= reminder:
        reminder = None  # the opt-in is the next text; never two at once
    ends = next_open((reminder or now) + protocol.answer_wait, *hours(person))
    nudge = [] if reminder is None else [_reminder_step(question, reminder, following)]
    steps.plan(session, [*nudge, opt_ins.close_step(question, ends)])


def _next_contact(session: Session, item: AffectedPerson, now: datetime) -> datetime | None:
    return session.scalar(
        select(Step.due_at)
        .where(
            Step.subject_id == item.id,
            Step.state == StepState.PLANNED,
            Step.kind == StepKind.CONTACT,
            Step.due_at > now,
        )
        .order_by(Step.due_at)
        .limit(1)
    )


def _reminder_step(question: Question, due: datetime, following: datetime | None) -> PlannedStep:
    return PlannedStep(
        kind=StepKind.CONTACT_REMINDER,
        due_at=due,
        key=f"reminder:{question.id}",
        incident_id=question.incident_id,
        person_id=question.person_id,
        subject_id=question.id,
        expires_at=following,
    )


def _by_peer_instead(session: Session, step: Step, now: datetime) -> str:
    """An unconfirmed phone or missing consent: a call by a peer, never a text."""
    steps.plan(
        session,
        [
            PlannedStep(
                kind=StepKind.PEER_TASK,
                due_at=now,
                expires_at=step.expires_at,
                key=f"{step.key}:peer",
                incident_id=step.incident_id,
                person_id=step.person_id,
                subject_id=step.subject_id,
                payload=step.payload,
            )
        ],
    )
    return TO_PEER


def _missed(session: Session, person: Person, incident_id: str | None, now: datetime) -> None:
    missed.add(session, "contact_missed", person, incident_id, now)
