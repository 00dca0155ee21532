"""What goes on once a human has closed an escalation: held check-ins, and the words that led to it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from cism.domain.escalation import EscalationState
from cism.services import held, queue_rows
from cism.store.states import QueueState
from cism.store.tables import Escalation, InboundMessage, Person, QueueItem


def closed(session: Session, row: Escalation, helper: Person, now: datetime) -> None:
    """The human who closed it has read the words; check-ins go on unless their moment has passed."""
    for item in session.scalars(_read_with(row, now)).all():
        queue_rows.mark_handled(session, item, helper.id, now)
    if row.person_id is None:
        return
    still = session.scalar(
        select(Escalation.id).where(
            Escalation.person_id == row.person_id, Escalation.state != EscalationState.CLOSED
        )
    )
    if still is None:
        held.release(session, row.person_id, held.ESCALATION, now)


def _read_with(row: Escalation, now: datetime) -> Select[QueueItem]:
    """What lay in the queue because of it: the item that went up the ladder, and the person's own words."""
    mine = QueueItem.id == (row.queue_id or "")
    if row.inbound_sid is not None:
        sender = select(InboundMessage.from_hash).where(InboundMessage.sid == row.inbound_sid)
        theirs = select(InboundMessage.sid).where(InboundMessage.from_hash == sender.scalar_subquery())
        mine |= QueueItem.inbound_sid.in_(theirs)
    if row.person_id is not None:
        words = QueueItem.kind.in_(["free_text", "help", "crisis"]) & (QueueItem.received_at <= now)
        mine |= (QueueItem.person_id == row.person_id) & words
    return select(QueueItem).where(QueueItem.state == QueueState.OPEN, mine)
