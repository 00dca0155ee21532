"""Messages wait here: written with the change that causes them, checked again when they are claimed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from cism.services import lateness
from cism.store.states import OutboxState
from cism.store.tables import Outbox, Person, Question, new_id
from notifications.messages import (
    Message,
    MessageKind,
    TeamNotice,
    from_payload,
    is_care,
    is_direct_answer,
    is_urgent,
    to_payload,
)

EMAIL = "email"  # the channel of what left the second way
_NEVER_LEFT = (
    OutboxState.PENDING,
    OutboxState.EXPIRED,
    OutboxState.CANCELLED,
    OutboxState.SUPPRESSED,
)
LANE_URGENT, LANE_ANSWER, LANE_TEAM, LANE_CARE = 0, 1, 2, 3


def put(
    session: Session,
    message: Message,
    *,
    key: str,
    now: datetime,
    person: Person | None = None,
    to_number: str | None = None,
    question: Question | None = None,
    incident_id: str | None = None,
    not_before: datetime | None = None,
    expires_at: datetime | None = None,
    lane: int | None = None,
) -> Outbox | None:
    """Queue one message, once by its key; None when it was there already.

    Give a person, or a bare number where none is known. The lane follows from the kind unless given. What a
    late step causes was due when the step was, so that texts leave in the order in which they were due.
    """
    if session.scalar(select(Outbox.id).where(Outbox.key == key)):
        return None
    owed = lateness.owed_since(session, now)
    if not_before is not None and not_before > now:
        owed = not_before
    row = Outbox(
        id=new_id(),
        key=key,
        kind=message.kind.value,
        person_id=person.id if person else None,
        to_number=to_number if person is None else None,
        language=person.language if person else "en",
        payload=json.dumps(to_payload(message)),
        lane=lane_of(message) if lane is None else lane,
        incident_id=incident_id,
        question_id=question.id if question else None,
        not_before=owed,
        owed_at=owed,
        expires_at=expires_at,
        state=OutboxState.PENDING,
        attempts=0,
        redacted=False,
        made_at=now,
    )
    session.add(row)
    session.flush()
    session.info.setdefault("put", []).append((row.id, row.lane == LANE_URGENT))
    return row


def lane_of(message: Message) -> int:
    """Pages and escalations, then direct answers, then team logistics, then care texts.

    How the asking stands asks for nothing while it goes on: it leaves after the pages that it tells of, and
    takes no room of what may be urgent to the same phone.
    """
    kind = MessageKind(message.kind)
    if is_urgent(kind):
        return LANE_TEAM if isinstance(message, TeamNotice) and not message.final else LANE_URGENT
    if is_direct_answer(kind):
        return LANE_ANSWER
    return LANE_CARE if is_care(kind) else LANE_TEAM


def message_of(row: Outbox) -> Message:
    """The typed message of a row."""
    return from_payload(MessageKind(row.kind), json.loads(row.payload))


def reword(row: Outbox, fields: Mapping[str, str | int | bool]) -> None:
    """Say the same with other fields; nothing that has left is changed."""
    if row.state is OutboxState.PENDING:
        row.payload = json.dumps(dict(fields))


def cancel(
    session: Session,
    *,
    reason: str,
    incident_id: str | None = None,
    person_id: str | None = None,
    care_only: bool = False,
) -> int:
    """Take back what has not left yet; at least one of the ids must be given."""
    where: list[ColumnElement[bool]] = [Outbox.state == OutboxState.PENDING]
    if incident_id is not None:
        where.append(Outbox.incident_id == incident_id)
    if person_id is not None:
        where.append(Outbox.person_id == person_id)
    if len(where) == 1:
        message = "refusing to cancel every message of everybody"
        raise ValueError(message)
    if care_only:
        where.append(Outbox.lane == LANE_CARE)
    result = session.execute(update(Outbox).where(*where).values(state=OutboxState.CANCELLED, reason=reason))
    return int(result.rowcount)  # type: ignore[attr-defined]


def supersede(
    session: Session, key: str, message: Message, *, person_id: str, about: ColumnElement[bool]
) -> None:
    """Take back what waits to leave to somebody, of this kind and `about` the same: another says it anew.

    `key`: of what says it; where that waits already, it stays.
    """
    same = (Outbox.person_id == person_id, Outbox.kind == message.kind, about)
    for row in waiting(session, *same, Outbox.key != key):
        row.state, row.reason = OutboxState.CANCELLED, "a later one says it anew"


def waiting(session: Session, *about: ColumnElement[bool]) -> Sequence[Outbox]:
    """What has not left, and does not leave before this transaction ends.

    What somebody is claiming in this moment is waited for, and is not among it: it has left.
    """
    query = select(Outbox).where(*about, Outbox.state == OutboxState.PENDING)
    return session.scalars(query.with_for_update()).all()


def never_left(session: Session, question_id: str) -> bool:
    """Whether the text of a question was still waiting to leave; it does not leave any more."""
    held = waiting(session, Outbox.question_id == question_id)
    left = session.scalar(
        select(Outbox.id).where(Outbox.question_id == question_id, Outbox.state.not_in(_NEVER_LEFT)).limit(1)
    )
    for row in held:
        row.state, row.reason = OutboxState.EXPIRED, "its moment passed"
    return bool(held) and left is None


def hold_answers(session: Session, person_id: str, until: datetime) -> None:
    """What this transaction answers this person leaves no earlier."""
    ids, _ = taken_messages(session)
    mine = (
        Outbox.id.in_(ids),
        Outbox.person_id == person_id,
        Outbox.lane == LANE_ANSWER,
        Outbox.not_before < until,
    )
    session.execute(update(Outbox).where(*mine).values(not_before=until))


def taken_messages(session: Session) -> tuple[list[str], list[str]]:
    """The messages put in this transaction so far: all ids, and the urgent ones among them."""
    put_here: list[tuple[str, bool]] = session.info.get("put", [])
    return [item for item, _ in put_here], [item for item, urgent in put_here if urgent]
