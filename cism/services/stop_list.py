"""Keeping the stop list whole: begun at the first start, and caught up after it could not be written."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism import log
from cism.store import restraints
from cism.store.apart import Apart
from cism.store.db import STOP_LIST_OWES, database_of, real_now
from cism.store.tables import AffectedPerson, Mark, Person, new_id


def begin(session: Session) -> None:
    """A list that is not there yet, or was lost while the database lives, is written whole."""
    apart = database_of(session).apart
    if apart is not None and not apart.stop_list.exists():
        _write_whole(session, apart)


def catch_up(session: Session) -> None:
    """Write down what is owed: everything at once, because nobody knows what is lacking."""
    apart, owed = database_of(session).apart, session.get(Mark, STOP_LIST_OWES)
    if apart is not None and owed is not None and _write_whole(session, apart):
        session.delete(owed)
        log.event("stop_list.caught_up")


def _write_whole(session: Session, apart: Apart) -> bool:
    """Everybody whom something restrains. Never marked as committed: somebody else's line may be newer, and
    one that is not can only forbid.
    """
    entries = [
        *(restraints.of_person(row) for row in session.scalars(select(Person).order_by(Person.id))),
        *(
            restraints.of_contacts(row)
            for row in session.scalars(select(AffectedPerson).where(AffectedPerson.ended_at.is_not(None)))
        ),
    ]
    wanted = [entry for entry in entries if restraints.restrains(entry)]
    tx, at, step = new_id(), real_now(session).isoformat(), restraints.PER_LINE
    chunks = [wanted[i : i + step] for i in range(0, len(wanted), step)] or [[]]
    written = [apart.append(tx, at, chunk) for chunk in chunks]
    return all(written)
