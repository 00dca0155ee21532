"""Who may read what somebody wrote, and who handles an item of the human queue (domain.md 7.3).

Whoever is in charge reads words where nobody looks after the sender, where their peer's phone does not take
the text, or once its time to be read is over; until then they see that it waits, whom to call and by when.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from cism.domain.access import Access, Act, Datum, Fact, best_access, in_charge, may_do, relations
from cism.domain.escalation import EscalationState
from cism.services import queue, queue_readers
from cism.services.notify_urgent import told_of
from cism.services.queue_peers import TO_PEER, first_reader, is_theirs, of_sender, waiting_for_peer
from cism.services.queue_readers import Lists
from cism.store.tables import Escalation, InboundMessage, Person, QueueItem

__all__ = ["is_theirs", "may_handle", "may_read", "shown", "theirs", "waiting_for_peer"]

# About a helper's work: whoever is in charge has to know what was written to act on it.
_ABOUT_WORK: Final = frozenset({"answer_refused", "worry"})


def theirs(session: Session, person: Person) -> list[QueueItem]:
    """What this person may handle, the nearest deadline first; the words of some of it are for somebody else.

    Of their own agency it is known without asking for each: `may_handle` decides the rest.
    """
    items = queue.open_items(session)
    lists = queue_readers.lists_for(session, items)
    incidents, near = lists.apart(person.id)
    charge_of = {None, person.agency} if in_charge(relations([item.role for item in person.roles])) else set()
    return [
        item
        for item in items
        if (item.agency in charge_of and item.person_id not in near and item.incident_id not in incidents)
        or may_handle(session, item, person, lists)
    ]


def may_handle(session: Session, row: QueueItem, helper: Person, lists: Lists | None = None) -> bool:
    """Whose work it is: the sender's own peer's, theirs who are in charge, and theirs who stand in for them.

    Nobody's who it is about, or who is on a list with whom it is about, unless nobody else is left.
    `lists`: what was read for many items at once.
    """
    roles = [item.role for item in helper.roles]
    own = is_theirs(session, row, helper)
    if helper.id == row.person_id or not may_do(roles, Act.HANDLE_QUEUE, same_agency=True, took_it=own):
        return False
    lists = lists or queue_readers.lists_for(session, [row])
    at_home = row.agency in {None, helper.agency} and in_charge(relations(roles))
    incidents, near = lists.apart(helper.id)
    if (own or at_home) and row.person_id not in near and row.incident_id not in incidents:
        return True
    return _stands_in(session, row, helper, lists)


def shown(session: Session, row: QueueItem, reader: Person, now: datetime) -> str | None:
    """The words, for whoever the table lets read them now; None for anybody else."""
    inbound = session.get(InboundMessage, row.inbound_sid) if row.inbound_sid else None
    if inbound is None or not may_read(session, row, reader, now):
        return None
    return inbound.body


def may_read(
    session: Session, row: QueueItem, reader: Person, now: datetime, lists: Lists | None = None
) -> bool:
    """Whether the table lets this reader see the words of an open item.

    Somebody who reads in the place of a coordinator (none is there) is as good as assigned.
    """
    lists = lists or queue_readers.lists_for(session, [row])
    if not may_handle(session, row, reader, lists):
        return False
    facts, stands_in = {Fact.FRESH}, _stands_in(session, row, reader, lists)
    if stands_in or is_theirs(session, row, reader):
        facts.add(Fact.OWN_PERSON)
    if _is_loose(session, row, reader, now):
        facts.add(Fact.UNASSIGNED)
    if stands_in or _is_escalated(session, row):
        facts.add(Fact.ESCALATED)
    held = relations([item.role for item in reader.roles], assigned=True)
    return best_access(held, Datum.FREE_TEXT, facts) is Access.YES


def _stands_in(session: Session, row: QueueItem, helper: Person, lists: Lists) -> bool:
    return any(item.id == helper.id for item in queue_readers.readers(session, row, lists=lists))


def _is_loose(session: Session, row: QueueItem, reader: Person, now: datetime) -> bool:
    """Nobody looks after the sender who could read it, or nobody did in time."""
    if row.kind in _ABOUT_WORK or row.deadline <= now:
        return True
    if row.kind in TO_PEER:
        return first_reader(session, row) is None or reader.id in told_of(session, row)
    return not of_sender(session, row)


def _is_escalated(session: Session, row: QueueItem) -> bool:
    """Whether somebody is being found for whoever wrote, because of this or of something else."""
    about = [Escalation.queue_id == row.id]
    if row.person_id is not None:
        about.append(Escalation.person_id == row.person_id)
    query = select(Escalation.id).where(or_(*about), Escalation.state != EscalationState.CLOSED)
    return session.scalar(query.limit(1)) is not None
