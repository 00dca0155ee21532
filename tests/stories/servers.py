"""The two servers of a story: a real phone wall, and the product's own webhooks, both over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from fastapi import FastAPI

from cism.settings import WALL_NUMBER, Settings
from cism.store.db import Database
from cism.web import webhooks
from cism.web.backend import Backend
from notifications.phone_wall.server import RunningWall, running, running_wall
from notifications.twilio_gateway import TwilioGateway

PATIENCE = 60.0
"""Seconds for an answer: no stall of the machine makes a send unclear; the faults that are asked for do."""


@dataclass
class Servers:
    """Up for one story."""

    wall: RunningWall
    settings: Settings
    client: httpx.Client

    def say(self, number: str, body: str) -> None:
        """A handset texts our number."""
        answer = self.client.post(
            f"{self.wall.url}/wall/api/handsets/{number}/say", json={"body": body, "to": WALL_NUMBER}
        )
        assert answer.status_code == 200, answer.text

    def handset_is(self, number: str, mode: str) -> None:
        """How a handset behaves from now on."""
        answer = self.client.patch(f"{self.wall.url}/wall/api/handsets/{number}", json={"mode": mode})
        assert answer.status_code == 200, answer.text

    def line_is(self, number: str, voice: str) -> None:
        """What happens from now on when a call rings at a handset."""
        answer = self.client.patch(f"{self.wall.url}/wall/api/handsets/{number}", json={"voice": voice})
        assert answer.status_code == 200, answer.text

    def on_the_call(self, number: str, do: str, keys: str = "") -> None:
        """Answer the call at a handset, press keys, say nothing, or hang up."""
        asked = {"do": do, "keys": keys}
        answer = self.client.post(f"{self.wall.url}/wall/api/handsets/{number}/call", json=asked)
        assert answer.status_code == 200, answer.text

    def goes_wrong(self, kind: str, times: int) -> None:
        """Let the provider misbehave the next so many times."""
        answer = self.client.post(f"{self.wall.url}/wall/api/faults", json={"kind": kind, "times": times})
        assert answer.status_code == 200, answer.text

    def gateway(self) -> TwilioGateway:
        """The real way to the provider; made in the event loop that uses it."""
        account, token = self.settings.wall_credentials()
        return TwilioGateway(
            account_sid=account,
            auth_token=token,
            sender=WALL_NUMBER,
            messaging_service_sid=None,
            urgent_sender=None,
            base_url=self.wall.url,
            status_callback_base=self.settings.public_url,
            timeout=PATIENCE,
        )


@contextmanager
def servers(db: Database, home: Path) -> Iterator[Servers]:
    """Start both, each knowing the other's address."""
    app = FastAPI(openapi_url=None)
    app.include_router(webhooks.router)
    with running(app) as web_url:
        settings = Settings(home=home, public_url=web_url, clock="movable", _env_file=None)  # type: ignore[call-arg]
        app.state.backend = Backend(db, settings, None)
        db.public_url = web_url
        account, token = settings.wall_credentials()
        config = {"account_sid": account, "auth_token": token, "step_seconds": 0.0}
        with (
            running_wall(inbound_url=f"{web_url}/twilio/sms", **config) as wall,
            httpx.Client(timeout=PATIENCE) as client,
        ):
            yield Servers(wall, settings, client)
