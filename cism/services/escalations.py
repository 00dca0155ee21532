"""Somebody needs a human: asked rung by rung, for ever, until a human took it and said how it ended."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from cism.domain.access import Act, may_do
from cism.domain.escalation import (
    EscalationLevel,
    EscalationState,
    clinicians_first,
    decide_closing,
    most_pressing,
    next_rung,
    voice_deadline,
    welfare_ladder,
)
from cism.domain.incident import Severity
from cism.domain.people import PersonStatus
from cism.domain.plan import PlannedStep, StepKind
from cism.domain.protocol import DEFAULT_PROTOCOL, LadderRule, Protocol, from_json, protocol_or_default
from cism.domain.voice import is_called
from cism.errors import AlreadyDone, NotAllowed, NotFound
from cism.services import (
    after_escalation,
    events,
    handing_on,
    ladder,
    lateness,
    notify,
    people,
    questions,
    sabotage,
    steps,
    voice,
)
from cism.store.tables import (
    Agency,
    Escalation,
    InboundMessage,
    Incident,
    Person,
    Question,
    Step,
    new_id,
)

# Reasons that say what the team left undone, not what the person needs.
OUR_OWN = frozenset(
    f"unread_{kind}"
    for kind in (
        *("call_needed", "call_unreported", "contact_missed", "unsettled_send", "care_held", "worry"),
        "no_next_step",
    )
)
_WORRIES = frozenset({"worry", "unread_worry"})
SHARED = "screening_shared"
"""They filled in the private questions and ask for a clinician; nothing of what they answered."""
_OWN_WISH = frozenset({"call_later", "call_later_again", "call_now"})
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
    _plan_rung(session, row, 0, lateness.owed_since(session, now))
    return row


def on_escalate(session: Session, step: Step, now: datetime) -> str | None:
    """Ask the next rung, and plan the one after it; it stops only when a human has taken it."""
    row = locked(session, step.subject_id or "")
    if row.state is not EscalationState.OPEN:
        return "taken meanwhile"
    return _ask(session, row, int(step.payload["rung"]), now, but=step.payload.get("but"))


def on_overdue(session: Session, step: Step, now: datetime) -> str | None:
    """Taken but without an outcome by its voice target: back to the ladder (invariant 12)."""
    row = locked(session, step.subject_id or "")
    if "asked" in step.payload:
        return handing_on.not_taken(session, row, str(step.payload["asked"]), now)
    if row.state is not EscalationState.ACKED or row.acked_at is None or row.acked_by is None:
        return "closed meanwhile"
    if step.payload.get("acked") != row.acked_at.isoformat():
        return "taken again meanwhile"
    events.record(session, "escalation.overdue", now, subject_id=row.id, before="acked", after="open")
    helper = people.get(session, row.acked_by)
    notify.escalation_overdue(session, helper, question_of(session, row, helper, now), row, now)
    row.state, row.acked_by, row.acked_at = EscalationState.OPEN, None, None
    return _ask(session, row, row.rung + 1, now, but=helper.id)


def answer(session: Session, question: Question, digit: str, now: datetime) -> None:
    """A helper's digit: 1 takes it, 4 5 6 say how it ended, 0 and 9 ask the next rung at once."""
    row = locked(session, question.subject_id or "")
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
        row.voice_by = voice_deadline(rule_of(session, row), row.level_at, now, ladder.hours(helper))
    events.record(session, "escalation.acked", now, subject_id=row.id, actor_id=helper.id, after="acked")
    mine = question_of(session, row, helper, now)
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
        ladder.cover_others(session, row, helper, question_of(session, row, helper, now), now)
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
    return voice_deadline(rule_of(session, row), row.level_at, now)


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
            Escalation.reason.not_in(OUR_OWN),
        )
    )
    return found is not None


def wants_still(session: Session, question: Question) -> bool:
    """Whether a helper who passed may take it all the same: nobody has it."""
    row = session.get(Escalation, question.subject_id or "")
    return row is not None and row.state is EscalationState.OPEN


def locked(session: Session, escalation_id: str) -> Escalation:
    """The row, held until the transaction ends."""
    query = select(Escalation).where(Escalation.id == escalation_id).with_for_update(key_share=True)
    row = session.execute(query, execution_options={"populate_existing": True}).scalar_one_or_none()
    if row is None:
        message = f"there is no escalation {escalation_id!r}; `cism escalations` lists them"
        raise NotFound(message)
    return row


def rule_of(session: Session, row: Escalation) -> LadderRule:
    """The ladder: of the incident's own protocol version, or the agency's where there is no incident."""
    rule = _protocol(session, row).ladders[row.level]
    if row.reason in _WORRIES:  # a peer asks for a clinician: asking a peer again would be no answer
        rungs = tuple(role for role in rule.rungs if not role.endswith("_peer"))
        rule = rule.model_copy(update={"rungs": rungs or rule.rungs})
    if row.reason == SHARED:
        rule = clinicians_first(rule)
    return welfare_ladder(rule) if row.welfare else rule


def ask_clinicians(session: Session, row: Escalation, now: datetime) -> bool:
    """The person asks for a clinician: the ladder begins anew with those. False where somebody has it."""
    if row.state is EscalationState.OPEN and row.reason in _OWN_WISH:
        row.reason, row.rung = SHARED, -1
        steps.cancel(session, reason="clinicians first", now=now, subject_id=row.id)
        _plan_rung(session, row, 0, now)
    return row.state is EscalationState.OPEN


def question_of(session: Session, row: Escalation, helper: Person, now: datetime) -> Question:
    """The question to one helper; whoever is asked again, even after passing, keeps the same code."""
    kind = "welfare" if row.welfare else "escalation"
    before = session.scalar(
        select(Question).where(
            Question.person_id == helper.id, Question.kind == kind, Question.subject_id == row.id
        )
    )
    if before is not None:
        return questions.reopen(session, before)
    return questions.ask(
        session,
        person_id=helper.id,
        kind=kind,
        now=now,
        subject_id=row.id,
        about_id=row.person_id,
    )


def _protocol(session: Session, row: Escalation) -> Protocol:
    if row.incident_id is not None:
        return from_json(session.get_one(Incident, row.incident_id).protocol_body)
    agency = session.get(Agency, row.agency)
    return protocol_or_default(agency.protocol if agency else DEFAULT_PROTOCOL)


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


def _ask(session: Session, row: Escalation, rung: int, now: datetime, *, but: str | None = None) -> str:
    rule = rule_of(session, row)
    plan = next_rung(rule, rung, now)
    helpers = [item for item in ladder.helpers_for(session, row, rule, plan) if item.id != but]
    deadline = plan.ack_deadline
    row.rung = rung
    for helper in helpers:
        own = next_rung(rule, rung, now, ladder.hours(helper))
        deadline = max(deadline, own.ack_deadline) if rule.waking else deadline
        question = question_of(session, row, helper, now)
        question.deadline = own.ack_deadline
        notify.escalation(session, helper, question, row, rung, own, now)
        if is_called(row.level):
            target = row.level_at + rule.voice
            voice.watch(session, question, row.agency, _gravity(row), own.ask_at, own.ack_deadline, target)
    if plan.alarm:
        events.record(session, "escalation.alarm", now, subject_id=row.id, after=row.level.value)
        if is_called(row.level):
            _tell_duty_phone(session, row, rung, {item.id for item in helpers}, now)
    # a rung with nobody on it is passed at once: the ladder never waits for an empty chair, except at its end
    if not sabotage.ends_ladder(session):
        _plan_rung(
            session, row, rung + 1, deadline if helpers or plan.alarm else lateness.owed_since(session, now)
        )
    return f"asked {len(helpers)}"


def _tell_duty_phone(session: Session, row: Escalation, rung: int, asked: set[str], now: datetime) -> None:
    """Not a helper's own phone, who is called anyway, nor that of the person or of their chain of command."""

    def may_know(owner: Person) -> bool:
        return owner.id not in asked and ladder.may_help(session, row, owner)

    voice.tell_duty_phone(session, row.agency, row.id, rung, now, may_know)


def _plan_rung(
    session: Session, row: Escalation, rung: int, due: datetime, *, but: str | None = None
) -> None:
    steps.plan(
        session,
        [
            PlannedStep(
                kind=StepKind.ESCALATE,
                due_at=due,
                # its row is held and its other rungs are cancelled: there is nothing to tell apart by time
                key=f"escalate:{row.id}:{rung}:{new_id()}",
                subject_id=row.id,
                payload={"rung": rung} if but is None else {"rung": rung, "but": but},
            )
        ],
    )


def _pass_on(session: Session, row: Escalation, question: Question, now: datetime) -> None:
    """Not now, or handed back: the next rung is asked at once, without whoever passed."""
    questions.answer(session, question, "9", now)
    if row.state is EscalationState.ACKED and row.acked_by == question.person_id:
        row.state, row.acked_by, row.acked_at = EscalationState.OPEN, None, None
        _plan_rung(session, row, row.rung + 1, now, but=question.person_id)
    else:
        _ask_next(session, row, question, now)


def cannot_be_told(session: Session, question: Question, now: datetime) -> None:
    """A helper whom the text did not reach is no helper: the next rung now, not after their silence."""
    row = locked(session, question.subject_id or "")
    if question.deadline is None or now < question.deadline:
        _ask_next(session, row, question, now)


def call_too(session: Session, question: Question, now: datetime) -> None:
    """Nobody can say whether the text reached this helper: besides the next rung, they are called."""
    row = locked(session, question.subject_id or "")
    if row.state is EscalationState.OPEN:
        voice.call_now(session, question, row.agency, _gravity(row), now)


def _gravity(row: Escalation) -> Severity:
    """What we ourselves left undone, and what waits for waking hours, wakes nobody by phone."""
    return Severity.S4 if is_called(row.level) and row.reason not in OUR_OWN else Severity.S1


def given_up(session: Session, helper: Person, now: datetime) -> None:
    """A helper who is gone has what they took no longer, and what they were asked passes to the next."""
    _hand_on(session, Escalation.acked_by == helper.id, Question.person_id == helper.id, now=now)


def stand_back(session: Session, row: Incident, now: datetime) -> None:
    """Whoever is on a list handles nobody on it: what they took or were asked passes on (domain.md 11.17)."""
    here = {item.person_id for item in row.affected}
    taken = Escalation.acked_by.in_(here) & Escalation.person_id.in_(here)
    asked = Question.person_id.in_(here) & Question.about_id.in_(here)
    for question in _hand_on(session, taken, asked, now=now):
        notify.handed_back(session, people.get(session, question.person_id), question, now)


def _hand_on(
    session: Session, taken: ColumnElement[bool], asked: ColumnElement[bool], *, now: datetime
) -> list[Question]:
    """Escalations that were taken open again, questions that are open close; those questions."""
    acked = select(Escalation.id).where(taken, Escalation.state == EscalationState.ACKED)
    for escalation_id in session.scalars(acked).all():
        row = locked(session, escalation_id)
        events.record(session, "escalation.given_up", now, subject_id=row.id, before="acked", after="open")
        helper_id, row.state = row.acked_by, EscalationState.OPEN
        row.acked_by = row.acked_at = None
        steps.cancel(session, reason="given up", now=now, subject_id=row.id)
        _plan_rung(session, row, row.rung + 1, now, but=helper_id)
    open_ones = select(Question).where(
        asked, Question.kind.in_(("escalation", "welfare")), Question.state == "open"
    )
    found = list(session.scalars(open_ones))
    for question in found:
        cannot_be_told(session, question, now)
        questions.close(
            session, state="expired", now=now, subject_id=question.subject_id, person_id=question.person_id
        )
    return found


def _ask_next(session: Session, row: Escalation, question: Question, now: datetime) -> None:
    """Without waiting for the deadline; at the end of the ladder all others were asked in the same minute,
    and are asked again when it is time: otherwise one dead phone would have them asked again and again.
    """
    if row.state is EscalationState.OPEN and row.rung < len(rule_of(session, row).rungs):
        steps.cancel(session, reason="next rung asked", now=now, subject_id=row.id)
        _plan_rung(session, row, row.rung + 1, now, but=question.person_id)


def _raise_level(
    session: Session, row: Escalation, level: EscalationLevel, reason: str, now: datetime
) -> Escalation:
    if row.reason in OUR_OWN:
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
    _plan_rung(session, row, 0, now)
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
