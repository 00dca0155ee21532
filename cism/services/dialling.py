"""The two transactions around every call, and whoever makes them: claim, commit, dial, record.

As with texts, a call whose outcome is unknown is never simply dialled again (ADR 0003): it is settled by the
provider asking for its words, by a status callback, or by the provider's list.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from cism import log
from cism.domain.guarantee import URGENT_SETTLES
from cism.services import events, hold, people, voice
from cism.services.settling import CLOCK_SKEW, again_in
from cism.store.db import Database, in_transaction, real_now
from cism.store.db import now as product_now
from cism.store.states import CallState
from cism.store.tables import Person, PhoneCall, Question
from notifications.gateway import (
    CallReceipt,
    CallStatus,
    Gateway,
    ListedCall,
    OutgoingCall,
    SendError,
    SendFailure,
    further,
)

AT_ONCE: Final = 20
STALE: Final = timedelta(seconds=15)  # longer than the gateway's own time-out
SILENT_FOR: Final = timedelta(minutes=2)  # a call that nothing was told of for so long is asked after
_NOT_KNOWN_PLACED: Final = frozenset({CallState.DIALING, CallState.UNKNOWN, CallState.UNSETTLED})


@dataclass(frozen=True, slots=True)
class Dial:
    """A call that this process alone may make now."""

    id: str
    to: str = field(repr=False)


class Dialler:
    """Makes calls for one process; several may work at once."""

    def __init__(self, db: Database, gateway: Gateway, public_url: str) -> None:
        self.db, self.gateway = db, gateway
        self._words_at = f"{public_url}/twilio/voice?c="

    async def dial(self) -> int:
        """Make the calls that wait; returns how many the provider took."""
        if not await asyncio.get_running_loop().run_in_executor(self.db.pool, self._anything):
            return 0
        return sum(await asyncio.gather(*map(self._make, await in_transaction(self.db, claim))))

    async def settle(self) -> None:
        """Ask the provider about calls of unknown outcome, and about those that it says nothing of."""
        for call_id, to, since in await in_transaction(self.db, unsettled):
            try:
                listed = await self.gateway.find_calls(to, since - CLOCK_SKEW)
            except SendError:
                listed = []
            await in_transaction(self.db, settle_by_list, call_id, listed)
        for call_id, sid in await in_transaction(self.db, silent):
            try:
                receipt = await self.gateway.fetch_call(sid)
            except SendError:
                continue
            await in_transaction(self.db, apply_status, call_id, receipt.sid, receipt.status)

    def _anything(self) -> bool:
        with self.db.read() as session:
            return waiting(session) > 0

    async def _make(self, item: Dial) -> bool:
        receipt, error = await self._place(item)
        await in_transaction(self.db, record, item.id, receipt, error)
        return receipt is not None

    async def _place(self, item: Dial) -> tuple[CallReceipt | None, SendError | None]:
        try:
            return await self.gateway.call(OutgoingCall(item.id, item.to, self._words_at + item.id)), None
        except SendError as error:
            return None, error
        except Exception as error:
            log.failure("call.unknown", error, call=item.id)
            return None, SendError(SendFailure.UNKNOWN)


def waiting(session: Session) -> int:
    """How many calls wait to be made now."""
    real = real_now(session)
    ready = PhoneCall.state == CallState.PENDING, _may_be_tried(real), hold.listed(real)
    return len(session.scalars(select(PhoneCall.id).where(*ready)).all())


def numbers_waiting(session: Session) -> list[tuple[str, str]]:
    """The calls that wait to be made, each with the number that it goes to."""
    found = []
    for call in session.scalars(select(PhoneCall).where(PhoneCall.state == CallState.PENDING)):
        helper = session.get(Person, call.person_id) if call.person_id else None
        found.append((call.id, (helper.phone if helper else call.to_number) or ""))
    return found


def made_before(session: Session, call_id: str, sids: Collection[str]) -> None:
    """The provider lists calls to this number since the backup: one that we do not know was this one."""
    call = _locked(session, call_id)
    known = set(session.scalars(select(PhoneCall.sid).where(PhoneCall.sid.in_(sids))))
    if call is not None and call.state is CallState.PENDING and set(sids) - known:
        call.state = CallState.CANCELLED


def on_the_way(session: Session) -> bool:
    """Whether a call is about to be handed over, or nobody knows yet whether it was."""
    states = [CallState.PENDING, CallState.DIALING, CallState.UNKNOWN]
    return session.scalar(select(PhoneCall.id).where(PhoneCall.state.in_(states)).limit(1)) is not None


def claim(session: Session) -> list[Dial]:
    """Take calls that wait; each is checked once more in this transaction, as a text is."""
    now, real = product_now(session), real_now(session)
    query = (
        select(PhoneCall)
        .where(PhoneCall.state == CallState.PENDING, _may_be_tried(real), hold.listed(real))
        .order_by(PhoneCall.made_at, PhoneCall.id)
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    claimed = []
    for call in session.scalars(query).all():
        helper = session.get(Person, call.person_id) if call.person_id else None
        held_back = _held_back(session, call, helper, now)
        call.state = held_back or CallState.DIALING
        if held_back is None:
            call.claimed_real, call.attempts = real, call.attempts + 1
            claimed.append(Dial(call.id, voice.number_of(call, helper)))
    return claimed


def record(session: Session, call_id: str, receipt: CallReceipt | None, error: SendError | None) -> None:
    """Write down what became of a call that was claimed."""
    call = _locked(session, call_id)
    if call is None:
        return
    if receipt is not None:
        _placed(session, call, receipt.sid, receipt.status)
    elif error is not None and call.state is CallState.DIALING:  # else a callback has told more meanwhile
        call.error_code = error.code
        log.event("call.not_made", call=call.id, why=error.kind.value, code=error.code)
        if error.kind is SendFailure.UNKNOWN:
            call.state = CallState.UNKNOWN
        elif error.kind in {SendFailure.RETRY, SendFailure.CONFIGURATION}:
            wait = again_in(call.attempts, error, urgent=True)
            call.state, call.retry_real = CallState.PENDING, real_now(session) + wait
        else:
            _over(session, call, CallState.FAILED)


def apply_status(session: Session, call_id: str, sid: str, status: CallStatus | None) -> None:
    """A status that the provider told; it proves that the call was made. Of an unknown word, only that."""
    call = _locked(session, call_id)
    if call is not None and call.sid in (None, sid):
        _placed(session, call, sid, status)


def unsettled(session: Session) -> list[tuple[str, str, datetime]]:
    """Calls of unknown outcome, and those left in `dialing` by a process that died."""
    stale = (PhoneCall.state == CallState.DIALING) & (PhoneCall.claimed_real < real_now(session) - STALE)
    query = select(PhoneCall).where(or_(PhoneCall.state == CallState.UNKNOWN, stale))
    found = session.scalars(query.limit(AT_ONCE).with_for_update(skip_locked=True)).all()
    for call in found:
        call.state = CallState.UNKNOWN
    return [
        (call.id, voice.number_of(call, _person(session, call)), call.claimed_real)
        for call in found
        if call.claimed_real is not None
    ]


def settle_by_list(session: Session, call_id: str, listed: Sequence[ListedCall]) -> None:
    """A listed call counts only if exactly one fits exactly one row; the rest is never dialled again."""
    call = _locked(session, call_id)
    if call is None or call.state is not CallState.UNKNOWN or call.claimed_real is None:
        return
    owned = set(session.scalars(select(PhoneCall.sid).where(PhoneCall.sid.in_([one.sid for one in listed]))))
    fitting = [one for one in listed if one.sid not in owned]
    on_the_way = PhoneCall.state.in_([CallState.DIALING, CallState.UNKNOWN])
    same = PhoneCall.person_id == call.person_id if call.person_id else PhoneCall.person_id.is_(None)
    rivals = session.scalars(select(PhoneCall.id).where(on_the_way, same)).all()
    if len(fitting) == 1 and len(rivals) == 1:
        _placed(session, call, fitting[0].sid, fitting[0].status)
    elif real_now(session) - call.claimed_real >= URGENT_SETTLES:
        _over(session, call, CallState.UNSETTLED)


def silent(session: Session) -> list[tuple[str, str]]:
    """Calls that nothing was told of for a while: a status callback may have been lost."""
    real = real_now(session)
    asked = or_(PhoneCall.asked_real.is_(None), PhoneCall.asked_real < real - SILENT_FOR)
    query = select(PhoneCall).where(
        PhoneCall.state == CallState.PLACED, PhoneCall.claimed_real < real - SILENT_FOR, asked
    )
    found = session.scalars(query.order_by(PhoneCall.claimed_real).limit(AT_ONCE)).all()
    for call in found:
        call.asked_real = real
    return [(call.id, call.sid) for call in found if call.sid]


def _placed(session: Session, call: PhoneCall, sid: str, told: CallStatus | None) -> None:
    call.sid = call.sid or sid
    if call.state in _NOT_KNOWN_PLACED:
        call.state = CallState.PLACED
    if told is None:
        return
    known = CallStatus(call.provider_status) if call.provider_status else told
    best = further(known, told)
    call.provider_status = best.value
    if best.is_terminal and call.state is CallState.PLACED:
        _over(session, call, CallState.NOT_ANSWERED)


def _over(session: Session, call: PhoneCall, state: CallState) -> None:
    call.state = state
    about = call.question_id or call.subject_id
    events.record(session, "call.over", product_now(session), subject_id=about, after=state.value)


def _held_back(session: Session, call: PhoneCall, helper: Person | None, now: datetime) -> CallState | None:
    """Consent, opt-out, state and expiry once more; None: it may be made."""
    question = session.get(Question, call.question_id) if call.question_id else None
    if call.expires_at <= now:
        return CallState.EXPIRED
    if not (voice.still_asked(session, question) if question else voice.still_untaken(session, call)):
        return CallState.CANCELLED
    # whoever texted STOP is asked for nothing any more, by voice neither; only a human may telephone
    if helper is not None and not people.reachable(helper):
        return CallState.SUPPRESSED
    return None


def _may_be_tried(real: datetime) -> ColumnElement[bool]:
    return or_(PhoneCall.retry_real.is_(None), PhoneCall.retry_real <= real)


def _person(session: Session, call: PhoneCall) -> Person | None:
    return session.get(Person, call.person_id) if call.person_id else None


def _locked(session: Session, call_id: str) -> PhoneCall | None:
    query = select(PhoneCall).where(PhoneCall.id == call_id).with_for_update()
    return session.execute(query, execution_options={"populate_existing": True}).scalar_one_or_none()
