"""A digit that answers one open question, by SMS or by a button: one place decides what it does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session

from cism.domain.consents import How, Purpose
from cism.errors import AlreadyDone, BadInput
from cism.services import (
    activation,
    calls,
    consents,
    contact_answers,
    escalations,
    events,
    meetings,
    notify,
    offers,
    on_call_swaps,
    people,
    questions,
    sessions,
    stepping_back,
    turns,
)
from cism.store.tables import Question


def apply(session: Session, question: Question, digit: str, number: int | None, now: datetime) -> None:
    """Do what the answer says; an answer to a question that is not open changes nothing."""
    if question.state != "open":
        raise AlreadyDone
    act = _ACTS.get(question.kind)
    if act is None:
        message = f"a question of kind {question.kind!r} takes no digit"
        raise BadInput(message)
    act(session, question, digit, number, now)


def _page(session: Session, question: Question, digit: str, _number: int | None, now: datetime) -> None:
    activation.answer_page(session, question, digit, now)


def _assignment(session: Session, question: Question, digit: str, _number: int | None, now: datetime) -> None:
    """9 hands back; a report on the whole assignment is kept as a status, and the assignment stays."""
    if digit == "9":
        stepping_back.hand_back(session, question, now)
        return
    if digit in {"4", "5", "6"}:
        outcome = {"4": "reached", "5": "declined", "6": "not_reached"}[digit]
        events.record(
            session,
            "contact.reported",
            now,
            incident_id=question.incident_id,
            subject_id=question.subject_id,
            actor_id=question.person_id,
            after=outcome,
        )
        notify.noted(session, people.get(session, question.person_id), question, now)


def _approval(session: Session, question: Question, digit: str, _number: int | None, now: datetime) -> None:
    sessions.answer_approval(session, question, digit, now)
    notify.noted(session, people.get(session, question.person_id), question, now)


def _report(session: Session, question: Question, _digit: str, number: int | None, now: datetime) -> None:
    meetings.answer_report(session, question, number, now)


def _contact_report(
    session: Session, question: Question, digit: str, _number: int | None, now: datetime
) -> None:
    calls.answer_report(session, question, digit, now)
    helper = people.get(session, question.person_id)
    if digit == "9":
        notify.handed_back(session, helper, question, now)
    else:
        notify.noted(session, helper, question, now)


def _offers(session: Session, question: Question, digit: str, _number: int | None, now: datetime) -> None:
    offers.answer(session, question, digit, now)


def _turn(session: Session, question: Question, digit: str, _number: int | None, now: datetime) -> None:
    turns.answer(session, question, digit, now)


def _swap(session: Session, question: Question, digit: str, _number: int | None, now: datetime) -> None:
    decide = on_call_swaps.accept if digit == "1" else on_call_swaps.refuse
    decide(session, question.subject_id or "", question.person_id, now)


def _escalation(session: Session, question: Question, digit: str, _number: int | None, now: datetime) -> None:
    escalations.answer(session, question, digit, now)


def _check_in(session: Session, question: Question, digit: str, _number: int | None, now: datetime) -> None:
    contact_answers.answer_check_in(session, question, digit, now)


def _opt_in(session: Session, question: Question, digit: str, _number: int | None, now: datetime) -> None:
    contact_answers.answer_opt_in(session, question, digit, now)


def _invitation(session: Session, question: Question, digit: str, _number: int | None, now: datetime) -> None:
    meetings.answer_invitation(session, question, digit, now)


def _confirm(session: Session, question: Question, digit: str, _number: int | None, now: datetime) -> None:
    """1 confirms; 0 says that this is not their number, or that they want no texts: none are sent."""
    questions.answer(session, question, digit, now)
    person = people.get(session, question.person_id)
    if digit == "1":
        person.phone_confirmed_at = now
        notify.phone_confirmed(session, person, now, question.id)
    else:
        consents.note(session, person, Purpose.CARE, False, How.TEXT, now)
        person.revoked_care = True


_Act = Callable[[Session, Question, str, int | None, datetime], None]
_ACTS: dict[str, _Act] = {
    "page": _page,
    "assignment": _assignment,
    "approval": _approval,
    "report": _report,
    "contact_report": _contact_report,
    "escalation": _escalation,
    "offers": _offers,
    "turn": _turn,
    "hand_off": _turn,
    "swap": _swap,
    "welfare": _escalation,
    "check_in": _check_in,
    "opt_in": _opt_in,
    "invitation": _invitation,
    "confirm_phone": _confirm,
}
