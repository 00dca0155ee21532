"""Somebody needs a human: opened, taken, and not over before a human said how it ended; `rungs` asks."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.access import Act, may_do
from cism.domain.escalation import (
    EscalationLevel,
    EscalationState,
    decide_closing,
    most_pressing,
    voice_deadline,
)
from cism.domain.people import PersonStatus
from cism.domain.plan import PlannedStep, StepKind
from cism.errors import AlreadyDone, NotAllowed
from cism.services import (
    after_escalation,
    events,
    handing_on,
    ladder,
    lateness,
    notify,
    people,
    questions,
    rungs,
    steps,
    voice,
)
from cism.store.tables import Escalation, InboundMessage, Person, Question, Step

BY_DIGIT = {"4": "reached", "5": "declined", "6": "not_reached"}


def open_for(
    session: Session,
    *,
    person: Person | None,
    agency: str,
    level: EscalationLevel,
    reason: str,
    now: datetime,
    incident_id: str | None = None,
    inbound_sid: str | None = None,
    queue_id: str | None = None,
    welfare: bool = False,
) -> Escalation:
    """Open an escalation, or raise the open one about the same person; the first rung is asked at once.

    `person` None: somebody whose number nobody knows wrote crisis words. While one is open the
    person's check-ins are held.
    """
    if person is not None:
        people.lock_person(session, person.id)
    current = _open_one(session, person, inbound_sid, welfare=welfare)
    if current is not None:
        return _raise_level(session, current, level, reason[:30], now)
    row = Escalation(
        person_id=person.id if person else None,
        agency=agency,
        incident_id=incident_id,
        inbound_sid=inbound_sid,
        queue_id=queue_id,
        level=level,
        reason=reason[:30],
        welfare=welfare,
        state=EscalationState.OPEN,
        rung=-1,
        opened_at=now,
        level_at=now,
    )
    session.add(row)
    session.flush()
    events.record(session, "escalation.opened", now, subject_id=row.id, after=level.value)
    rungs.plan_rung(session, row, 0, lateness.owed_since(session, now))
    return row


def on_overdue(session: Session, step: Step, now: datetime) -> str | None:
    """Taken but without an outcome by its voice target: back to the ladder (invariant 12)."""
    row = rungs.locked(session, step.subject_id or "")
    if "asked" in step.payload:
        return handing_on.not_taken(session, row, str(step.payload["asked"]), now)
    if row.state is not EscalationState.ACKED or row.acked_at is None or row.acked_by is None:
        return "closed meanwhile"
    if step.payload.get("acked") != row.acked_at.isoformat():
        return "taken again meanwhile"
    events.record(session, "escalation.overdue", now, subject_id=row.id, before="acked", after="open")
    helper = people.get(session, row.acked_by)
    notify.escalation_overdue(session, helper, rungs.question_of(session, row, helper, now), row, now)
    row.state, row.acked_by, row.acked_at = EscalationState.OPEN, None, None
    return rungs.ask(session, row, row.rung + 1, now, but=helper.id)


def answer(session: Session, question: Question, digit: str, now: datetime) -> None:
    """A helper's digit: 1 takes it, 4 5 6 say how it ended, 0 and 9 ask the next rung at once."""
    row = rungs.locked(session, question.subject_id or "")
    helper = people.get(session, question.person_id)
    if digit == "1":
        acknowledge(session, row, helper, now)
    elif digit in BY_DIGIT:
        close(session, row, helper, BY_DIGIT[digit], now)
        questions.answer(session, question, digit, now)
        notify.noted(session, helper, question, now, goes_on=digit == "6")
    else:
        _pass_on(session, row, question, now)
        handing_on.not_taken(session, row, helper.id, now)
        notify.handed_back(session, helper, question, now)


def acknowledge(session: Session, row: Escalation, helper: Person, now: datetime) -> None:
    """The first who takes it has it; the others are told that it is covered."""
    if row.state is EscalationState.ACKED and row.acked_by == helper.id:
        return
    handed = handing_on.giver(session, row, helper.id)
    if row.state is not EscalationState.OPEN and handed is None:
        notify.already_covered(session, helper, now, key=f"{row.id}:{helper.id}")
        return
    _refuse_own(row, helper)
    row.state, row.acked_by, row.acked_at = EscalationState.ACKED, helper.id, now
    handing_on.withdraw(session, row, now)
    if handed is None or row.voice_by is None:  # else it stays: a hand-over gives nobody more time
        row.voice_by = voice_deadline(rungs.rule_of(session, row), row.level_at, now, ladder.hours(helper))
    events.record(session, "escalation.acked", now, subject_id=row.id, actor_id=helper.id, after="acked")
    mine = rungs.question_of(session, row, helper, now)
    ladder.cover_others(session, row, helper, mine, now)
    voice.called_off(session, [mine], now)
    steps.cancel(session, reason="taken", now=now, subject_id=row.id)
    steps.plan(session, [_overdue(row, row.voice_by, now)])
    notify.escalation_yours(session, helper, mine, row, now)
    if row.person_id is not None:
        notify.helper_will_call(session, people.get(session, row.person_id), helper, row, now)


def _overdue(row: Escalation, due: datetime, taken_at: datetime) -> PlannedStep:
    return PlannedStep(
        kind=StepKind.ESCALATION_OVERDUE,
        due_at=due,
        key=f"overdue:{row.id}:{taken_at.timestamp():.6f}",
        subject_id=row.id,
        payload={"acked": taken_at.isoformat()},
    )


def close(session: Session, row: Escalation, helper: Person, outcome: str, now: datetime) -> None:
    """A human says how it ended. `not_reached` ends the calling and not the case: a welfare step takes
    over.
    """
    _refuse_own(row, helper)
    kind, _, by_name = outcome.partition(":")
    closing = decide_closing(row.state, kind, helper.id, welfare=row.welfare)
    if row.state is EscalationState.OPEN:
        ladder.cover_others(session, row, helper, rungs.question_of(session, row, helper, now), now)
    row.state, row.closed_at, row.closed_by = EscalationState.CLOSED, now, helper.id
    row.outcome = closing.outcome.value
    row.handed_to = by_name.strip() or None
    if row.acked_by is None:
        row.acked_by, row.acked_at = helper.id, now
    events.record(session, "escalation.closed", now, subject_id=row.id, actor_id=helper.id, after=row.outcome)
    handing_on.withdraw(session, row, now)
    questions.close(session, state="expired", now=now, subject_id=row.id)
    steps.cancel(session, reason="closed", now=now, subject_id=row.id)
    if closing.opens_welfare and not _has_died(session, row):
        open_for(
            session,
            person=people.get(session, row.person_id) if row.person_id else None,
            agency=row.agency,
            level=EscalationLevel.EMERGENCY,
            reason="not_reached",
            now=now,
            incident_id=row.incident_id,
            inbound_sid=row.inbound_sid,
            welfare=True,
        )
    session.flush()
    after_escalation.closed(session, row, helper, now)


def call_promised_by(session: Session, row: Escalation, now: datetime) -> datetime:
    """By when the person may be told that somebody calls; never a time that has passed."""
    if row.state is EscalationState.ACKED and row.voice_by is not None:
        return max(row.voice_by, now)
    return voice_deadline(rungs.rule_of(session, row), row.level_at, now)


def may_close(row: Escalation, helper: Person) -> None:
    """Closing needs who made the call; a clinical director may always."""
    others = may_do([item.role for item in helper.roles], Act.CLOSE_FOR_ANOTHER, same_agency=True)
    if others or row.acked_by == helper.id:
        return
    message = "only the helper who took it and made the call, or the clinical director, may close it"
    raise NotAllowed(message)


def open_about(session: Session, person_id: str) -> bool:
    """Whether a human is being found for this person right now: check-ins are held.

    What we ourselves left undone is no need of theirs, and must not cost them a check-in.
    """
    found = session.scalar(
        select(Escalation.id).where(
            Escalation.person_id == person_id,
            Escalation.state != EscalationState.CLOSED,
            Escalation.reason.not_in(rungs.OUR_OWN),
        )
    )
    return found is not None


def wants_still(session: Session, question: Question) -> bool:
    """Whether a helper who passed may take it all the same: nobody has it."""
    row = session.get(Escalation, question.subject_id or "")
    return row is not None and row.state is EscalationState.OPEN


def _open_one(
    session: Session, person: Person | None, inbound_sid: str | None, *, welfare: bool
) -> Escalation | None:
    """The open escalation about the same person; about the same number where nobody knows whose it is."""
    query = select(Escalation).where(
        Escalation.state != EscalationState.CLOSED, Escalation.welfare.is_(welfare)
    )
    if person is not None:
        return session.scalar(query.where(Escalation.person_id == person.id))
    sender = select(InboundMessage.from_hash).where(InboundMessage.sid == inbound_sid).scalar_subquery()
    same = query.join(InboundMessage, InboundMessage.sid == Escalation.inbound_sid).where(
        Escalation.person_id.is_(None), InboundMessage.from_hash == sender
    )
    return session.scalar(same.limit(1))


def _pass_on(session: Session, row: Escalation, question: Question, now: datetime) -> None:
    """Not now, or handed back: the next rung is asked at once, without whoever passed."""
    questions.answer(session, question, "9", now)
    if row.state is EscalationState.ACKED and row.acked_by == question.person_id:
        row.state, row.acked_by, row.acked_at = EscalationState.OPEN, None, None
        rungs.plan_rung(session, row, row.rung + 1, now, but=question.person_id)
    else:
        rungs.pass_by(session, row, question, now)


def _raise_level(
    session: Session, row: Escalation, level: EscalationLevel, reason: str, now: datetime
) -> Escalation:
    if row.reason in rungs.OUR_OWN:
        row.reason = reason
    if level is row.level or most_pressing((level, row.level)) is row.level:
        return row
    events.record(
        session, "escalation.raised", now, subject_id=row.id, before=row.level.value, after=level.value
    )
    row.level, row.level_at, row.reason = level, now, reason
    # whoever took it took something less pressing: they may take it again, but nobody waits for them
    row.state, row.acked_by, row.acked_at, row.voice_by = EscalationState.OPEN, None, None, None
    row.rung = -1
    steps.cancel(session, reason="raised", now=now, subject_id=row.id)
    rungs.plan_rung(session, row, 0, now)
    return row


def _has_died(session: Session, row: Escalation) -> bool:
    """Whether nobody can be met any more."""
    return bool(row.person_id) and people.get(session, row.person_id or "").status is PersonStatus.DECEASED


def _refuse_own(row: Escalation, helper: Person) -> None:
    if row.state is EscalationState.CLOSED:
        raise AlreadyDone
    if row.person_id is not None and row.person_id == helper.id:
        message = "this is about yourself: somebody else takes it"
        raise NotAllowed(message)
