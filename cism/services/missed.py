"""What missed its moment: it is not sent late, a human has it, and hears of all of it in one text."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.plan import StepKind, StepState
from cism.services import notify, queue, queue_readers, steps, telling
from cism.store.states import QueueState
from cism.store.tables import Outbox, Person, QueueItem, Step

WITHIN = timedelta(hours=4)  # design: until then somebody is to have called
_AGAIN = timedelta(seconds=1)
_MAY_BE_MISSED = (StepKind.CONTACT, StepKind.PEER_TASK, StepKind.INVITE)


def add(
    session: Session,
    kind: str,
    person: Person,
    incident_id: str | None,
    now: datetime,
    *,
    outbox: Outbox | None = None,
) -> None:
    """A human is to call this person: one item, however many moments of one incident passed."""
    known = select(QueueItem.id).where(
        QueueItem.kind == kind,
        QueueItem.person_id == person.id,
        QueueItem.incident_id == incident_id,
        QueueItem.state == QueueState.OPEN,
    )
    if session.scalar(known.limit(1)) is not None:
        return
    queue.add(
        session,
        kind,
        now=now,
        within=WITHIN,
        person=person,
        incident_id=incident_id,
        outbox_id=outbox.id if outbox is not None else None,
        together=True,
    )


def on_tell_missed(session: Session, step: Step, now: datetime) -> str | None:
    """One text to each reader about everything that nobody was told of yet."""
    agency = str(step.payload["agency"])
    if _more_to_come(session, step):  # whoever takes the rest is at it: theirs goes into the same text
        steps.plan(session, [telling.step(agency, now + _AGAIN)])
        return "waits for the rest"
    query = (
        select(QueueItem)
        .where(QueueItem.agency == agency, QueueItem.untold.is_(True))
        .order_by(QueueItem.deadline, QueueItem.id)
        .with_for_update()
    )
    found: dict[str, list[QueueItem]] = defaultdict(list)
    readers: dict[str, Person] = {}
    for row in session.scalars(query).all():
        row.untold = False
        for reader in queue_readers.readers(session, row) if row.state is QueueState.OPEN else ():
            readers[reader.id] = reader
            found[reader.id].append(row)
    for reader_id, rows in found.items():
        notify.queue_missed(session, readers[reader_id], rows, now)
    return f"told {len(found)}"


def _more_to_come(session: Session, step: Step) -> bool:
    query = select(Step.id).where(
        Step.state == StepState.PLANNED,
        Step.kind.in_(_MAY_BE_MISSED),
        Step.due_at < step.due_at,
        Step.retry_real.is_(None),
    )
    return session.scalar(query.limit(1)) is not None
