"""What a page behind a link is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.escalation_level import EscalationLevel
from cism.domain.questions import ALLOWED_DIGITS, QuestionKind
from cism.store.tables import Question
from cism.web.words import _

REPORT_LABELS = {
    "4": _("Reached"),
    "5": _("They declined"),
    "6": _("Not reached"),
    "9": _("Hand back"),
}

LEVELS = {
    EscalationLevel.ROUTINE: _("Routine"),
    EscalationLevel.URGENT: _("Urgent"),
    EscalationLevel.EMERGENCY: _("Emergency"),
}


@dataclass(frozen=True, slots=True)
class Button:
    """One answer to one question, the same as its digit by text."""

    question: str
    digit: str
    label: str
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """One part of a page: a template and what it shows. `subject` is what the audit log names."""

    template: str
    values: dict[str, Any] = field(default_factory=dict)
    subject: str | None = None


def over(words: str, *, href: str | None = None, label: str | None = None) -> Section:
    """There is nothing to do here any more; `href`: where it goes on, `label`: what one finds there."""
    return Section("sections/over.html", {"words": words, "href": href, "label": label})


def said(session: Session, person_id: str, subject_id: str | None, *kinds: str) -> str | None:
    """What this person answered last to a question about a subject; None where they were asked nothing."""
    query = select(Question).where(
        Question.person_id == person_id,
        Question.subject_id == subject_id,
        Question.kind.in_(kinds),
        Question.state == "answered",
    )
    found = session.scalars(query.order_by(Question.asked_at.desc())).first()
    return found.answer if found is not None else None


def open_question(
    session: Session, person_id: str, subject_id: str | None, *kinds: str, about_id: str | None = None
) -> Question | None:
    """The question that this person may answer about a subject."""
    query = select(Question).where(
        Question.person_id == person_id, Question.kind.in_(kinds), Question.state == "open"
    )
    if subject_id is not None:
        query = query.where(Question.subject_id == subject_id)
    if about_id is not None:
        query = query.where(Question.about_id == about_id)
    return session.scalars(query.order_by(Question.asked_at.desc())).first()


def buttons(question: Question | None, labels: Mapping[str, str]) -> list[Button]:
    """The buttons for an open question; the first of several is the strong one."""
    if question is None:
        return []
    allowed = ALLOWED_DIGITS[QuestionKind(question.kind)]
    return [
        Button(question.id, digit, label, strong=place == 0 and len(labels) > 1)
        for place, (digit, label) in enumerate(labels.items())
        if digit in allowed
    ]
