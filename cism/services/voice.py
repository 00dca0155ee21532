"""A page that did not arrive, or was not answered in time, is called; the ladder goes on meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session

from cism.domain.escalation import EscalationState
from cism.domain.incident import IncidentState, Severity
from cism.domain.people import SleepWindow
from cism.domain.plan import PlannedStep, StepKind, StepState
from cism.domain.quiet_hours import is_asleep
from cism.domain.voice import CallReason, Look, decide_call, first_look, next_look
from cism.services import people, steps
from cism.store.db import real_now
from cism.store.states import AssignmentState, CallState, OutboxState
from cism.store.tables import (
    Agency,
    Assignment,
    Escalation,
    Incident,
    Outbox,
    Person,
    PhoneCall,
    Question,
    Step,
)

CALLED: Final = frozenset({"page", "escalation", "welfare"})  # the kinds of question that are also called
ESCALATING: Final = frozenset({"escalation", "welfare"})
PENDING_FOR: Final = timedelta(minutes=10)  # design: later a call would only surprise; the ladder has gone on
LIVE_FOR: Final = timedelta(minutes=5)  # of real time; whatever a provider forgot to tell, it is over by then
_ON_ITS_WAY: Final = (CallState.PENDING, CallState.DIALING, CallState.UNKNOWN)
_OPEN: Final = (AssignmentState.ASKED, AssignmentState.SILENT)


def watch(
    session: Session,
    question: Question,
    agency: str,
    severity: Severity,
    asked_at: datetime,
    deadline: datetime,
    target: datetime | None = None,
) -> None:
    """Look after a page that is to be answered by `deadline`; as in `first_look` and `decide_call`."""
    payload = {"agency": agency, "severity": severity.value, "until": deadline.isoformat()}
    _plan(session, question.id, first_look(asked_at, deadline, target), payload)


def call_now(session: Session, question: Question, agency: str, severity: Severity, now: datetime) -> None:
    """Nobody can say whether the text arrived: the look that was to come after two minutes comes now."""
    look = session.scalar(
        select(Step).where(
            Step.kind == StepKind.CALL, Step.subject_id == question.id, Step.state == StepState.PLANNED
        )
    )
    if look is not None and look.payload["reason"] == CallReason.UNDELIVERED.value:
        look.due_at = min(look.due_at, now)
        return
    until = (question.deadline or now).isoformat()
    payload = {"agency": agency, "severity": severity.value, "until": until}
    _plan(session, question.id, Look(now, CallReason.UNSETTLED), payload)


def on_call(session: Session, step: Step, now: datetime) -> str | None:
    """Call whoever has not answered, unless it is no longer asked or their phone rings already."""
    question = session.get(Question, step.subject_id or "")
    if question is None or not still_asked(session, question):
        return "answered meanwhile"
    reason = CallReason(str(step.payload["reason"]))
    following = next_look(reason, datetime.fromisoformat(str(step.payload["until"])))
    if following is not None:
        _plan(session, question.id, following, step.payload)
    helper = people.get(session, question.person_id)
    wanted = decide_call(
        reason,
        arrived=_arrived(session, question),
        ringing=_under_way(session, PhoneCall.question_id == question.id),
        asleep=is_asleep(now, helper.zone, SleepWindow(helper.sleep_start, helper.sleep_end)),
        severity=Severity(str(step.payload["severity"])),
    )
    if not wanted:
        return "no call needed"
    agency = str(step.payload["agency"])
    _put(session, f"call:{step.id}", reason, agency, now, person_id=helper.id, question_id=question.id)
    return "called"


def tell_duty_phone(
    session: Session,
    agency_key: str,
    subject_id: str,
    turn: int,
    now: datetime,
    may_know: Callable[[Person], bool],
) -> None:
    """Everybody was asked and nobody has it: the agency's duty phone is called, once a `turn`.

    Not where it is the own phone of somebody who may not know of this, or who is called anyway.
    """
    agency = session.get(Agency, agency_key)
    number = agency.duty_phone if agency is not None else None
    owner = people.by_phone(session, number) if number else None
    if number is None or (owner is not None and not (people.reachable(owner) and may_know(owner))):
        return
    if _under_way(session, PhoneCall.subject_id == subject_id):
        return
    to: dict[str, Any] = {"person_id": owner.id} if owner is not None else {"to_number": number}
    key = f"duty:{subject_id}:{turn}"
    if session.scalar(select(PhoneCall.id).where(PhoneCall.key == key)) is None:
        _put(session, key, CallReason.NOBODY_LEFT, agency_key, now, subject_id=subject_id, **to)


def called_off(session: Session, questions: Iterable[Question], now: datetime) -> None:
    """These need no call any more: nothing is looked after, and nothing that waits is dialled."""
    ids = [question.id for question in questions if question.kind in CALLED]
    if not ids:
        return
    for question_id in ids:
        steps.cancel(session, reason="answered", now=now, subject_id=question_id, kinds=[StepKind.CALL])
    waiting = (PhoneCall.question_id.in_(ids), PhoneCall.state == CallState.PENDING)
    session.execute(update(PhoneCall).where(*waiting).values(state=CallState.CANCELLED))


def still_asked(session: Session, question: Question) -> bool:
    """Whether an answer would still change anything: nobody has it, and this helper has not passed."""
    if question.state != "open":
        return False
    if question.kind in ESCALATING:
        row = session.get(Escalation, question.subject_id or "")
        return row is not None and row.state is EscalationState.OPEN
    page = session.get(Assignment, question.subject_id or "")
    return page is not None and page.state in _OPEN


def still_untaken(session: Session, call: PhoneCall) -> bool:
    """Whether what the duty phone is told of still waits for somebody."""
    row = session.get(Escalation, call.subject_id or "")
    if row is not None:
        return row.state is EscalationState.OPEN
    incident = session.get(Incident, call.subject_id or "")
    return incident is not None and incident.state is IncidentState.OPEN


def _plan(session: Session, question_id: str, look: Look, payload: Mapping[str, Any]) -> None:
    step = PlannedStep(
        kind=StepKind.CALL,
        due_at=look.at,
        expires_at=look.at + PENDING_FOR,
        key=f"ring:{question_id}:{payload['until']}:{look.reason.value}",
        subject_id=question_id,
        payload={**payload, "reason": look.reason.value},
    )
    steps.plan(session, [step])


def _put(session: Session, key: str, reason: CallReason, agency: str, now: datetime, **about: Any) -> None:
    call = PhoneCall(
        key=key,
        reason=reason.value,
        agency=agency,
        state=CallState.PENDING,
        made_at=now,
        expires_at=now + PENDING_FOR,
        attempts=0,
        **about,
    )
    session.add(call)
    session.flush()


def _arrived(session: Session, question: Question) -> bool:
    """Whether the carrier says that the latest text about it is on the handset."""
    state = session.scalar(
        select(Outbox.state)
        .where(Outbox.question_id == question.id)
        .order_by(Outbox.made_at.desc(), Outbox.id)
        .limit(1)
    )
    return state is OutboxState.DELIVERED


def _under_way(session: Session, about: ColumnElement[bool]) -> bool:
    since = real_now(session) - LIVE_FOR
    up = (PhoneCall.state == CallState.PLACED) & (PhoneCall.claimed_real > since)
    live = or_(PhoneCall.state.in_(_ON_ITS_WAY), up)
    return session.scalar(select(PhoneCall.id).where(about, live).limit(1)) is not None


def number_of(call: PhoneCall, person: Person | None) -> str:
    """Where a call goes."""
    return (person.phone if person is not None else call.to_number) or ""
