"""How many check-ins of an incident were answered; whose answer it was, and what it said, is not counted."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cism.store.tables import Question


@dataclass(frozen=True, slots=True)
class Replies:
    """Check-ins that went out, by what came of them."""

    answered: int
    waiting: int
    silent: int

    @property
    def sent(self) -> int:
        """All of them."""
        return self.answered + self.waiting + self.silent


def of(session: Session, incident_id: str) -> Replies:
    """Counts over the whole incident (domain.md 7.3: to the coordinator the status alone)."""
    query = (
        select(Question.state, func.count())
        .where(Question.incident_id == incident_id, Question.kind == "check_in")
        .group_by(Question.state)
    )
    counts = dict(session.execute(query).all())
    answered, waiting = counts.pop("answered", 0), counts.pop("open", 0)
    return Replies(answered, waiting, sum(counts.values()))
