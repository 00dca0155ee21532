"""Whose peer reads what somebody wrote, before anybody else does (domain.md 7.3).

A plain text is told to the peer who looks after the sender, while that peer is up and can be reached. Words
on which somebody is called at once go to whoever takes that call.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.incident import IncidentState
from cism.domain.people import SleepWindow
from cism.domain.quiet_hours import is_asleep
from cism.services import people
from cism.store.db import now as product_now
from cism.store.states import QueueState
from cism.store.tables import AffectedPerson, Incident, Person, QueueItem

TO_PEER: Final = frozenset({"free_text"})
"""What the sender's own peer is asked to read."""


def first_reader(session: Session, row: QueueItem) -> Person | None:
    """The peer who is asked to read it before anybody else, if there is one and its time is not over."""
    if row.kind not in TO_PEER or row.deadline <= product_now(session):
        return None
    return next((item for item in of_sender(session, row) if _can_read(session, item, row)), None)


def is_theirs(session: Session, row: QueueItem, helper: Person) -> bool:
    """Whether the words are for this helper to read as the sender's own peer."""
    if row.kind not in TO_PEER or not people.reachable(helper):
        return False
    return helper.id in {item.id for item in of_sender(session, row)}


def waiting_for_peer(session: Session, peer: Person) -> list[QueueItem]:
    """What people whom this peer looks after wrote, and nobody has read; the nearest deadline first."""
    theirs = (
        select(AffectedPerson.person_id)
        .join(Incident, Incident.id == AffectedPerson.incident_id)
        .where(
            AffectedPerson.peer_id == peer.id,
            AffectedPerson.ended_at.is_(None),
            Incident.state == IncidentState.OPEN,
        )
    )
    query = select(QueueItem).where(
        QueueItem.state == QueueState.OPEN, QueueItem.kind.in_(TO_PEER), QueueItem.person_id.in_(theirs)
    )
    rows = session.scalars(query.order_by(QueueItem.deadline)).all()
    return [row for row in rows if is_theirs(session, row, peer)]


def of_sender(session: Session, row: QueueItem) -> list[Person]:
    """Who looks after the sender, whoever came last first; never somebody of the same list."""
    if row.person_id is None:
        return []
    query = (
        select(AffectedPerson.peer_id)
        .join(Incident, Incident.id == AffectedPerson.incident_id)
        .where(
            AffectedPerson.person_id == row.person_id,
            AffectedPerson.peer_id.is_not(None),
            AffectedPerson.ended_at.is_(None),
            Incident.state == IncidentState.OPEN,
        )
        .order_by(AffectedPerson.added_at.desc(), AffectedPerson.id)
    )
    ids = [one for one in dict.fromkeys(session.scalars(query)) if one]
    near = people.on_lists_with(session, row.person_id)[1] if ids else set()
    return [people.get(session, one) for one in ids if one not in near]


def _can_read(session: Session, peer: Person, row: QueueItem) -> bool:
    """Reachable, and up when it came: a text in nobody's distress wakes no peer."""
    asleep = is_asleep(row.received_at, peer.zone, SleepWindow(peer.sleep_start, peer.sleep_end))
    return people.reachable(peer) and not asleep
