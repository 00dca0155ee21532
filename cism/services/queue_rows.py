"""Marking an item of the human queue as handled; used by the queue itself and when an escalation is
closed.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from cism.services import events, held, notify, outbox, people, steps
from cism.store.states import InboundState, OutboxState, QueueState
from cism.store.tables import InboundMessage, Outbox, QueueItem


def mark_handled(session: Session, row: QueueItem, by: str | None, now: datetime) -> None:
    """A human has read it and acted; care texts that waited for this human go on."""
    row.state, row.handled_at, row.handled_by = QueueState.HANDLED, now, by
    if row.inbound_sid is not None:
        inbound = session.get(InboundMessage, row.inbound_sid)
        if inbound is not None:
            inbound.state = InboundState.HANDLED
    steps.cancel(session, reason="handled", now=now, subject_id=row.id)
    if row.kind == notify.LIST_MISSING:
        _ask_no_more(session, row)
    if row.kind == "care_held" and row.person_id:
        people.get(session, row.person_id).care_held_at = None
        held.release(session, row.person_id, held.ZERO, now)
    events.record(session, "queue.handled", now, subject_id=row.id, actor_id=by)


def _ask_no_more(session: Session, row: QueueItem) -> None:
    """What waits to leave and asks for the list does not leave any more."""
    about = Outbox.key.startswith(notify.key_of_item(row), autoescape=True)
    for text in outbox.waiting(session, about):
        text.state, text.reason = OutboxState.CANCELLED, "handled"
