"""The courier: hands messages to the provider, settles what is unclear, reads what came in meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism import log
from cism.clock import monotonic
from cism.services import (
    claims,
    clock_steps,
    crash,
    once_more,
    provider_line,
    recovery,
    redaction,
    sending_order,
    settling,
    stalled,
    unsent,
)
from cism.services.claims import Claimed, Outcome
from cism.services.dialling import Dialler
from cism.services.line import Line
from cism.settings import Settings
from cism.store.db import Database, in_transaction, now, real_now
from cism.store.partial import EVER, MOVING
from cism.store.states import OutboxState
from cism.store.tables import Outbox
from notifications.gateway import Gateway, MessageStatus, OutgoingSms, Receipt, SendError, SendFailure

SEND_TIME_OUT = timedelta(seconds=15)  # longer than the gateway's own
WAITS_FOR_A_SLOT = 5.0  # seconds; with the gateway's own time-out no more than SEND_TIME_OUT
ASKED_ONCE_MORE = 0.5  # seconds since the claim; by then a STOP or another's "I take it" may have come
_ASKS_AT_ONCE = 10
_LATER = frozenset({SendFailure.RETRY, SendFailure.CONFIGURATION})
_AFTER = SendError(SendFailure.RETRY)
HANDFUL = 100  # small enough that a stop loses little, large enough that the end of one is rarely waited for


@dataclass(frozen=True, slots=True)
class _Handful:
    """Messages that were claimed together, and when (monotonic seconds)."""

    messages: Sequence[Claimed]
    since: float


class Courier:
    """Delivers for one process; several may work at once."""

    def __init__(self, db: Database, gateway: Gateway, settings: Settings, *, at_once: int = 20) -> None:
        self.db, self.gateway, self.settings = db, gateway, settings
        self.dialler = Dialler(db, gateway, settings.public_url)
        self._slots = asyncio.Semaphore(at_once)
        self._urgent_slots = asyncio.Semaphore(at_once)
        self._asking = asyncio.Semaphore(_ASKS_AT_ONCE)
        self._stopped = False
        self.line = Line(gateway, db.clock.now)

    def stop(self) -> None:
        """Claim nothing more; what was claimed is still handed over."""
        self._stopped = True

    async def deliver(
        self,
        only: Collection[str] | None = None,
        *,
        urgent_only: bool = False,
        care: bool = True,
        limit: int = 500,
    ) -> int:
        """Claim, commit, send, record; returns how many were handed over. `care` False: no care texts.

        Calls that wait are made beside the texts, but not where certain texts are asked for: a call that the
        provider hangs on keeps no text from leaving.
        """
        texts = self._deliver_texts(only, urgent_only=urgent_only, care=care, limit=limit)
        if only is not None or self._stopped or self.line.is_held:
            return await texts
        done = await asyncio.gather(texts, self.dialler.dial(), return_exceptions=True)
        for one in done:
            if isinstance(one, BaseException):
                raise one
        return sum(one for one in done if isinstance(one, int))

    async def _deliver_texts(
        self, only: Collection[str] | None, *, urgent_only: bool, care: bool, limit: int
    ) -> int:
        """While one handful is with the provider the one before is recorded and the next is claimed, one
        after the other, so that database and network work at once and do not wait for the same lock.
        """
        handed, left = 0, limit
        outcomes: list[Outcome] = []
        claim = partial(self._claim, only=only, urgent_only=urgent_only, care=care)
        ahead = asyncio.create_task(claim(min(left, HANDFUL)))
        try:
            while (mine := await ahead).messages:
                left -= len(mine.messages)
                told, outcomes, halfway = outcomes, [], asyncio.Event()
                ahead = asyncio.create_task(self._turn(told, halfway, claim, min(left, HANDFUL)))
                outcomes = await self._hand_over(mine, halfway)
                handed += sum(1 for outcome in outcomes if outcome.receipt is not None)
        finally:
            ahead.cancel()
            if outcomes:
                await self._record(outcomes)
        return handed

    async def settle(self) -> int:
        """Ask the provider about sends whose outcome is unknown, and about receipts that never came."""
        rows = await in_transaction(self.db, _unsettled)
        # together: where the provider hangs, a page must not wait for the time-outs of all others
        done = sum(await asyncio.gather(*(self._settle_one(row) for row in rows)))
        await self._poll_stalled()
        await self.dialler.settle()
        await self._redact_settled()
        return done

    async def sweep_inbound(self) -> int:
        """Read what the provider received and we did not: webhooks that failed are not repeated."""
        return await recovery.read_inbound(self.db, self.gateway)

    async def aclose(self) -> None:
        """Close the provider's connections."""
        await self.gateway.aclose()

    async def _turn(
        self,
        outcomes: Sequence[Outcome],
        halfway: asyncio.Event,
        claim: Callable[[int], Awaitable[_Handful]],
        limit: int,
    ) -> _Handful:
        if outcomes:
            await self._record(outcomes)
        # no sooner: what is claimed and waits for its turn is neither pending nor on its way
        await halfway.wait()
        return await claim(limit)

    async def _hand_over(self, mine: _Handful, halfway: asyncio.Event) -> list[Outcome]:
        left = len(mine.messages)

        async def one(item: Claimed, before: Sequence[Outcome]) -> Outcome:
            nonlocal left
            if before and not await self._still(item, before[-1]):
                outcome = Outcome(item.id, error=_AFTER)
            else:
                outcome = await self._send(item, mine.since)
            left -= 1
            if left <= len(mine.messages) // 2:
                halfway.set()
            return outcome

        return await sending_order.one_by_one(mine.messages, lambda item: item.to, one)

    async def _still(self, item: Claimed, before: Outcome) -> bool:
        """Whether one that waited behind another to the same phone may leave: it overtakes none that surely
        did not, and no STOP has come since it was claimed.
        """
        return _left(before) and await self._may_still_leave(item.id)

    async def _claim(
        self, limit: int, *, only: Collection[str] | None, urgent_only: bool, care: bool
    ) -> _Handful:
        since = monotonic()
        limit = 0 if self._stopped else await self.line.room(limit)
        if (refusal := self.line.refusal()) is not None:
            await in_transaction(self.db, provider_line.refused, refusal)
        if limit < 1:
            return _Handful((), since)
        rate = self.settings.rate
        crash.passing(self.db, crash.Point.CLAIM_BEGUN)
        found = await in_transaction(
            self.db, claims.claim, rate=rate, only=only, urgent_only=urgent_only, care=care, limit=limit
        )
        if found:
            crash.passing(self.db, crash.Point.CLAIM_COMMITTED)
        else:
            self.line.untried()
        return _Handful(found, since)

    async def _record(self, outcomes: Sequence[Outcome]) -> None:
        await in_transaction(self.db, claims.record, outcomes)
        crash.passing(self.db, crash.Point.RECORD_COMMITTED)

    async def _send(self, item: Claimed, since: float) -> Outcome:
        sms = OutgoingSms(item.id, item.to, item.body, item.urgent, item.validity_seconds)
        # a page never queues behind follow-ups that happen to be on their way
        async with self._urgent_slots if item.urgent else self._slots:
            if monotonic() - since > WAITS_FOR_A_SLOT or self.line.turns_away:
                # the provider is slow: by the time that it answered, this would be taken for lost
                return Outcome(item.id, error=SendError(SendFailure.RETRY))
            if monotonic() - since > ASKED_ONCE_MORE and not await self._may_still_leave(item.id):
                # put back: the next claim says what becomes of it
                return Outcome(item.id, error=SendError(SendFailure.RETRY))
            crash.passing(self.db, crash.Point.SEND_BEGUN)
            outcome = await self._handed(sms)
            self.line.note(outcome.error)
            return outcome

    async def _handed(self, sms: OutgoingSms) -> Outcome:
        try:
            receipt = await self.gateway.send(sms)
        except SendError as error:
            return Outcome(sms.message_id, error=error)
        except Exception as error:
            log.failure("message.unknown", error, message=sms.message_id)
            return Outcome(sms.message_id, error=SendError(SendFailure.UNKNOWN))
        crash.passing(self.db, crash.Point.SEND_ANSWERED)
        return Outcome(sms.message_id, receipt=receipt)

    async def _settle_one(self, row: tuple[str, str, object]) -> int:
        message_id, to, claimed_real = row
        async with self._asking:
            try:
                listed = await self.gateway.find(to, claimed_real)  # type: ignore[arg-type]
            except SendError:
                listed = []
        try:
            return await in_transaction(self.db, settling.settle_by_list, message_id, listed)
        except Exception as error:  # one that cannot be settled must not keep the others from it
            log.failure("message.not_settled", error, message=message_id)
            return 0

    async def _redact_settled(self) -> None:
        """The provider forgets what texts said once their fate is settled: until then it is evidence."""
        for message_id, sid in await in_transaction(self.db, redaction.due):
            try:
                await self.gateway.redact(sid)
            except SendError as error:
                if error.kind is not SendFailure.PERMANENT:  # else the provider has nothing left to forget
                    continue
            await in_transaction(self.db, redaction.done, message_id)

    async def _poll_stalled(self) -> None:
        found = await in_transaction(self.db, stalled.due)
        await asyncio.gather(*(self._ask_about(message_id, sid) for message_id, sid in found))

    async def _ask_about(self, message_id: str, sid: str) -> None:
        async with self._asking:
            try:
                receipt = await self.gateway.fetch(sid)
            except SendError:
                await in_transaction(self.db, stalled.not_told, message_id)
                return
        await in_transaction(self.db, apply_receipt, message_id, receipt.status, receipt.error_code)

    async def _may_still_leave(self, message_id: str) -> bool:
        def ask() -> bool:
            with self.db.read() as session:
                return once_more.may_leave_still(session, message_id)

        return await asyncio.get_running_loop().run_in_executor(self.db.pool, ask)


def _left(outcome: Outcome) -> bool:
    """Whether it left, or may have, or never will."""
    return outcome.error is None or outcome.error.kind not in _LATER


def apply_receipt(
    session: Session, message_id: str, status: MessageStatus, error_code: int | None, sid: str | None = None
) -> None:
    """A status that the provider told, by callback or by asking; it proves that the message left."""
    row = session.execute(
        select(Outbox).where(Outbox.id == message_id).with_for_update()
    ).scalar_one_or_none()
    if row is None:
        return
    if sid is None or (row.sid is not None and row.sid != sid):
        settling.apply_status(session, row, status, error_code, now(session))
    else:
        settling.settle(session, row, Receipt(sid, status, error_code), now(session), real_now(session))


def _unsettled(session: Session) -> list[tuple[str, str, object]]:
    """Unknown sends, and those left in `sending` by a process that died, past the send's own time-out."""
    clock_steps.follow(session)
    real = real_now(session)
    stale = session.scalars(
        select(Outbox)
        .where(MOVING, Outbox.state == OutboxState.SENDING, Outbox.claimed_real < real - SEND_TIME_OUT)
        .with_for_update(skip_locked=True)
    )
    for row in stale:
        row.state = OutboxState.UNKNOWN
    session.flush()
    unknown = select(Outbox).where(MOVING, Outbox.state == OutboxState.UNKNOWN, Outbox.claimed_real > EVER)
    # the sum is no lane: else SQLite reads the whole history in that order to find the few that move
    rows = session.scalars(unknown.order_by(Outbox.lane + 0, Outbox.claimed_real).limit(50))
    return [(row.id, unsent.number_of(session, row), row.claimed_real) for row in rows]
