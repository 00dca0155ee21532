"""A real wall over real HTTP, the gateway that talks to it, and a product that only listens."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from notifications.gateway import OutgoingSms
from notifications.phone_wall.rest import form_of
from notifications.phone_wall.server import RunningWall, running, running_wall
from notifications.twilio_gateway import TwilioGateway

OURS = "+12125550100"
URGENT = "+12125550101"
PHONE = "+12125550123"
SERVICE = "MG" + "5" * 32


class Product:
    """Receives webhooks, keeps them as they came, and answers what it is told to."""

    def __init__(self) -> None:
        self.url = ""
        self.got: list[tuple[str, str, list[tuple[str, str]]]] = []
        self.twiml = "<Response/>"
        self.status = 200
        self.is_busy = False
        self._news = threading.Condition()

    async def hook(self, request: Request) -> Response:
        """Take one webhook."""
        form = await form_of(request)
        with self._news:
            self.got.append((str(request.url), request.headers.get("X-Twilio-Signature", ""), form))
            self._news.notify_all()
        while self.is_busy:
            await asyncio.sleep(0.01)
        return Response(self.twiml, self.status, media_type="text/xml")

    def forms(self, path: str) -> list[dict[str, str]]:
        """The forms that came to this path, in order of arrival."""
        return [dict(form) for url, _, form in self.got if path in url]

    def wait_for(self, told: Callable[["Product"], bool]) -> None:
        """Until enough was told; fails after a minute."""
        with self._news:
            assert self._news.wait_for(lambda: told(self), 60), self.got


@pytest.fixture(scope="session")
def listening_product() -> Iterator[Product]:
    """The one server behind `product`: starting one takes longer than a test."""
    listener = Product()
    with running(Starlette(routes=[Route("/{path:path}", listener.hook, methods=["POST"])])) as url:
        listener.url = url
        yield listener


@pytest.fixture
def product(listening_product: Product) -> Product:
    """A product that only listens, and has heard nothing yet."""
    listening_product.got, listening_product.twiml, listening_product.status = [], "<Response/>", 200
    return listening_product


@pytest.fixture
def wall(product: Product) -> Iterator[RunningWall]:
    """A wall with two senders, whose texts go to the product."""
    with running_wall(numbers=(OURS, URGENT), inbound_url=f"{product.url}/twilio/sms") as up:
        yield up


def gateway_to(wall: RunningWall, **changes: Any) -> TwilioGateway:
    """A gateway to this wall; `changes` are arguments of TwilioGateway."""
    usual: dict[str, Any] = {
        "account_sid": wall.account_sid,
        "auth_token": wall.auth_token,
        "sender": OURS,
        "messaging_service_sid": None,
        "urgent_sender": None,
        "base_url": wall.url,
        "status_callback_base": None,
    }
    return TwilioGateway(**{**usual, **changes})


@pytest.fixture
async def gateway(wall: RunningWall, product: Product) -> AsyncIterator[TwilioGateway]:
    """A gateway to the wall whose receipts go to the product."""
    made = gateway_to(wall, urgent_sender=URGENT, status_callback_base=product.url)
    yield made
    await made.aclose()


@pytest.fixture
def api(wall: RunningWall) -> Iterator[httpx.Client]:
    """The wall's own API."""
    with httpx.Client(base_url=wall.url, timeout=10) as client:
        yield client


def text(
    message_id: str = "m1", to: str = PHONE, body: str = "hello", *, urgent: bool = False
) -> OutgoingSms:
    """A text to send."""
    return OutgoingSms(message_id=message_id, to=to, body=body, urgent=urgent, validity_seconds=600)


def eventually(happened: Callable[[], bool]) -> None:
    """Until it is so; fails after a minute."""
    deadline = time.monotonic() + 60
    pause = threading.Event()
    while not happened():
        assert time.monotonic() < deadline, "it did not happen within a minute"
        pause.wait(0.005)
