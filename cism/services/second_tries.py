"""A text that surely did not arrive is tried again, where its class allows it.

As a message of its own, once the provider has said in a final status that the one before is over, and never
past what else is planned.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cism.domain.guarantee import wait_before_next
from cism.domain.people import SleepWindow
from cism.domain.plan import StepKind, StepState
from cism.domain.quiet_hours import next_open
from cism.services import outbox
from cism.store.tables import Outbox, Person, Question, Step
from notifications.messages import MessageKind, is_care

_MARK: Final = "+"  # in a key: which try it is; no other key has this sign
# What is planned about the same question: after it, or in the same minute, another try would be one too many.
_FOLLOWING: Final = (StepKind.CONTACT_REMINDER, StepKind.CONTACT_CLOSE)


def is_one(row: Outbox) -> bool:
    """Whether it is not the first try."""
    return _MARK in row.key


def plan(session: Session, row: Outbox, now: datetime) -> Outbox | None:
    """Queue the next try of a text that did not arrive; None: there is none, and something else follows."""
    base, _, nth = row.key.partition(_MARK)
    tried = int(nth or 1)
    kind = MessageKind(row.kind)
    wait = wait_before_next(kind, row.error_code, tried)
    question = session.get(Question, row.question_id) if row.question_id else None
    if wait is None or (question is not None and question.state != "open"):
        return None
    person = session.get(Person, row.person_id) if row.person_id else None
    at = now + wait
    if person is not None and is_care(kind):
        at = next_open(at, person.zone, SleepWindow(person.sleep_start, person.sleep_end))
    last = _last_moment(session, row)
    if last is not None and at >= last:
        return None
    return outbox.put(
        session,
        outbox.message_of(row),
        key=f"{base}{_MARK}{tried + 1}",
        now=now,
        person=person,
        to_number=row.to_number,
        question=question,
        incident_id=row.incident_id,
        not_before=at,
        expires_at=row.expires_at,
        lane=row.lane,
    )


def _last_moment(session: Session, row: Outbox) -> datetime | None:
    following = session.scalar(
        select(func.min(Step.due_at)).where(
            Step.subject_id == row.question_id,
            Step.state == StepState.PLANNED,
            Step.kind.in_(_FOLLOWING),
        )
    )
    found = [moment for moment in (following, row.expires_at) if moment is not None]
    return min(found) if found else None
