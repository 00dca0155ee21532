"""Whoever does what was wanted: asked one after another, taken with 1, reported with 4, 5 or 6.

A person who is handed over is handed over warm: somebody says that they have it and how it went, and whoever
handed over hears no more than that it was received, or that it is theirs again (domain.md 5).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.offer_kinds import OfferKind
from cism.domain.plan import StepKind
from cism.domain.quiet_hours import next_open
from cism.errors import AlreadyDone, NotFound
from cism.services import (
    events,
    notify,
    offer_rows,
    offer_telling,
    offers,
    people,
    questions,
    steps,
    turn_helpers,
)
from cism.services.contact_rules import hours, open_now
from cism.store.states import OfferState
from cism.store.tables import Incident, Offer, Person, Question, Step, new_id

OUTCOMES = {"4": "reached", "5": "declined", "6": "not_reached"}
_LOOK_AGAIN = timedelta(minutes=10)  # while the team is still being asked


def on_offer(session: Session, step: Step, now: datetime) -> str | None:
    """An offer's moment: it is put before whoever makes it, or whoever does it is asked."""
    row = people.lock_incident(session, step.incident_id or "")
    offer = offer_rows.get(session, step.subject_id or "")
    if offer.state is OfferState.WANTED:
        return "asked already" if _open(session, offer) else ask_next(session, row, offer, now)
    return offers.on_offer(session, step, now)


def on_offer_deadline(session: Session, step: Step, now: datetime) -> str | None:
    """Not made, not taken, not answered or not reported in time."""
    row = people.lock_incident(session, step.incident_id or "")
    offer = offer_rows.get(session, step.subject_id or "")
    if "question" in step.payload:
        return _not_answered(session, row, offer, str(step.payload["question"]), now)
    if offer.state in offer_rows.TO_MAKE and "tell" in step.payload:
        return offer_telling.tell(session, row, offer, now)
    if offer.state is OfferState.OPEN:
        return offer_telling.overdue(session, row, offer, now)
    if offer.state is OfferState.WANTED:
        return _nobody(session, row, offer, now)
    if offer.state is OfferState.TAKEN:
        return _not_reported(session, row, offer, now, again=bool(step.payload.get("again")))
    return offer.state.value


def ask_next(session: Session, row: Incident, offer: Offer, now: datetime) -> str:
    """Ask the next who may do it; whoever sleeps is asked when they are up, unless it cannot wait."""
    if offer_rows.not_needed(session, row, offer) or not turn_helpers.is_wanted(session, row, offer):
        offer_rows.move(session, offer, OfferState.CANCELLED, now)
        return "not needed"
    rule = offer_rows.rule_of(row, offer)
    if turn_helpers.team_to_come(session, row, offer, now):
        _again(session, offer, now + _LOOK_AGAIN)
        return "the team is still being asked"
    found = turn_helpers.candidates(session, row, offer, now)
    awake = [one for one in found if rule.at_once or open_now(one, now)]
    if not awake and found:
        up = min(next_open(now, *hours(one)) for one in found)
        if up < offer.by_at:
            _again(session, offer, up)
            return "waits until somebody is up"
    if not awake:
        return _nobody(session, row, offer, now)
    _ask(session, row, offer, awake[0], now)
    return "asked"


def answer(session: Session, question: Question, digit: str, now: datetime) -> None:
    """1 takes it, 0 passes, 9 hands it back; 4, 5 and 6 say how it went."""
    row = people.lock_incident(session, question.incident_id or "")
    offer = offer_rows.get(session, question.subject_id or "")
    helper = people.get(session, question.person_id)
    if digit == "1":
        _take(session, row, offer, question, helper, now)
    elif digit in OUTCOMES:
        _report(session, row, offer, question, helper, OUTCOMES[digit], now)
    else:
        questions.answer(session, question, digit, now)
        if offer.helper_id == helper.id:
            offer.helper_id = None
            notify.handed_back(session, helper, question, now)
            offer_rows.move(session, offer, OfferState.WANTED, now)
        if offer.state is OfferState.WANTED:
            ask_next(session, row, offer, now)


def refer(
    session: Session, row: Incident, person_id: str, *, by: str | None, now: datetime, to: OfferKind
) -> Offer:
    """Hand one person over, who agreed to it: to a clinician, or a chaplain.

    Raises NotFound for somebody who is not on the list, AlreadyDone while one is under way.
    """
    if all(item.person_id != person_id or item.ended_at is not None for item in row.affected):
        message = "nobody of that id is looked after in this incident"
        raise NotFound(message)
    before = [
        one
        for one in offer_rows.of_incident(session, row.id)
        if one.person_id == person_id and one.kind == to.value
    ]
    if any(one.state in {OfferState.WANTED, OfferState.TAKEN} for one in before):
        message = "somebody is being asked already"
        raise AlreadyDone(message)
    offer = Offer(
        incident_id=row.id,
        key=f"{to.value}:{person_id}:asked{len(before)}",
        kind=to.value,
        state=OfferState.OFFERED,
        person_id=person_id,
        since=now,
        due_at=now,
        by_at=now,
        offered_at=now,
        offered_by=by,
        sender_id=by,
    )
    session.add(offer)
    session.flush()
    offer.by_at = now + offer_rows.rule_of(row, offer).within
    offers.make(session, offer.id, offers.Made.WANTED, by=by, now=now)
    return offer


def _ask(session: Session, row: Incident, offer: Offer, helper: Person, now: datetime) -> None:
    rule = offer_rows.rule_of(row, offer)
    deadline = now + rule.ack if rule.at_once else next_open(now + rule.ack, *hours(helper))
    question = questions.ask(
        session,
        person_id=helper.id,
        kind="hand_off" if offer.person_id else "turn",
        now=now,
        incident_id=row.id,
        subject_id=offer.id,
        about_id=offer.person_id,
        deadline=deadline,
    )
    notify.turn(session, helper, question, deadline, now)
    steps.plan(
        session,
        [
            offer_rows.one_step(
                StepKind.OFFER_DEADLINE, offer, deadline, f"turn-by:{question.id}", question=question.id
            )
        ],
    )


def _take(
    session: Session, row: Incident, offer: Offer, question: Question, helper: Person, now: datetime
) -> None:
    """The question stays open: the same code says how it went."""
    if offer.state is not OfferState.WANTED:
        if offer.helper_id != helper.id:
            questions.close(session, state="expired", now=now, subject_id=offer.id, person_id=helper.id)
            notify.already_covered(session, helper, now, key=question.id)
        return
    offer.helper_id = helper.id
    offer_rows.move(session, offer, OfferState.TAKEN, now)
    questions.close(session, state="expired", now=now, subject_id=offer.id, but=question.id)
    question.deadline = max(offer.by_at, now + offer_rows.rule_of(row, offer).ack)
    session.flush()
    notify.turn_taken(session, helper, question, question.deadline, now)
    steps.plan(
        session,
        [offer_rows.one_step(StepKind.OFFER_DEADLINE, offer, question.deadline, f"turn-done:{question.id}")],
    )
    if offer.sender_id is not None and offer.sender_id != helper.id:
        sender = people.get(session, offer.sender_id)
        notify.hand_off(session, sender, row, offer.id, now, received=True)


def _report(
    session: Session,
    row: Incident,
    offer: Offer,
    question: Question,
    helper: Person,
    outcome: str,
    now: datetime,
) -> None:
    """How it went is an event; the row says no more than that it is done."""
    if offer.helper_id not in {None, helper.id}:
        questions.close(session, state="expired", now=now, subject_id=offer.id, person_id=helper.id)
        notify.already_covered(session, helper, now, key=question.id)
        return
    questions.answer(session, question, outcome[:1], now)
    events.record(
        session,
        "offer.reported",
        now,
        incident_id=row.id,
        subject_id=offer.id,
        actor_id=helper.id,
        after=outcome,
    )
    notify.noted(session, helper, question, now)
    if outcome == OUTCOMES["6"]:
        offer.helper_id = None
        _nobody(session, row, offer, now, reason=outcome)
    else:
        offer.helper_id = helper.id
        offer_rows.move(session, offer, OfferState.DONE, now)


def _not_answered(session: Session, row: Incident, offer: Offer, question_id: str, now: datetime) -> str:
    question = session.get(Question, question_id)
    if offer.state is not OfferState.WANTED or question is None or question.state != "open":
        return "answered meanwhile"
    questions.close(session, state="expired", now=now, subject_id=offer.id, person_id=question.person_id)
    return ask_next(session, row, offer, now)


def _open(session: Session, offer: Offer) -> bool:
    query = select(Question.id).where(Question.subject_id == offer.id, Question.state == "open")
    return session.scalar(query.limit(1)) is not None


def _not_reported(session: Session, row: Incident, offer: Offer, now: datetime, *, again: bool) -> str:
    question = session.scalar(
        select(Question).where(
            Question.subject_id == offer.id, Question.person_id == offer.helper_id, Question.state == "open"
        )
    )
    if question is None or (question.deadline is not None and question.deadline > now):
        return "reported, or not due yet"
    if again:
        return _nobody(session, row, offer, now, reason="unreported")
    helper = people.get(session, question.person_id)
    question.deadline = next_open(now + offer_rows.rule_of(row, offer).ack, *hours(helper))
    notify.turn_taken(session, helper, question, question.deadline, now, again=True)
    steps.plan(
        session,
        [
            offer_rows.one_step(
                StepKind.OFFER_DEADLINE, offer, question.deadline, f"turn-again:{question.id}", again=1
            )
        ],
    )
    return "asked again"


def _nobody(
    session: Session, row: Incident, offer: Offer, now: datetime, reason: str = "nobody_took_it"
) -> str:
    """Those in charge have it, and whoever handed the person over has them again."""
    if reason == "nobody_took_it":
        questions.close(session, state="expired", now=now, subject_id=offer.id)
    offer.reason = reason
    offer_rows.move(session, offer, OfferState.NOBODY, now)
    offer_telling.to_charge(session, row, offer, now)
    if offer.sender_id is not None and reason != "unreported":
        notify.hand_off(session, people.get(session, offer.sender_id), row, offer.id, now, received=False)
    return reason.replace("_", " ")


def _again(session: Session, offer: Offer, due: datetime) -> None:
    step = offer_rows.one_step(StepKind.OFFER, offer, due, f"offer:{offer.id}@{new_id()}")
    steps.plan(session, [step])
