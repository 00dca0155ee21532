"""What affected people answer to check-ins and to the opt-in, and how an incident's contacts end."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.followup import opt_in_at
from cism.domain.plan import StepKind, StepState
from cism.services import calls, choice, contact_plan, events, notify, people, questions, steps
from cism.services.contact_rules import affected
from cism.store.tables import Incident, Person, Question, Step


def answer_check_in(session: Session, question: Question, digit: str, now: datetime) -> None:
    """1: all good, silence from us. 0: this incident's contacts end (of every incident merged in it)."""
    questions.answer(session, question, digit, now)
    person = people.get(session, question.person_id)
    incidents = [question.incident_id or "", *(question.merged or [])]
    steps.cancel(session, reason="answered", now=now, subject_id=question.id)
    if digit == "0":
        for incident_id in incidents:
            end_contacts(session, incident_id, person.id, "declined", now)
        notify.contacts_ended(session, person, question, now)
        return
    for incident_id in incidents:
        _opt_in_now(session, incident_id, person, now)


def answer_opt_in(session: Session, question: Question, digit: str, now: datetime) -> None:
    """1 keeps in touch at half a year and before the anniversary; 0 ends. It holds for every incident that
    the question asked about.
    """
    questions.answer(session, question, digit, now)
    steps.cancel(session, reason="answered", now=now, subject_id=question.id)
    person = people.get(session, question.person_id)
    kept = digit == "1"
    for incident_id in [question.incident_id or "", *(question.merged or [])]:
        if kept:
            _keep_in_touch(session, incident_id, person, now)
        else:
            end_contacts(session, incident_id, person.id, "declined", now)
    row = session.get_one(Incident, question.incident_id or "")
    notify.opt_in_done(session, person, question, row, now, kept=kept)


def _keep_in_touch(session: Session, incident_id: str, person: Person, now: datetime) -> None:
    item = affected(session, incident_id, person.id)
    if item is None or item.ended_at is not None:
        return
    item.keep_in_touch = True
    row = session.get_one(Incident, incident_id)
    steps.plan(session, contact_plan.planned_steps(session, row, item, people.snapshot(person), now))


def end_contacts(session: Session, incident_id: str, person_id: str, reason: str, now: datetime) -> None:
    """This incident's contacts with one person end; escalations and other incidents stay as they are."""
    item = affected(session, incident_id, person_id)
    if item is None or item.ended_at is not None:
        return
    item.ended_at, item.ended_reason = now, reason
    steps.cancel(session, reason=reason, now=now, subject_id=item.id)
    calls.take_back(session, item, None, now, tell=True)
    questions.close(
        session,
        state="superseded",
        now=now,
        incident_id=incident_id,
        person_id=person_id,
        kinds=("check_in", "opt_in", "invitation"),
    )
    steps.cancel(session, reason=reason, now=now, incident_id=incident_id, person_id=person_id)
    events.record(session, "contacts.ended", now, incident_id=incident_id, subject_id=item.id, after=reason)


def _opt_in_now(session: Session, incident_id: str, person: Person, now: datetime) -> None:
    """After an answer to the last point the opt-in need not wait a day."""
    item = affected(session, incident_id, person.id)
    if item is None or item.ended_at is not None:
        return
    row = session.get_one(Incident, incident_id)
    planned = session.scalar(
        select(Step).where(
            Step.subject_id == item.id, Step.kind == StepKind.OPT_IN, Step.state == StepState.PLANNED
        )
    )
    protocol = choice.protocol_of(row)
    if planned is not None:
        asked_at = planned.due_at - protocol.opt_in_after
        planned.due_at = opt_in_at(asked_at, people.snapshot(person), protocol, now)
