"""A provider that does what a test wants, and messages to hand to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from cism.services import claims, outbox
from cism.services.delivery import Courier
from cism.settings import Settings
from cism.store.db import now, real_now
from cism.store.states import OutboxState
from cism.store.tables import Outbox, Person
from notifications.gateway import (
    InboundSms,
    ListedCall,
    ListedMessage,
    MessageStatus,
    OutgoingSms,
    Receipt,
    SendError,
    SendFailure,
    body_digest,
)
from notifications.messages import CheckIn, ConfirmPhone, Message
from notifications.render import render
from tests.services.world import World

BODY = ConfirmPhone(agency="Metro PD", code="K4T7")


class Provider:
    """Does what a test wants with each send, and lists what it is told to list."""

    def __init__(self, answer: Callable[[OutgoingSms], Coroutine[Any, Any, Receipt]] | None = None) -> None:
        self.sent: list[OutgoingSms] = []
        self.asked: list[str] = []
        self.listed: list[ListedMessage] = []
        self.inbound: list[InboundSms] = []
        self.calls: list[ListedCall] = []
        self.redacts: dict[str, SendError] = {}
        self._answer = answer

    async def send(self, sms: OutgoingSms) -> Receipt:
        if self._answer is not None:
            receipt = await self._answer(sms)
        else:
            receipt = Receipt(f"SM{len(self.sent)}", MessageStatus.QUEUED)
        self.sent.append(sms)
        return receipt

    async def fetch(self, sid: str) -> Receipt:
        self.asked.append(sid)
        return Receipt(sid, MessageStatus.SENT)

    async def find(self, to: str, sent_after: datetime, digest: str | None = None) -> Sequence[ListedMessage]:
        return self.listed

    async def find_calls(self, to: str, made_after: datetime) -> Sequence[ListedCall]:
        return [call for call in self.calls if call.created_at >= made_after]

    async def outbound_since(self, since: datetime) -> Sequence[ListedMessage]:
        return [item for item in self.listed if item.created_at >= since]

    async def inbound_since(self, since: datetime) -> Sequence[InboundSms]:
        return self.inbound

    async def redact(self, sid: str) -> None:
        self.asked.append(sid)
        if sid in self.redacts:
            raise self.redacts[sid]


def courier(world: World, provider: Provider, at_once: int = 20) -> Courier:
    settings = Settings(_env_file=None)  # type: ignore[call-arg]
    return Courier(world.db, provider, settings, at_once=at_once)  # type: ignore[arg-type]


def put(world: World, key: str = "jordan", message: Message = BODY, **more: Any) -> str:
    """A message to somebody, waiting to leave."""

    def write(session: Session) -> str:
        person = session.get_one(Person, world_ids[key])
        name = f"m{len(session.query(Outbox).all())}"
        row = outbox.put(session, message, key=name, now=now(session), person=person, **more)
        assert row is not None
        return row.id

    world_ids = {key: world.id_of(key)}
    return world.act(write)


def row_of(world: World, message_id: str) -> Outbox:
    found: Outbox = world.see(lambda session: session.get_one(Outbox, message_id))
    return found


def check_in() -> CheckIn:
    return CheckIn(agency="Metro PD")


def claim(world: World, **how: Any) -> list[claims.Claimed]:
    return world.act(claims.claim, rate=None, **how)


def pass_real(world: World, **span: float) -> None:
    world.db.clock.pass_real(**span)  # type: ignore[attr-defined]


def unknown(world: World, key: str = "jordan", **more: Any) -> str:
    """A send whose answer was lost."""
    message_id = put(world, key, **more)

    async def lost(_: OutgoingSms) -> Receipt:
        raise SendError(SendFailure.UNKNOWN)

    asyncio.run(courier(world, Provider(lost)).deliver(only=[message_id]))
    assert row_of(world, message_id).state is OutboxState.UNKNOWN
    return message_id


def listed(world: World, sid: str) -> ListedMessage:
    body = render(BODY, "en")
    moment = world.see(real_now)
    return ListedMessage(sid, "", MessageStatus.SENT, None, moment, body_digest(body))
