"""What a run needs and cannot be handed through Prefect: the database, the courier. Once a process."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Protocol

from sqlalchemy.orm import Session

from cism.clock import monotonic
from cism.domain.plan import StepKind
from cism.services import engine, second_way
from cism.services.delivery import Courier
from cism.services.engine import DueNow, Performed
from cism.services.gateway import build_gateway
from cism.services.languages import open_database
from cism.services.second_way import Mailer
from cism.settings import Settings, load
from cism.store.db import Database
from flows.limits import Limits
from flows.tickets import Tickets


class Deliverer(Protocol):
    """What the runs ask of the courier."""

    async def deliver(
        self,
        only: Collection[str] | None = None,
        *,
        urgent_only: bool = False,
        care: bool = True,
        limit: int = 500,
    ) -> int:
        """Hand messages over, without care texts where `care` is False; returns how many."""
        ...

    async def settle(self) -> int:
        """Settle sends of unknown outcome."""
        ...

    async def sweep_inbound(self) -> int:
        """Read what came in meanwhile."""
        ...

    def stop(self) -> None:
        """Claim nothing more."""
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...


class Engine(Protocol):
    """What the runs ask of `cism.services.engine`; every call is inside the caller's transaction."""

    def due(self, session: Session) -> DueNow:
        """A cheap look at what waits."""
        ...

    def run_due(
        self,
        session: Session,
        *,
        kinds: Collection[StepKind] | None = None,
        incident_id: str | None = None,
        limit: int = 50,
    ) -> Performed:
        """Take due steps and do what they say."""
        ...

    def count_acts(self, session: Session, n: int, *, orchestrated: bool) -> None:
        """Add to cism_acts_total."""
        ...

    def beat(self, session: Session, name: str) -> None:
        """Say that a part is alive."""
        ...


class Runtime:
    """The ground under every run of this process."""

    def __init__(
        self,
        db: Database,
        courier: Deliverer,
        limits: Limits | None = None,
        acts: Engine = engine,
        mailer: Mailer | None = None,
    ) -> None:
        self.db = db
        self.mailer = mailer
        self.courier = courier
        self.engine = acts
        self.limits = limits or Limits()
        self.tickets = Tickets()
        self.stopping = False
        self.swept_at: float | None = None
        self.sweeping = asyncio.Lock()
        # looks have a thread of their own: eight acts that wait for a write lock must not blind us
        self._eyes = ThreadPoolExecutor(max_workers=1, thread_name_prefix="look")
        self._seen: tuple[float, DueNow] | None = None
        self._urgent = 0
        self._calm = asyncio.Event()
        self._calm.set()

    async def look(self, newer_than: float = 0.0) -> DueNow:
        """What is due; a look begun after `newer_than` (monotonic seconds) is shared."""
        if self._seen is not None and self._seen[0] > max(
            newer_than, monotonic() - self.limits.look_every / 2
        ):
            return self._seen[1]
        begun = monotonic()
        due = await asyncio.get_running_loop().run_in_executor(self._eyes, self._look)
        self._seen = (begun, due)
        return due

    def _look(self) -> DueNow:
        with self.db.read() as session:
            self.db.same_version(session)
            return self.engine.due(session)

    @contextmanager
    def urgent_work(self) -> Iterator[None]:
        """While this is open, routine work of this process does not begin a transaction."""
        self._urgent += 1
        self._calm.clear()
        try:
            yield
        finally:
            self._urgent -= 1
            if not self._urgent:
                self._calm.set()

    async def give_way(self, at_most: float = 2.0) -> None:
        """Let urgent work take the write lock first."""
        try:
            await asyncio.wait_for(self._calm.wait(), at_most)
        except TimeoutError:
            return

    @property
    def care_may_leave(self) -> bool:
        """Whether incoming texts were read recently enough: a STOP may have come while we were away."""
        return self.swept_at is not None and monotonic() - self.swept_at < self.limits.sweep_fresh

    async def sweep(self) -> int:
        """Read incoming texts that no webhook brought, unless somebody here is at it."""
        async with self.sweeping:
            found = await self.courier.sweep_inbound()
            self.swept_at = monotonic()
            return found

    async def write(self) -> int:
        """Write by mail what the provider does not take, where that is set up; returns how many."""
        return 0 if self.mailer is None or self.stopping else await self.mailer.write()

    def stop(self) -> None:
        """Begin nothing more; what was begun is ended in order."""
        self.stopping = True
        self.courier.stop()

    async def aclose(self) -> None:
        """Let go of everything."""
        self.stop()
        await self.courier.aclose()
        if self.mailer is not None:
            await self.mailer.aclose()
        self._eyes.shutdown(wait=True)
        self.db.close()


_current: list[Runtime] = []


def use(runtime: Runtime | None) -> None:
    """Make this the process's runtime (None forgets it)."""
    _current[:] = [] if runtime is None else [runtime]


def current() -> Runtime:
    """The process's runtime, made from the settings on first use: a run may land in any process."""
    if not _current:
        use(from_settings(load()))
    return _current[0]


def from_settings(settings: Settings, limits: Limits | None = None) -> Runtime:
    """A runtime of this installation."""
    db = open_database(settings)
    gateway = build_gateway(settings)
    mailer = second_way.of(db, settings, gateway)
    return Runtime(db, Courier(db, gateway, settings), limits, mailer=mailer)
