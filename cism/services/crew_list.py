"""Lists of who was there that are still to come, asked for until somebody says that nobody else was there.

An incident may be logged without its list: from a phone without a line, which keeps no names, or by a program
that sent nobody. Whoever is missing on a list is looked after by nobody. So an open item of the human queue
says that the list is not known, and stays until a human has said that it is whole.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.incident import IncidentState
from cism.services import notify, people, queue, queue_rows
from cism.services.notify import LIST_MISSING
from cism.store.states import QueueState
from cism.store.tables import Incident, QueueItem

ASKED_AFTER = timedelta(minutes=30)  # design: whoever logged it may be filling it in just now


def expect(session: Session, row: Incident, now: datetime) -> None:
    """The list of this incident is not known: a human sees it at once, and is told if it stays so.

    Whoever logged it knows best who was there: they are told once, and those in charge until it is known.
    """
    item = queue.add(
        session,
        LIST_MISSING,
        now=now,
        within=ASKED_AFTER,
        agency=row.agency,
        incident_id=row.id,
        tell=False,
    )
    logger = people.get(session, row.logged_by) if row.logged_by else None
    if logger is not None and people.reachable(logger):
        by = item.deadline + queue.LIST_ASKED_AGAIN
        notify.list_missing(session, logger, item, row, now, not_before=item.deadline, by=by)


def is_missing(session: Session, incident_id: str) -> bool:
    """Whether nobody has said yet that the list of this incident is whole."""
    return bool(_open(session, incident_id))


def complete(session: Session, row: Incident, by: str | None, now: datetime) -> None:
    """Somebody says that nobody else was there, or the incident is over: nobody is asked any more."""
    for item in _open(session, row.id):
        queue_rows.mark_handled(session, item, by, now)


def unknown(session: Session) -> list[tuple[str, str]]:
    """Reference and agency of each open incident whose list is not known."""
    query = (
        select(Incident.ref, Incident.agency)
        .join(QueueItem, QueueItem.incident_id == Incident.id)
        .where(
            QueueItem.kind == LIST_MISSING,
            QueueItem.state == QueueState.OPEN,
            Incident.state == IncidentState.OPEN,
        )
        .distinct()
        .order_by(Incident.ref)
    )
    return [(ref, agency) for ref, agency in session.execute(query)]


def _open(session: Session, incident_id: str) -> list[QueueItem]:
    query = select(QueueItem).where(
        QueueItem.incident_id == incident_id,
        QueueItem.kind == LIST_MISSING,
        QueueItem.state == QueueState.OPEN,
    )
    return list(session.scalars(query.with_for_update()))
