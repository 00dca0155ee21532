"""Whoever is away hands on what they were asked, and if they like what is theirs: no reason is asked.

Each is an act of its own, so that never more than one incident is held at a time.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.plan import PlannedStep, StepKind, StepState
from cism.services import answers, people, steps
from cism.store.states import OfferState
from cism.store.tables import Escalation, Offer, Person, Question, Step

_TAKEN: Final = ("assignment",)  # a question of this kind is only asked once it is theirs
_ASKED: Final = ("page", "offers")
_EITHER: Final = ("turn", "hand_off", "escalation", "welfare")


def to_pass_on(session: Session, person: Person, *, taken: bool) -> list[str]:
    """The open questions that somebody else is to be asked; with `taken` what they have said yes to as well.

    A call that they are to make goes with the assignment that it belongs to.
    """
    kinds = [*_ASKED, *_EITHER, *(_TAKEN if taken else ())]
    rows = session.scalars(
        select(Question)
        .where(Question.person_id == person.id, Question.state == "open", Question.kind.in_(kinds))
        .order_by(Question.asked_at)
    )
    return [row.id for row in rows if taken or not _is_theirs(session, row)]


def plan(session: Session, person: Person, now: datetime, *, taken: bool) -> int:
    """Pass on all of it from now on, each as a step of its own; returns how many."""
    found = to_pass_on(session, person, taken=taken)
    return steps.plan(
        session,
        [
            PlannedStep(
                kind=StepKind.WHILE_AWAY,
                due_at=now,
                key=f"pass-on:{question_id}:{now.timestamp():.6f}",
                person_id=person.id,
                subject_id=question_id,
            )
            for question_id in found
        ],
    )


def on_its_way(session: Session, person: Person) -> frozenset[str]:
    """What somebody else is asked in a moment, by what it is about: it asks this person nothing more."""
    query = (
        select(Question.subject_id)
        .join(Step, Step.subject_id == Question.id)
        .where(
            Question.person_id == person.id,
            Question.state == "open",
            Step.person_id == person.id,
            Step.kind == StepKind.WHILE_AWAY,
            Step.state == StepState.PLANNED,
        )
    )
    return frozenset(one for one in session.scalars(query) if one is not None)


def on_pass_on(session: Session, step: Step, now: datetime) -> str | None:
    """One of them goes to the next."""
    person = people.lock_person(session, step.person_id or "")
    pass_on(session, person, step.subject_id or "", now)
    return None


def pass_on(session: Session, person: Person, question_id: str, now: datetime) -> None:
    """One of them: not now, or handed back. It asks no reason, and the next is asked at once."""
    question = session.get(Question, question_id)
    if question is None or question.person_id != person.id or question.state != "open":
        return  # answered or covered meanwhile
    answers.apply(session, question, "9" if _is_theirs(session, question) else "0", None, now)


def _is_theirs(session: Session, question: Question) -> bool:
    """Whether they have said yes to it."""
    if question.kind in {"turn", "hand_off"}:
        offer = session.get(Offer, question.subject_id or "")
        return offer is not None and offer.state is OfferState.TAKEN and offer.helper_id == question.person_id
    if question.kind in {"escalation", "welfare"}:
        row = session.get(Escalation, question.subject_id or "")
        return row is not None and row.acked_by == question.person_id
    return question.kind in _TAKEN
