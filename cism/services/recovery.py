"""After a restore what went out and came in since is read from the provider, and nothing is sent again.

The order matters. First who may not be texted any more; then what would be sent now, beside what went out
already; then what people wrote. Only then may anything but a page leave.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from cism import log
from cism.errors import StorageUnavailable
from cism.services import (
    dialling,
    engine,
    events,
    inbound,
    matching,
    reapplying,
    restore_told,
    restoring,
    settling,
)
from cism.store.db import Database, database_of, find_hash, in_transaction, real_now
from cism.store.db import now as product_now
from cism.store.tables import Restore, StraySend
from notifications.gateway import Gateway, InboundSms, ListedMessage, SendError

_ROUNDS = 200  # of fifty steps each: more is done by whoever performs steps anyway


async def read_inbound(db: Database, gateway: Gateway) -> int:
    """Every text that the provider received and we did not read; after a restore, all that comes before."""
    restored = await before_reading(db, gateway)
    since = await in_transaction(db, inbound.swept_until)
    started = db.clock.now()
    found = await gateway.inbound_since(since - restoring.MARGIN)
    read, until = 0, started
    for item in sorted(found, key=lambda sms: sms.received_at or started):
        try:
            read += await in_transaction(db, read_one, item)
        except StorageUnavailable:
            raise
        except Exception as error:  # one that cannot be read must not keep all others from being read
            log.failure("inbound.not_read", error, sid=item.sid)
            until = min(until, item.received_at or since)  # it is listed and tried again
    if restored is not None:
        await _perform(db)  # what these texts cause may have been caused, and sent, before
        await in_transaction(db, after_reading, restored, whole=until == started)
    await in_transaction(db, inbound.remember_sweep, until)
    await in_transaction(db, engine.beat, engine.PROVIDER)
    return read


async def before_reading(db: Database, gateway: Gateway) -> str | None:
    """Before incoming texts are read: all that a restored database needs; None where it needs nothing."""
    found = await in_transaction(db, _to_do)
    if found is None:
        return None
    restore_id, since = found
    await in_transaction(db, _reapply, restore_id)
    listed = await gateway.outbound_since(since - restoring.MARGIN)
    await in_transaction(db, _note, restore_id, listed)
    await _perform(db)  # what would go out now has to lie there, to be told from what went out already
    await _calls(db, gateway, since - restoring.MARGIN)
    await in_transaction(db, _match, restore_id)
    return restore_id


async def _calls(db: Database, gateway: Gateway, since: datetime) -> None:
    """Phones that rang since the backup do not ring again for that; the ladder goes on by itself."""
    for call_id, number in await in_transaction(db, dialling.numbers_waiting):
        try:
            listed = await gateway.find_calls(number, since)
        except SendError:  # a call too many is better than none
            continue
        if listed:
            await in_transaction(db, dialling.made_before, call_id, [call.sid for call in listed])


async def _perform(db: Database) -> None:
    for _ in range(_ROUNDS):
        if not (await in_transaction(db, engine.run_due)).steps:
            return


def read_one(session: Session, sms: InboundSms) -> int:
    """One incoming text; the answer that it got before the restore is not given again."""
    read = inbound.receive_once(session, sms)
    row = restoring.unconfirmed(session)
    if read and row is not None and sms.received_at is not None and sms.received_at < row.noticed_real:
        matching.answered_before(session, row, sms)
    return read


def after_reading(session: Session, restore_id: str, *, whole: bool) -> None:
    """What people wrote was read; what is still unclear now is a human's."""
    row = session.get_one(Restore, restore_id)
    matching.exact(session, row)
    matching.unclear(session, row)
    if not whole or row.inbound_real is not None:
        return
    row.inbound_real = real_now(session)
    restore_told.coordinators(session, row)


def _to_do(session: Session) -> tuple[str, datetime] | None:
    row = restoring.unconfirmed(session)
    if row is None or row.inbound_real is not None:
        return None
    return row.id, row.since_real


def _reapply(session: Session, restore_id: str) -> None:
    row = session.get_one(Restore, restore_id, with_for_update=True)
    apart = database_of(session).apart
    if row.reapplied_real is None and apart is not None:
        reapplying.carry_out(session, row, apart.read())
    elif apart is None:
        row.reapplied_real, row.list_trouble = real_now(session), "no stop list is kept here"


def _note(session: Session, restore_id: str, listed: Sequence[ListedMessage]) -> None:
    """Those of the provider's list that this database knows nothing of."""
    row = session.get_one(Restore, restore_id, with_for_update=True)
    known = matching.known(session, [item.sid for item in listed])
    for item in listed:
        if item.sid in known:
            continue
        session.add(
            StraySend(
                sid=item.sid,
                restore_id=row.id,
                to_hash=find_hash(session, "phone", item.to),
                body_digest=settling.known_again(session, item.body_digest),
                made_real=item.created_at,
                status=item.status.value,
                error_code=item.error_code,
            )
        )


def _match(session: Session, restore_id: str) -> None:
    row = session.get_one(Restore, restore_id, with_for_update=True)
    matching.exact(session, row)
    row.listed_real = real_now(session)
    events.record(session, "restore.listed", product_now(session), subject_id=row.id)
