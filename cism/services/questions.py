"""Questions to people: each with its own code, open until it is answered, expires or is superseded."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from cism import chance
from cism.domain.codes import new_code
from cism.services import voice
from cism.store.states import OutboxState
from cism.store.tables import Outbox, Question

CODE_REST = timedelta(days=180)


def ask(
    session: Session,
    *,
    person_id: str,
    kind: str,
    now: datetime,
    coded: bool = True,
    incident_id: str | None = None,
    subject_id: str | None = None,
    about_id: str | None = None,
    point: str | None = None,
    deadline: datetime | None = None,
) -> Question:
    """Open a question; the same open question to the same person is returned again with its code."""
    same = session.scalar(
        select(Question).where(
            Question.person_id == person_id,
            Question.kind == kind,
            Question.subject_id == subject_id if subject_id is not None else Question.subject_id.is_(None),
            Question.point == point if point is not None else Question.point.is_(None),
            Question.state == "open",
        )
    )
    if same is not None:
        same.deadline = deadline or same.deadline
        return same
    question = Question(
        person_id=person_id,
        kind=kind,
        code=_code(session, person_id, now) if coded else None,
        incident_id=incident_id,
        subject_id=subject_id,
        about_id=about_id,
        point=point,
        state="open",
        asked_at=now,
        deadline=deadline,
    )
    session.add(question)
    session.flush()
    return question


def reopen(session: Session, question: Question) -> Question:
    """Asked of the same person once more: it carries the same code."""
    question.state, question.answer, question.answered_at = "open", None, None
    session.flush()
    return question


def of_person(session: Session, person_id: str, now: datetime) -> list[Question]:
    """Every question that is open or was within 180 days, newest first: what a code may mean."""
    query = (
        select(Question)
        .where(Question.person_id == person_id, _remembered(now))
        .order_by(Question.asked_at.desc(), Question.id)
    )
    return list(session.scalars(query))


def answer(session: Session, question: Question, text: str, now: datetime) -> None:
    """Mark as answered; the answer itself is sealed."""
    question.state = "answered"
    question.answer = text
    question.answered_at = now
    voice.called_off(session, [question], now)


def close(
    session: Session,
    *,
    state: str,
    now: datetime,
    subject_id: str | None = None,
    person_id: str | None = None,
    incident_id: str | None = None,
    kinds: tuple[str, ...] = (),
    but: str | None = None,
) -> int:
    """Expire or supersede the open questions that match, and take back their texts that have not left."""
    query = select(Question).where(Question.state == "open")
    if subject_id is not None:
        query = query.where(Question.subject_id == subject_id)
    if person_id is not None:
        query = query.where(Question.person_id == person_id)
    if incident_id is not None:
        query = query.where(Question.incident_id == incident_id)
    if kinds:
        query = query.where(Question.kind.in_(kinds))
    rows = [row for row in session.scalars(query) if row.id != but]
    for row in rows:
        row.state = state
        row.answered_at = now
    if rows:
        voice.called_off(session, rows, now)
        session.execute(
            update(Outbox)
            .where(Outbox.question_id.in_([row.id for row in rows]), Outbox.state == OutboxState.PENDING)
            .values(state=OutboxState.CANCELLED, reason=f"question {state}")
        )
    return len(rows)


def _remembered(now: datetime) -> ColumnElement[bool]:
    """Somebody may still answer it, or did so, or was told that it is over, not long ago."""
    since = now - CODE_REST
    return (Question.state == "open") | (Question.asked_at > since) | (Question.answered_at > since)


def _code(session: Session, person_id: str, now: datetime) -> str:
    taken = session.scalars(
        select(Question.code).where(
            Question.person_id == person_id,
            Question.code.is_not(None),
            _remembered(now),
        )
    )
    return new_code(chance.source(), {code for code in taken if code})
