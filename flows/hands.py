"""Performs: one transaction or one delivery at a time, off the event loop, counted. No Prefect in here.

Whatever fails is logged by its class and leaves as `ActFailedError`: an exception's own text may hold a row,
and Prefect would keep it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from cism import log
from cism.clock import monotonic
from cism.domain.plan import URGENT, StepKind
from cism.errors import CismError
from cism.services import crash
from cism.services.engine import Performed
from cism.store.db import in_transaction
from flows.order import Lane, waiting
from flows.runtime import Runtime
from flows.tickets import Ticket
from notifications.gateway import SendError

_DELIVER_FOR = 5.0  # seconds of one delivering task, so that Prefect's page shows it moving
_REST = 0.2  # between two tries where the sender's rate allows nothing


class ActFailedError(Exception):
    """An act failed and left nothing behind; it is still due."""


class Hands(Protocol):
    """What a flow can do; bare, or each deed as a Prefect task."""

    @property
    def care_may_leave(self) -> bool:
        """Whether incoming texts were read recently enough."""
        ...

    async def perform(
        self, doing: str, kinds: Collection[StepKind], incident_id: str | None = None
    ) -> Performed:
        """Take due steps of these kinds, in one transaction."""
        ...

    async def send(self, ids: Collection[str]) -> int:
        """Hand over the messages that the act before caused."""
        ...

    async def deliver(self, *, urgent_only: bool) -> int:
        """Hand over what waits, urgent first."""
        ...

    async def keep_house(self) -> None:
        """Settle unclear sends and read incoming texts; may fail without harm."""
        ...

    async def more(self, lane: Lane) -> bool:
        """Whether to go on with a lane."""
        ...


class BareHands:
    """The deeds themselves."""

    def __init__(self, runtime: Runtime, ticket: Ticket, *, orchestrated: bool, linger: float = 0.0) -> None:
        self.runtime = runtime
        self.ticket = ticket
        self.orchestrated = orchestrated
        self.urgent = False
        self._linger = linger
        self._begun = self._last = monotonic()
        self._empty = 0
        self._turns = 0

    @property
    def care_may_leave(self) -> bool:
        """Whether incoming texts were read recently enough, by this process."""
        return self.runtime.care_may_leave

    async def perform(
        self, doing: str, kinds: Collection[StepKind], incident_id: str | None = None
    ) -> Performed:
        """Take due steps of these kinds, in one transaction; `doing` names the task in Prefect's pages."""
        with self._working(doing):
            if not (URGENT.issuperset(kinds) or self.urgent):
                await self.runtime.give_way()
                return await self._perform(kinds, incident_id)
            with self.runtime.urgent_work():
                return await self._perform(kinds, incident_id)

    async def _perform(self, kinds: Collection[StepKind], incident_id: str | None) -> Performed:
        done = await in_transaction(self.runtime.db, self._take, kinds, incident_id)
        self._note(done.steps)
        if done.steps:
            crash.passing(self.runtime.db, crash.Point.STEP_COMMITTED)
        return done

    def _take(self, session: Session, kinds: Collection[StepKind], incident_id: str | None) -> Performed:
        chunk = self.runtime.limits.chunk
        acts = self.runtime.engine
        done = acts.run_due(session, kinds=kinds, incident_id=incident_id, limit=chunk)
        if done.steps:
            acts.count_acts(session, done.steps, orchestrated=self.orchestrated)
        return done

    async def send(self, ids: Collection[str]) -> int:
        """Hand over these messages, as far as the sender's rate allows; `deliver` sweeps the rest."""
        if not ids:
            return 0
        with self._working("send"):
            handed = await self.runtime.courier.deliver(list(ids), care=self.care_may_leave, limit=len(ids))
            await self._count(handed)
        return handed

    async def deliver(self, *, urgent_only: bool) -> int:
        """Hand over what waits until nothing does, or for five seconds."""
        until, total = monotonic() + _DELIVER_FOR, 0
        with self._working("deliver"):
            while monotonic() < until and not self.runtime.stopping:
                handed = await self.runtime.courier.deliver(
                    urgent_only=urgent_only, care=self.care_may_leave, limit=self.runtime.limits.batch
                )
                total += handed
                await self._count(handed)
                if not handed:
                    if not await self._ready(urgent_only=urgent_only):
                        break
                    await asyncio.sleep(_REST)
        self._note(total)
        return total

    async def keep_house(self) -> None:
        """Settle unclear sends and read incoming texts; a provider that does not answer is no failure."""
        courier = self.runtime.courier
        deeds = {"second_way": self.runtime.write, "settle": courier.settle, "sweep": self.runtime.sweep}
        for name, deed in deeds.items():
            try:
                with self.ticket.working():
                    await asyncio.wait_for(deed(), 20)
            except (CismError, SQLAlchemyError, SendError, TimeoutError, OSError) as error:
                log.failure(f"house.{name}_failed", error)

    async def more(self, lane: Lane) -> bool:
        """True the first time; then while work waits, and for a moment after the last of it."""
        self._turns += 1
        if self._turns == 1:
            return True
        limits = self.runtime.limits
        while not (self.runtime.stopping or self.ticket.abandoned or self._empty >= 3):
            if monotonic() - self._begun > limits.run_life:
                return False
            due = await self.runtime.look(newer_than=self._last)
            if waiting(due, lane):
                return True
            if monotonic() - self._last > self._linger:
                return False
            await asyncio.sleep(limits.look_every)
        return False

    def _note(self, done: int) -> None:
        self._last = monotonic()
        # somebody else may be at the same rows: three empty turns end the run instead of spinning
        self._empty = 0 if done else self._empty + 1

    async def _ready(self, *, urgent_only: bool) -> bool:
        due = await self.runtime.look(newer_than=monotonic())
        return bool(due.urgent_messages if urgent_only else due.messages)

    async def _count(self, handed: int) -> None:
        if handed:
            acts = self.runtime.engine
            await in_transaction(self.runtime.db, acts.count_acts, 1, orchestrated=self.orchestrated)

    @contextmanager
    def _working(self, doing: str) -> Iterator[None]:
        try:
            with self.ticket.working():
                yield
        except ActFailedError:
            raise
        except Exception as error:
            log.failure("act.failed", error, doing=doing, batch=self.ticket.batch_id)
            message = f"{doing}: {type(error).__name__}"
            failed = ActFailedError(message)
        else:
            return
        raise failed  # outside the handler: the original, with its text, is not even its context


@asynccontextmanager
async def progress(ticket: Ticket) -> AsyncIterator[Ticket]:
    """The span between the first and the last line of a flow, told to whoever watches."""
    ticket.begun.set()
    try:
        yield ticket
    except ActFailedError:
        ticket.work_failed = True
        raise
    finally:
        ticket.finished.set()
