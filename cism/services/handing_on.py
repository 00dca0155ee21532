"""A call that somebody has taken goes over to a colleague who says so; until then it stays where it is.

Warm: whoever hands on has spoken with the colleague, keeps the person until the colleague has them, and has
them still where nobody says yes (domain.md 5).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.escalation import EscalationState
from cism.services import events, notify, people, questions
from cism.store.staff_tables import HandingOn
from cism.store.tables import Escalation, Question


def giver(session: Session, row: Escalation, colleague_id: str) -> str | None:
    """Who asked this colleague to take it over, and has it still; None where nobody did."""
    asked = session.get(HandingOn, row.id)
    if asked is None or asked.to_id != colleague_id or not _holds(row, asked):
        return None
    return asked.from_id


def asked_of(session: Session, row: Escalation) -> str | None:
    """Which colleague is being asked to take it over from whoever has it."""
    asked = session.get(HandingOn, row.id)
    return asked.to_id if asked is not None and _holds(row, asked) else None


def asked_of_many(session: Session, rows: Collection[Escalation]) -> dict[str, str]:
    """The same for several with one query: the colleague by the escalation's id, where one is asked."""
    by_id = {row.id: row for row in rows}
    found = session.scalars(select(HandingOn).where(HandingOn.escalation_id.in_(by_id)))
    return {one.escalation_id: one.to_id for one in found if _holds(by_id[one.escalation_id], one)}


def write(session: Session, row: Escalation, colleague_id: str, now: datetime) -> None:
    """A colleague is asked; one who was asked before is asked no longer."""
    withdraw(session, row, now)
    session.add(HandingOn(escalation_id=row.id, from_id=row.acked_by or "", to_id=colleague_id, asked_at=now))
    events.record(session, "escalation.handing_on", now, subject_id=row.id, actor_id=row.acked_by)
    session.flush()


def withdraw(session: Session, row: Escalation, now: datetime) -> None:
    """It is asked no longer, for whatever reason; whoever was asked hears nothing of it."""
    asked = session.get(HandingOn, row.id)
    if asked is None:
        return
    session.delete(asked)
    session.flush()
    if row.acked_by != asked.to_id:
        questions.close(session, state="expired", now=now, subject_id=row.id, person_id=asked.to_id)


def not_taken(session: Session, row: Escalation, colleague_id: str, now: datetime) -> str:
    """The colleague passed, or did not answer: whoever has it is told that it is theirs still."""
    holder = giver(session, row, colleague_id)
    if holder is None:
        return "over meanwhile"
    withdraw(session, row, now)
    question = _own(session, row, holder)
    if question is not None:
        notify.escalation_yours(session, people.get(session, holder), question, row, now)
    return "stays with whoever has it"


def _own(session: Session, row: Escalation, holder: str) -> Question | None:
    query = select(Question).where(
        Question.person_id == holder,
        Question.subject_id == row.id,
        Question.kind.in_(("escalation", "welfare")),
    )
    return session.scalars(query.order_by(Question.asked_at.desc())).first()


def _holds(row: Escalation, asked: HandingOn) -> bool:
    return row.state is EscalationState.ACKED and row.acked_by == asked.from_id
