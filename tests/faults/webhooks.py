"""F4: the web process dies between receiving a text and answering it; and texts come while it is away."""

from __future__ import annotations

import json
import random
import signal
from typing import Final

from sqlalchemy import select

from cism.cli.up import free_port
from cism.clock import monotonic
from cism.services import engine
from cism.services.crash import Point
from cism.store.db import Database
from cism.store.states import OutboxState
from cism.store.tables import Outbox, Person
from demo.checking.words import ANSWERS
from tests.faults import judge
from tests.faults.campaign import Case, Outcome
from tests.faults.ground import Ground, WallSeen
from tests.faults.load import started

_POINTS: Final = (Point.WEBHOOK_BEGUN, Point.WEBHOOK_WRITTEN, Point.WEBHOOK_COMMITTED)
_READ_WITHIN: Final = 75.0  # seconds: the list is read once a minute; one that starts reads it at once
# what is said, and what shows that it was acted on once: the listing that a human looks at, and its length
_SAID: Final = (
    ("3", "escalations"),
    ("can somebody please look at my locker", "queue list"),
    ("2", "escalations"),
)


def killed(seed: int, ground: Ground) -> Outcome:
    """One text is in its hands as it dies, a second comes while it is away."""
    chance = random.Random(f"webhook {seed}")
    point, (body, listing) = _POINTS[seed % 3], _SAID[seed // 3 % 3]
    conductor_lives = chance.random() < 0.25
    url = ground.settled("postgresql" if seed % 4 == 3 else "sqlite", peers=4, responders=4)
    db, port = ground.open(url), free_port()
    address = f"http://127.0.0.1:{port}"
    wall = ground.wall(inbound_url=f"{address}/twilio/sms")
    with db.read() as session:
        phones = {row.roster_id: row.phone or "" for row in session.scalars(select(Person))}
    if conductor_lives:
        started(ground, "conductor", url, wall, CISM_PUBLIC_URL=address)
    _, web = ground.web(url, wall.url, port=port, CISM_CRASH_AT=f"{point}:1")
    wall.say(phones["R1"], body)
    web.wait(20)
    died = web.returncode == -signal.SIGKILL
    wall.say(phones["R2"], body)
    ground.web(url, wall.url, port=port)
    begun = monotonic()
    if not conductor_lives:
        started(ground, "conductor", url, wall, CISM_PUBLIC_URL=address)
    answered = {phones["R1"], phones["R2"]}

    def all_answered() -> bool:
        texts = judge.texts_of(wall.export())
        return answered <= {text.to for text in texts if text.kind in ANSWERS}

    ground.until(all_answered, _READ_WITHIN, "both are answered")
    took = monotonic() - begun
    ground.until(lambda: not _moving(db), 30, "it comes to rest")
    return _judge(ground, url, wall, answered, listing, died=died, note=f"{point}, {body[:3]}, {took:.1f} s")


def _moving(db: Database) -> bool:
    """Whether something is due, unsent or in doubt; receipts are not waited for."""
    with db.read() as session:
        on_its_way = Outbox.state.in_([OutboxState.SENDING, OutboxState.UNKNOWN])
        return engine.due(session).anything or session.scalar(select(Outbox.id).where(on_its_way)) is not None


def _judge(
    ground: Ground, url: str, wall: WallSeen, senders: set[str], listing: str, *, died: bool, note: str
) -> Outcome:
    """One reply to each of the two, one effect for each; nothing twice."""
    texts = judge.texts_of(wall.export())
    replies = [sum(text.to == phone and text.kind in ANSWERS for text in texts) for phone in sorted(senders)]
    told = ground.cli(url, *listing.split(), "--json")
    effects = len(json.loads(told.stdout))
    lost = sum(count < 1 for count in replies) + max(0, len(senders) - effects)
    doubled = sum(count > 1 for count in replies) + max(0, effects - len(senders))
    lost_webhooks = len(wall.export()["failed_webhooks"])
    return Outcome(
        injected=int(died) + (lost_webhooks > 1),
        sent=len(texts),
        lost=lost,
        doubled=doubled + len(judge.doubled(texts)),
        note=note,
        broken=() if died else ("the process did not die at its point",),
    )


CASES = (Case("F4-web", "the web process dies with a text in its hands", killed, 36, short=(4,), at_once=3),)
