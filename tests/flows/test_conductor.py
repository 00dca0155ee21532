"""The conductor without Prefect: a link that never answers, hangs, or breaks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from cism.clock import monotonic
from cism.domain.plan import StepKind
from cism.errors import StorageUnavailable
from cism.store.db import Database
from flows import practice
from flows.conductor import Conductor
from flows.hands import BareHands, progress
from flows.limits import Limits
from flows.link import Link
from flows.order import Lane, Order
from flows.runtime import Runtime
from flows.tickets import Ticket
from tests.fakes import engine as fake

Behaviour = Callable[[Order, Ticket], Awaitable[None]]


class Way:
    """Has a flow performed as a test wants it."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.asked: list[Order] = []
        self._behaviour = behaviour

    async def perform(self, order: Order, ticket: Ticket) -> None:
        self.asked.append(order)
        await self._behaviour(order, ticket)


class TestLink(Link):
    """A link that is up at once."""

    __test__ = False

    def __init__(self, limits: Limits, behaviour: Behaviour | None) -> None:
        super().__init__(limits, work_pool=False)
        self.way = Way(behaviour) if behaviour else None
        self._way = self.way

    async def bring_up(self) -> None:
        await asyncio.Event().wait()


@asynccontextmanager
async def conducting(
    db: Database, behaviour: Behaviour | None, **limits: Any
) -> AsyncIterator[tuple[Conductor, TestLink]]:
    ground = Runtime(db, fake.FakeCourier(db), Limits(**limits), acts=fake.FakeEngine())
    link = TestLink(ground.limits, behaviour)
    conductor, stop = Conductor(ground, link), asyncio.Event()
    running = asyncio.create_task(conductor.run(stop))
    try:
        yield conductor, link
    finally:
        stop.set()
        await asyncio.wait_for(running, 60)


async def until(true: Callable[[], object]) -> float:
    """Wait until it holds, a minute at most: a slow machine is not wrong. Returns the seconds it took."""
    begun = monotonic()
    while not true():
        assert monotonic() - begun < 60, "it did not happen within a minute"
        await asyncio.sleep(0.01)
    return monotonic() - begun


def pages(db: Database) -> int:
    return int(fake.count(db, "SELECT count(*) FROM sent"))


async def never(_order: Order, _ticket: Ticket) -> None:
    await asyncio.Event().wait()


async def breaks(_order: Order, _ticket: Ticket) -> None:
    message = "no connection"
    raise RuntimeError(message)


async def test_without_prefect_a_page_leaves_at_once(db: Database) -> None:
    async with conducting(db, None):
        fake.log_incident(db, "a1")
        await until(lambda: pages(db) == 2)
    assert fake.acts(db, orchestrated=False) >= 2
    assert fake.acts(db, orchestrated=True) == 0


async def test_a_run_without_a_first_line_in_half_a_second_is_not_waited_for(db: Database) -> None:
    async with conducting(db, never):
        fake.log_incident(db, "a1")
        took = await until(lambda: pages(db) == 2)
    assert took > 0.4


async def test_a_run_that_breaks_at_once_costs_no_waiting(db: Database) -> None:
    async with conducting(db, breaks, urgent_first_line=1000.0):
        fake.log_incident(db, "a1")
        await until(lambda: pages(db) == 2)


async def test_a_run_that_hangs_after_its_first_line_delays_nobody_for_long(db: Database) -> None:
    async def hangs(_order: Order, ticket: Ticket) -> None:
        ticket.begun.set()
        await asyncio.Event().wait()

    async with conducting(db, hangs):
        fake.log_incident(db, "a1")
        await until(lambda: pages(db) == 2)


async def test_three_failures_open_the_breaker_and_then_nothing_is_asked_of_prefect(db: Database) -> None:
    async with conducting(db, breaks) as (_, link):
        for turn in range(5):
            fake.log_incident(db, f"a{turn}")
            await until(lambda turn=turn: pages(db) == 2 * (turn + 1))  # type: ignore[misc]
        assert link.way is not None
        assert len(link.way.asked) == 3
        assert link.breaker.is_open


async def test_a_late_run_finds_nothing_left_to_do(db: Database) -> None:
    late: list[asyncio.Event] = []
    grounds: list[Runtime] = []

    async def slow(order: Order, ticket: Ticket) -> None:
        late.append(asyncio.Event())
        await late[-1].wait()
        hands = BareHands(grounds[0], ticket, orchestrated=True)
        async with progress(ticket):
            await practice.perform(order, hands)

    async with conducting(db, slow) as (conductor, _):
        grounds.append(conductor.runtime)
        fake.log_incident(db, "a1")
        await until(lambda: pages(db) == 2)
        late[0].set()
        await asyncio.sleep(0.3)
        assert pages(db) == 2
    assert fake.acts(db, orchestrated=True) == 0


async def test_two_thousand_follow_ups_do_not_keep_a_page_waiting(db: Database) -> None:
    async with conducting(db, None):
        fake.plan(db, StepKind.CONTACT, n=2000)
        await until(lambda: fake.count(db, "SELECT count(*) FROM act WHERE state = 'done'") > 100)
        fake.log_incident(db, "a1")
        sent = "SELECT count(*) FROM sent JOIN act ON act.id = sent.msg WHERE act.kind = 'activate'"
        await until(lambda: fake.count(db, sent) == 1)
        left = fake.count(db, "SELECT count(*) FROM act WHERE state = 'planned'")
        assert left > 0, "the wave was over before the page: the test shows nothing"
        await until(lambda: pages(db) == 2002)
    assert fake.count(db, "SELECT count(DISTINCT msg) FROM sent") == 2002


async def test_two_conductors_at_once_send_everything_once(db: Database) -> None:
    async with conducting(db, None), conducting(db, None):
        for turn in range(10):
            fake.log_incident(db, f"a{turn}")
        fake.plan(db, StepKind.CONTACT, n=200)
        await until(lambda: pages(db) >= 220)
        await asyncio.sleep(0.5)
    assert pages(db) == 220
    assert fake.acts(db, orchestrated=False) >= 220


async def test_a_write_lock_held_for_five_seconds_stops_neither_looks_nor_the_loop(db: Database) -> None:
    worst = 0.0

    async def watch() -> None:
        nonlocal worst
        while True:
            begun = monotonic()
            await asyncio.sleep(0.02)
            worst = max(worst, monotonic() - begun - 0.02)

    async with conducting(db, None) as (conductor, _):
        watching = asyncio.create_task(watch())
        with db.transaction() as session:
            assert session.is_active
            for turn in range(12):  # more acts that want the lock than the pool has threads
                conductor._under_way[f"deliver:{turn}"] = asyncio.create_task(
                    conductor._bare(Order(Lane.SCHEDULE_SESSIONS))
                )
            begun = monotonic()
            while monotonic() - begun < 4.5:
                looked = monotonic()
                await conductor.runtime.look(newer_than=looked)
                assert monotonic() - looked < 4, "a look waited for the write lock"
                await asyncio.sleep(0.1)
        watching.cancel()
        fake.log_incident(db, "a1")
        await until(lambda: pages(db) == 2)
    assert worst < 4


async def test_an_act_that_fails_is_tried_again_and_is_no_fault_of_prefect(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with conducting(db, None) as (conductor, link):
        acts = conductor.runtime.engine
        whole, failures = acts.run_due, []

        def fails_once(*args: Any, **kwargs: Any) -> Any:
            if not failures:
                failures.append(1)
                raise StorageUnavailable
            return whole(*args, **kwargs)

        monkeypatch.setattr(acts, "run_due", fails_once)
        fake.log_incident(db, "a1")
        await until(lambda: pages(db) == 2)
        assert failures
        assert not link.breaker.is_open


async def test_care_texts_do_not_leave_before_incoming_texts_could_be_read(db: Database) -> None:
    async with conducting(db, None, sweep_retry=0.2) as (conductor, _):
        courier: Any = conductor.runtime.courier
        courier.sweep_fails, conductor.runtime.swept_at = True, None
        fake.plan(db, StepKind.CONTACT, n=3)
        fake.log_incident(db, "a1")
        await until(lambda: pages(db) == 2)
        await asyncio.sleep(1.2)
        assert pages(db) == 2
        courier.sweep_fails = False
        conductor.runtime.swept_at = monotonic()
        await until(lambda: pages(db) == 5)


async def test_a_conductor_beats_and_stops_in_order(db: Database) -> None:
    async with conducting(db, None, beat_every=0.1):
        await until(lambda: fake.count(db, "SELECT count(*) FROM beat WHERE name = 'conductor'") >= 2)
