"""Who is told that the database was restored: the coordinators, and whoever reads the queue."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.services import queue, restoring, unsent, words
from cism.store.db import now as product_now
from cism.store.db import offset
from cism.store.tables import Agency, Person, Restore
from notifications import messages as m

KIND = "restored"  # of the item in the queue
SEEN_WITHIN = timedelta(hours=4)


def coordinators(session: Session, row: Restore) -> None:
    """One text to each coordinator, and one item that somebody has to handle."""
    now = product_now(session)
    count, _, _ = restoring.unknown_sends(session, row)
    told: set[str] = set()
    served = select(Agency.key).where(Agency.key.in_(select(Person.agency))).order_by(Agency.key)
    for agency in session.scalars(served).all():
        for reader in unsent.coordinators(session, agency):
            if reader.id in told:
                continue
            told.add(reader.id)
            at = m.when_text(row.since_real + timedelta(seconds=offset(session)), now, reader.zone)
            message = m.Restored(agency=words.agency_name(session, agency), at=at, texts=count)
            words.put(session, message, f"restored:{row.id}:{reader.id}", now, reader)
    if told:
        agency = queue.duty_agency(session)
        queue.add(session, KIND, now=now, within=SEEN_WITHIN, agency=agency, tell=False)
