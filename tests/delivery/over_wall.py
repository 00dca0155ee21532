"""The same acts where the provider is the phone wall: real requests, real answers, real callbacks over HTTP.

What the wall does with each send is switched on at the wall, and never at the product. Its clock is the
trace's own, so that nobody waits; it carries nothing by itself, so that it tells only what the trace says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import httpx
from fastapi import FastAPI

from cism.services import claims
from cism.services.gateway import build_gateway
from cism.settings import Settings
from cism.store.db import real_now
from cism.store.tables import Outbox
from cism.web import webhooks
from cism.web.backend import Backend
from notifications.gateway import Gateway, ListedMessage, OutgoingSms, SendError, body_digest
from notifications.phone_wall.server import RunningWall, running, running_wall
from tests.delivery.acts import Fate
from tests.delivery.engine import Engine, Taken
from tests.delivery.model import THROTTLED_FOR
from tests.services.world import World

_NEVER: Final = 1e6  # seconds until the wall carries a text on: no trace is that long
_WENT_WRONG: Final[dict[Fate, dict[str, Any]]] = {
    Fate.THROTTLES: {"kind": "429", "seconds": THROTTLED_FOR},
    Fate.REFUSES: {"kind": "refused", "codes": [21612]},
    Fate.LOST_BEFORE: {"kind": "500_before"},
    Fate.LOST_AFTER: {"kind": "500_after_accept"},
}


class OverWall(Engine):
    """The real thing with a real provider's ways."""

    def __init__(self, world: World, wall: RunningWall, http: httpx.Client, gateway: Gateway) -> None:
        # a provider's dates are whole seconds: what the trace counts in seconds stays exact
        world.db.clock.real = world.db.clock.real.replace(microsecond=0)  # type: ignore[attr-defined]
        super().__init__(world)
        self.wall, self.http, self.gateway = wall, http, gateway
        self.runner = asyncio.Runner()

    def close(self) -> None:
        """Let go of the connections."""
        self.runner.run(self.gateway.aclose())
        self.runner.close()

    def handed(self, name: str, fate: Fate, shown_after: int) -> claims.Outcome:
        """Switch on what goes wrong, send, and see from outside whether the wall has it."""
        if fate is not Fate.TAKES:
            self._switch(_WENT_WRONG[fate])
        if shown_after and fate in {Fate.TAKES, Fate.LOST_AFTER}:
            self._switch({"kind": "list_late", "seconds": shown_after})
        item = self.claimed[name]
        sms = OutgoingSms(item.id, item.to, item.body, item.urgent, item.validity_seconds)
        before = len(self._had())
        try:
            receipt = self.runner.run(self.gateway.send(sms))
            answered = claims.Outcome(item.id, receipt=receipt)
        except SendError as error:
            answered = claims.Outcome(item.id, error=error)
        real = self.world.see(real_now)
        for sid in self._had()[before:]:
            self.taken.append(
                Taken(name, sid, body_digest(item.body), real, real + timedelta(seconds=shown_after))
            )
        return answered

    def tell(self, taken: Taken, status: str, code: int | None) -> None:
        """The wall posts a signed callback to the real webhook."""
        told = {"statuses": [status], "error_code": code}
        found = self._ask(f"/messages/{taken.sid}/statuses", told)
        assert [answer["status"] for answer in found["answers"]] in ([200], [204]), found

    def listed(self, name: str, row: Outbox) -> Sequence[ListedMessage]:
        """What the wall's list says to the real gateway."""
        assert row.claimed_real is not None
        to = self.claimed[name].to
        return self.runner.run(self.gateway.find(to, row.claimed_real))

    def _had(self) -> list[str]:
        return [one.sid for one in self.wall.app_state.store.messages if not one.is_inbound]

    def _switch(self, fault: dict[str, Any]) -> None:
        self._ask("/faults", {"times": 1} | fault)

    def _ask(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self.http.post(f"{self.wall.url}/wall/api{path}", json=body)
        found: dict[str, Any] = answer.raise_for_status().json()
        return found


@contextmanager
def over_wall(world: World, home: Path) -> Iterator[OverWall]:
    """A wall, the product's webhooks over this world's database, and its gateway between them."""
    settings = Settings(_env_file=None, home=home, clock="movable")  # type: ignore[call-arg]
    account, token = settings.wall_credentials()
    with ExitStack() as stack:
        app = FastAPI(openapi_url=None)
        app.include_router(webhooks.router)
        web = stack.enter_context(running(app))
        settings = settings.model_copy(update={"public_url": web})
        app.state.backend = Backend(world.db, settings, None)
        wall = stack.enter_context(
            running_wall(
                account_sid=account,
                auth_token=token,
                clock=world.db.clock.now,
                step_seconds=_NEVER,
            )
        )
        http = stack.enter_context(httpx.Client(timeout=30.0, trust_env=False))
        gateway = build_gateway(settings.model_copy(update={"wall_url": wall.url}))
        made = OverWall(world, wall, http, gateway)
        stack.callback(made.close)
        yield made
