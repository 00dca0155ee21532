"""What follows when a message did not arrive, was refused, or cannot be settled: by the table of ADR 0014."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.guarantee import FILTERED, Follow, guarantee_of
from cism.domain.people import Role
from cism.domain.plan import PlannedStep, StepKind
from cism.services import (
    events,
    held,
    missed,
    mutual_aid,
    notify,
    outbox,
    people,
    questions,
    queue,
    rungs,
    second_tries,
    stepping_back,
    steps,
)
from cism.store.states import OutboxState
from cism.store.tables import Agency, Incident, Outbox, Person, Question
from notifications.gateway import SendError, SendFailure
from notifications.messages import MessageKind

READ_WITHIN = timedelta(hours=4)
NOT_SETTLED = "could not be settled with the provider"
NO_ANSWER = "the carrier never answered"
_IN_HANDS = frozenset({NOT_SETTLED, NO_ANSWER})
# The number itself is bad: its owner is reached by a peer's call from now on. Not 30003: a handset that is
# off, or without signal, is on again tomorrow.
BAD_NUMBER = frozenset({21211, 21614, 21635, 30004, 30005, 30006})


_BY_TEXT = (
    StepKind.CONTACT_REMINDER,
    StepKind.CONTACT_CLOSE,
    StepKind.OPT_IN,
    StepKind.INVITE,
    StepKind.CONFIRM_PHONE,
)
_MISSED = frozenset({MessageKind.CHECK_IN, MessageKind.INVITATION})
_ABOUT_THEMSELVES = ("check_in", "opt_in", "invitation", "confirm_phone")


def not_arrived(session: Session, row: Outbox, now: datetime) -> None:
    """The carrier gave it back: tried again where its class allows it, else what its class says at once."""
    events.record(
        session, "message.undelivered", now, incident_id=row.incident_id, subject_id=row.id, after=row.kind
    )
    if row.reason in _IN_HANDS:
        return  # a human's already, and the next helper was asked, whatever a late receipt says
    if row.error_code == FILTERED:
        queue.alarm(session, "filtered", _agency_of(session, row), now, READ_WITHIN)
    elif second_tries.plan(session, row, now) is not None:
        return
    _instead(session, row, now)


def refused(session: Session, row: Outbox, error: SendError, now: datetime) -> None:
    """The provider refused it for good."""
    if error.kind is SendFailure.OPTED_OUT and row.person_id is not None:
        person = people.lock_person(session, row.person_id)
        if person.opted_out_at is None:
            person.opted_out_at = now
            stopped(session, person, now)
    _instead(session, row, now)


def stopped(session: Session, person: Person, now: datetime) -> None:
    """STOP beats everything: nothing unsent leaves, nothing planned is texted; a gap in a team is told."""
    silence(session, person, now)
    questions.close(session, state="superseded", now=now, person_id=person.id, kinds=_ABOUT_THEMSELVES)
    _team_without(session, person, now)
    events.record(session, "person.opted_out", now, subject_id=person.id)
    _cannot_be_called_back(session, person, now)


def _cannot_be_called_back(session: Session, person: Person, now: datetime) -> None:
    """What was handed over at the moment of a STOP may still arrive: it is written down that it crossed."""
    going = select(Outbox).where(Outbox.person_id == person.id, Outbox.state == OutboxState.SENDING)
    for row in session.scalars(going):
        events.record(
            session,
            "message.on_its_way_at_stop",
            now,
            incident_id=row.incident_id,
            subject_id=row.id,
            after=row.kind,
        )


def doubted(session: Session, person: Person, now: datetime) -> None:
    """The number may be a stranger's by now: no text goes there, a peer calls, and a team fills the gap."""
    silence(session, person, now, peers_call=True)
    _team_without(session, person, now)


def _team_without(session: Session, person: Person, now: datetime) -> None:
    stepping_back.stop_serving(session, person, now)
    _next_instead_of(session, person, now)
    roles = {item.role for item in person.roles}
    if roles & {Role.PEER, Role.CLINICIAN, Role.CLINICAL_DIRECTOR, Role.COORDINATOR, Role.CHAPLAIN}:
        notify.team_member_stopped(session, coordinators(session, person.agency, person.id), person, now)


def silence(session: Session, person: Person, now: datetime, *, peers_call: bool = False) -> None:
    """Nothing that was planned or waits for this number leaves any more.

    `peers_call`: the number is the trouble, not the person's wish, so that a peer calls at each point.
    """
    kinds = _BY_TEXT if peers_call else (StepKind.CONTACT, *_BY_TEXT)
    steps.cancel(session, reason=held.SILENCED, now=now, person_id=person.id, kinds=kinds)
    outbox.cancel(session, reason=held.SILENCED, person_id=person.id)


def coordinators(session: Session, agency: str, but: str | None = None) -> list[Person]:
    """Who answers for an agency: its reachable coordinators, else any other's."""
    found = [
        item
        for item in mutual_aid.within(session, agency, people.with_role(session, [Role.COORDINATOR]))
        if people.reachable(item) and item.id != but
    ]
    own = [item for item in found if item.agency == agency]
    return own or found[:1]


def unsettled(session: Session, row: Outbox, now: datetime) -> None:
    """Nobody can say whether it arrived: never sent again on this channel, and a human knows."""
    if row.incident_id is not None:
        people.lock_incident(session, row.incident_id)  # two of one incident tell of it one after the other
    events.record(session, "message.unsettled", now, incident_id=row.incident_id, subject_id=row.id)
    for follow in guarantee_of(MessageKind(row.kind)).unsettled:
        _ACTS[follow](session, row, now)


def kept(session: Session, message_id: str, state: OutboxState | None, now: datetime) -> None:
    """It never left: something changed while it waited. Somebody else does what it was for."""
    if state not in {OutboxState.EXPIRED, OutboxState.SUPPRESSED}:
        return
    row = session.get_one(Outbox, message_id, populate_existing=True)
    question = session.get(Question, row.question_id) if row.question_id else None
    kind = MessageKind(row.kind)
    if state is OutboxState.SUPPRESSED and question is not None:
        if Follow.NEXT_HELPER in guarantee_of(kind).not_arrived:
            next_helper(session, row, now)
    elif state is OutboxState.EXPIRED and kind in _MISSED and row.person_id is not None:
        _never_asked(session, row, question, now)
    elif state is OutboxState.EXPIRED and second_tries.is_one(row):
        _instead(session, row, now)


def number_of(session: Session, row: Outbox) -> str:
    """Where a message goes."""
    if row.person_id is not None:
        return people.get(session, row.person_id).phone or ""
    return row.to_number or ""


def _in_charge(session: Session, row: Outbox, person: Person | None) -> list[Person]:
    """The coordinators and the duty phone of the incident's agency, but for whoever may not have got it."""
    incident = session.get(Incident, row.incident_id) if row.incident_id else None
    key = incident.agency if incident else person.agency if person else ""
    agency = session.get(Agency, key)
    duty = people.by_phone(session, agency.duty_phone) if agency and agency.duty_phone else None
    told = coordinators(session, key, row.person_id)
    if duty is not None and people.reachable(duty) and duty.id not in {row.person_id, *(p.id for p in told)}:
        told.append(duty)
    return [item for item in told if people.is_staff_for(session, item, row.incident_id)]


def _never_asked(session: Session, row: Outbox, question: Question | None, now: datetime) -> None:
    """A check-in that could not leave in its window is not sent late; a human is told."""
    if question is not None:
        question.state, question.answered_at = "expired", now
        steps.cancel(session, reason="never asked", now=now, subject_id=question.id)
    missed.add(
        session,
        "contact_missed",
        people.get(session, row.person_id or ""),
        row.incident_id,
        now,
        outbox=row,
    )


def _instead(session: Session, row: Outbox, now: datetime) -> None:
    for follow in guarantee_of(MessageKind(row.kind)).not_arrived:
        _ACTS[follow](session, row, now)


def next_helper(session: Session, row: Outbox, now: datetime) -> None:
    """The next candidate or rung, at once; marked as a repeat where the first may have it after all."""
    question = session.get(Question, row.question_id) if row.question_id else None
    if question is None:
        _phone_trouble(session, row, now)
        return
    if MessageKind(row.kind) is MessageKind.PAGE:
        _page_again(session, question, now, repeat=row.state is OutboxState.UNSETTLED)
    else:
        rungs.cannot_be_told(session, question, now)
    if row.error_code in BAD_NUMBER:  # nobody reaches them by it again
        _phone_trouble(session, row, now)


def _same_by_voice(session: Session, row: Outbox, now: datetime) -> None:
    question = session.get(Question, row.question_id) if row.question_id else None
    if question is not None:
        rungs.call_too(session, question, now)


def _tell_in_charge(session: Session, row: Outbox, now: datetime) -> None:
    person = people.get(session, row.person_id) if row.person_id else None
    notify.unsettled(session, _in_charge(session, row, person), row, now)


def _next_reader(session: Session, row: Outbox, now: datetime) -> None:
    if MessageKind(row.kind) is MessageKind.QUEUE_NEW:
        queue.tell_others(session, notify.queue_item_of(row), now)


def _phone_trouble(session: Session, row: Outbox, now: datetime) -> None:
    if row.person_id is not None:
        queue.phone_trouble(session, row, people.get(session, row.person_id), now, READ_WITHIN)


def _to_human(session: Session, row: Outbox, now: datetime) -> None:
    _put_before_human(session, "unsettled_send", row, now)


def _peer_calls(session: Session, row: Outbox, now: datetime) -> None:
    if row.person_id is None:
        return
    if row.error_code in BAD_NUMBER:
        people.get(session, row.person_id).phone_confirmed_at = None
    _put_before_human(session, "call_needed", row, now)


def _put_before_human(session: Session, kind: str, row: Outbox, now: datetime) -> None:
    queue.add(
        session,
        kind,
        now=now,
        within=READ_WITHIN,
        person=people.get(session, row.person_id) if row.person_id else None,
        incident_id=row.incident_id,
        outbox_id=row.id,
    )


def _agency_of(session: Session, row: Outbox) -> str | None:
    person = people.get(session, row.person_id) if row.person_id else None
    incident = session.get(Incident, row.incident_id) if row.incident_id else None
    return incident.agency if incident else person.agency if person else None


def _page_again(session: Session, question: Question, now: datetime, *, repeat: bool) -> None:
    steps.plan(
        session,
        [
            PlannedStep(
                kind=StepKind.PAGE_UNDELIVERED,
                due_at=now,
                key=f"undelivered:{question.id}",
                incident_id=question.incident_id,
                subject_id=question.subject_id,
                payload={"unsettled": 1} if repeat else {},
            )
        ],
    )


def _next_instead_of(session: Session, person: Person, now: datetime) -> None:
    asked = session.scalars(select(Question).where(Question.person_id == person.id, Question.state == "open"))
    for question in asked:
        if question.kind in {"escalation", "welfare"}:
            rungs.cannot_be_told(session, question, now)


_ACTS: dict[Follow, Callable[[Session, Outbox, datetime], None]] = {
    Follow.NEXT_HELPER: next_helper,
    Follow.IN_CHARGE: _tell_in_charge,
    Follow.SAME_BY_VOICE: _same_by_voice,
    Follow.NEXT_READER: _next_reader,
    Follow.PHONE_TROUBLE: _phone_trouble,
    Follow.UNSETTLED: _to_human,
    Follow.PEER_CALLS: _peer_calls,
}
