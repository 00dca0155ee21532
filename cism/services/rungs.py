"""One rung after another is asked, until a human has taken it: the ladder never waits for an empty chair."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.escalation import EscalationState, clinicians_first, next_rung, welfare_ladder
from cism.domain.incident import Severity
from cism.domain.plan import PlannedStep, StepKind
from cism.domain.protocol import DEFAULT_PROTOCOL, LadderRule, Protocol, from_json, protocol_or_default
from cism.domain.voice import is_called
from cism.errors import NotFound
from cism.services import events, ladder, lateness, notify, questions, sabotage, steps, voice
from cism.store.tables import Agency, Escalation, Incident, Person, Question, Step, new_id

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


def on_escalate(session: Session, step: Step, now: datetime) -> str | None:
    """Ask the next rung, and plan the one after it; it stops only when a human has taken it."""
    row = locked(session, step.subject_id or "")
    if row.state is not EscalationState.OPEN:
        return "taken meanwhile"
    return ask(session, row, int(step.payload["rung"]), now, but=step.payload.get("but"))


def ask_clinicians(session: Session, row: Escalation, now: datetime) -> bool:
    """The person asks for a clinician: the ladder begins anew with those. False where somebody has it."""
    if row.state is EscalationState.OPEN and row.reason in _OWN_WISH:
        row.reason, row.rung = SHARED, -1
        steps.cancel(session, reason="clinicians first", now=now, subject_id=row.id)
        plan_rung(session, row, 0, now)
    return row.state is EscalationState.OPEN


def cannot_be_told(session: Session, question: Question, now: datetime) -> None:
    """A helper whom the text did not reach is no helper: the next rung now, not after their silence."""
    row = locked(session, question.subject_id or "")
    if question.deadline is None or now < question.deadline:
        pass_by(session, row, question, now)


def call_too(session: Session, question: Question, now: datetime) -> None:
    """Nobody can say whether the text reached this helper: besides the next rung, they are called."""
    row = locked(session, question.subject_id or "")
    if row.state is EscalationState.OPEN:
        voice.call_now(session, question, row.agency, _gravity(row), now)


def ask(session: Session, row: Escalation, rung: int, now: datetime, *, but: str | None = None) -> str:
    """Ask those who stand on this rung, without `but`, and plan the next one; how many, in words."""
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
        plan_rung(
            session, row, rung + 1, deadline if helpers or plan.alarm else lateness.owed_since(session, now)
        )
    return f"asked {len(helpers)}"


def pass_by(session: Session, row: Escalation, question: Question, now: datetime) -> None:
    """The next rung without waiting for the deadline; at the end of the ladder all others were asked in the
    same minute, and are asked again when it is time: otherwise one dead phone would have them asked again
    and again.
    """
    if row.state is EscalationState.OPEN and row.rung < len(rule_of(session, row).rungs):
        steps.cancel(session, reason="next rung asked", now=now, subject_id=row.id)
        plan_rung(session, row, row.rung + 1, now, but=question.person_id)


def plan_rung(session: Session, row: Escalation, rung: int, due: datetime, *, but: str | None = None) -> None:
    """This rung is asked when it is due, without `but`, who has passed."""
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


def _tell_duty_phone(session: Session, row: Escalation, rung: int, asked: set[str], now: datetime) -> None:
    """Not a helper's own phone, who is called anyway, nor that of the person or of their chain of command."""

    def may_know(owner: Person) -> bool:
        return owner.id not in asked and ladder.may_help(session, row, owner)

    voice.tell_duty_phone(session, row.agency, row.id, rung, now, may_know)


def _gravity(row: Escalation) -> Severity:
    """What we ourselves left undone, and what waits for waking hours, wakes nobody by phone."""
    return Severity.S4 if is_called(row.level) and row.reason not in OUR_OWN else Severity.S1
