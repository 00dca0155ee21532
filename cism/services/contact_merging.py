"""Two incidents of one person: one text speaks for both, where it is near enough and asked about both."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.followup import MERGE_WITHIN
from cism.services import choice
from cism.store.tables import AffectedPerson, Incident, Person, Question, Step


def check_in(session: Session, step: Step, row: Incident, item: AffectedPerson, person: Person) -> bool:
    """Two incidents at once: one check-in within 48 h speaks for both, unless it was declined.

    One from before the second event, or from its first hours, asked about the other alone.
    """
    first = choice.protocol_of(row).contact("f1")
    # by the due moment and to the minute: points lie whole days apart, and milliseconds must not decide
    since = step.due_at - MERGE_WITHIN + timedelta(minutes=1)
    if item.exposure_end is not None and first is not None and first.window is not None:
        since = max(since, item.exposure_end + first.window[0])
    recent = session.scalar(
        select(Question)
        .where(
            Question.person_id == person.id,
            Question.kind == "check_in",
            Question.asked_at >= since,
            Question.incident_id != row.id,
            Question.state.in_(["open", "answered", "expired"]),
        )
        .order_by(Question.asked_at.desc())
        .limit(1)
    )
    if recent is None or recent.answer == "0":
        return False
    recent.merged = sorted({*(recent.merged or []), row.id})
    return True


def opt_in(session: Session, row: Incident, person: Person, now: datetime) -> bool:
    """Two incidents whose last check-ins were one: the question that is open asks about both."""
    asked = session.scalar(
        select(Question).where(
            Question.person_id == person.id,
            Question.kind == "opt_in",
            Question.state == "open",
            Question.asked_at > now - MERGE_WITHIN,
            Question.incident_id != row.id,
        )
    )
    if asked is None:
        return False
    asked.merged = sorted({*(asked.merged or []), row.id})
    return True
