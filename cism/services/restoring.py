"""A database that went back in time is noticed, and no care text leaves until a coordinator has confirmed.

It is noticed by a mark kept apart from it: whatever way it was brought back, by this program or by another.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cism import log
from cism.errors import AlreadyDone, NotAllowed
from cism.services import audit, events, stop_list
from cism.store.apart import Mark
from cism.store.db import Database, real_now, tick
from cism.store.db import now as product_now
from cism.store.tables import Epoch, Heartbeat, Outbox, Restore, StraySend

SEEN_WITHIN = timedelta(seconds=60)  # real time: a part that was seen lately has this database in its hands
MARGIN = timedelta(minutes=2)  # a provider's list is read from a little before: what we know is passed over
EPOCH_ROW = 1
_UNCONFIRMED = select(Restore).where(Restore.confirmed_at.is_(None)).order_by(Restore.noticed_real).limit(1)


def notice(db: Database) -> bool:
    """At the start of every part: whether the database went back in time since it was last seen here."""
    if db.apart is None:
        return False
    marks = db.apart.marks()  # read first: a database that lives meanwhile can only be further
    with db.transaction() as session:
        row = session.execute(select(Epoch).where(Epoch.id == EPOCH_ROW).with_for_update()).scalar_one()
        back = _went_back(session, row, marks)
        if back:
            row.ticks = max([row.ticks, *(mark.ticks for mark in marks if mark.identity == row.identity)])
            begin(session)
        else:
            stop_list.begin(session)
            stop_list.catch_up(session)
        tick(session)
    return back


def begin(session: Session) -> Restore:
    """From now on this database counts as restored; one that is not confirmed yet goes on."""
    found = unconfirmed(session)
    since = _last_seen(session)
    if found is not None and found.since_real <= since:
        # restored once more: everything that was read from the provider was forgotten or is older
        found.reapplied_real = found.listed_real = found.inbound_real = None
        found.noticed_real = real_now(session)
        return found
    row = Restore(noticed_at=product_now(session), noticed_real=real_now(session), since_real=since)
    session.add(row)
    session.flush()
    events.record(session, "restore.noticed", row.noticed_at, subject_id=row.id)
    audit.write(session, "system", "restore noticed", row.id)
    log.event("restore.noticed", restore=row.id)
    return row


def unconfirmed(session: Session) -> Restore | None:
    """The restore that still waits for a coordinator's word."""
    return session.scalars(_UNCONFIRMED).first()


def missing(row: Restore) -> list[str]:
    """What has not been done yet, each in words for a coordinator."""
    found = []
    if row.reapplied_real is None:
        found.append("the stop list was not carried out yet: a conductor has to run")
    if row.list_trouble is not None:
        found.append(row.list_trouble)
    if row.listed_real is None:
        found.append("what went out since was not read from the provider yet")
    if row.inbound_real is None:
        found.append("what people wrote since was not read from the provider yet")
    found.append("a coordinator has not confirmed the roster yet: `cism backup confirm`")
    return found


def held_because(session: Session) -> str | None:
    """Why care texts are held, in one sentence; None where they are not."""
    row = unconfirmed(session)
    if row is None:
        return None
    return f"held since the database was restored to {_minute(row.since_real)}: {'; '.join(missing(row))}"


def unknown_sends(session: Session, row: Restore) -> tuple[int, datetime | None, datetime | None]:
    """How many texts went out of which this database knows nothing, the first and the last (real time)."""
    query = select(func.count(), func.min(StraySend.made_real), func.max(StraySend.made_real)).where(
        StraySend.restore_id == row.id, StraySend.outbox_id.is_(None), StraySend.answered_sid.is_(None)
    )
    count, first, last = session.execute(query).one()
    return int(count), first, last


def confirm(session: Session, by: str | None, *, anyway: bool = False) -> Restore:
    """A coordinator has looked at roster and incidents: care texts go on, each checked once more.

    Raises AlreadyDone where nothing is held, NotAllowed while something is missing, unless `anyway`.
    """
    row = unconfirmed(session)
    if row is None:
        message = "nothing is held: this database was not restored, or that was confirmed already"
        raise AlreadyDone(message)
    lacking = missing(row)[:-1]
    if lacking and not anyway:
        message = f"not yet: {'; '.join(lacking)}. If that cannot be had, say --anyway and telephone first"
        raise NotAllowed(message)
    row.confirmed_at, row.confirmed_by = product_now(session), by
    events.record(session, "restore.confirmed", row.confirmed_at, subject_id=row.id, actor_id=by)
    return row


def _went_back(session: Session, row: Epoch, marks: list[Mark]) -> bool:
    same = [mark.ticks for mark in marks if mark.identity == row.identity]
    if same:
        return max(same) > row.ticks
    # A database that has lived, in a home that has never seen it: another machine after a disaster, unless
    # somebody is at work with it right now and this is one more machine. One that no part was ever seen with
    # has sent nothing: two parts start on it in the same moment, and the mark of the other is not there yet.
    return row.ticks > 0 and bool(_signs(session)) and not in_use(session)


def in_use(session: Session) -> bool:
    """Whether a part of the installation was seen within a minute."""
    newest = session.scalar(select(func.max(Heartbeat.seen_real)))
    return newest is not None and newest > real_now(session) - SEEN_WITHIN


def _last_seen(session: Session) -> datetime:
    """Up to when this database knows what happened: the last sign of life in it."""
    signs = _signs(session)
    return min(max(signs), real_now(session)) if signs else real_now(session)


def _signs(session: Session) -> list[datetime]:
    seen = [
        session.scalar(select(func.max(Heartbeat.seen_real))),
        session.scalar(select(func.max(Outbox.claimed_real))),
    ]
    return [moment for moment in seen if moment is not None]


def _minute(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%MZ")
