"""Whether what was claimed, and waited for its turn, is still to be sent: asked right before it leaves."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.services import may_leave
from cism.services.claims import PERSON_COLUMNS
from cism.store.db import now
from cism.store.tables import Outbox, Person, Question


def may_leave_still(session: Session, message_id: str) -> bool:
    """By the same rules as when it was claimed: a STOP, or another's "I take it", may have come since."""
    query = (
        select(*PERSON_COLUMNS)
        .outerjoin(Person, Person.id == Outbox.person_id)
        .outerjoin(Question, Question.id == Outbox.question_id)
        .where(Outbox.id == message_id)
    )
    return may_leave.held_back(session.execute(query).one(), now(session)) is None
