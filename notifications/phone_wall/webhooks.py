"""Posts to the product as Twilio does: signed, timed, and repeated only where no connection was made.

Source: twilio.com/docs/usage/webhooks/webhooks-connection-overrides (defaults: connect 5 s, total 15 s, one
retry on a failed connect).
"""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
from yarl import URL

from notifications.phone_wall.signing import signature

_LIMITS: Final = aiohttp.ClientTimeout(total=15, sock_connect=5)
_CONNECTIONS: Final = 20
_PAUSE_BEFORE_RETRY: Final = 0.2


@dataclass(frozen=True, slots=True)
class Answer:
    """What a webhook answered; where nothing did, `status` is None and `error` says what happened."""

    status: int | None
    text: str
    error: str | None = None

    def exported(self) -> dict[str, Any]:
        """The answer for the wall's own API."""
        return {"status": self.status, "body": self.text, "error": self.error}


def new_token() -> str:
    """What tells one webhook's copies from another webhook."""
    return secrets.token_hex(16)


class Webhooks:
    """Calls the addresses that the product gave."""

    def __init__(self, auth_token: str) -> None:
        self._auth_token = auth_token
        self._session: aiohttp.ClientSession | None = None
        self.on_their_way = 0

    def open(self) -> None:
        """Make the connection pool; wants the running event loop."""
        connector = aiohttp.TCPConnector(limit=_CONNECTIONS)
        self._session = aiohttp.ClientSession(
            connector=connector, timeout=_LIMITS, cookie_jar=aiohttp.DummyCookieJar()
        )

    async def aclose(self) -> None:
        """Close the connection pool."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def post(self, url: str, form: Sequence[tuple[str, str]], token: str | None = None) -> Answer:
        """Post a signed form. Errors are answers: a webhook that fails is the product's matter.

        `token` is the same for each copy of one webhook; without it, this one is the first.
        """
        address = url.partition("#")[0]
        return await self.post_signed(address, form, signature(address, form, self._auth_token), token)

    async def post_signed(
        self, address: str, form: Sequence[tuple[str, str]], signed: str | None, token: str | None = None
    ) -> Answer:
        """Post a form with this signature, whether or not it is right; None: with none at all."""
        headers = {"I-Twilio-Idempotency-Token": token or new_token(), "User-Agent": "TwilioProxy/1.1"}
        if signed is not None:
            headers["X-Twilio-Signature"] = signed
        self.on_their_way += 1
        try:
            return await self._twice_at_most(address, form, headers)
        finally:
            self.on_their_way -= 1

    async def _twice_at_most(
        self, address: str, form: Sequence[tuple[str, str]], headers: dict[str, str]
    ) -> Answer:
        try:
            return await self._once(address, form, headers)
        except aiohttp.ClientConnectorError:
            await asyncio.sleep(_PAUSE_BEFORE_RETRY)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Answer(None, "", type(error).__name__)
        try:
            return await self._once(address, form, headers)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Answer(None, "", type(error).__name__)

    async def _once(self, url: str, form: Sequence[tuple[str, str]], headers: dict[str, str]) -> Answer:
        if self._session is None:
            return Answer(None, "", "WallIsClosing")
        # encoded=True: what is called must be, byte for byte, what was signed.
        address = URL(url, encoded=True)
        request = self._session.post(address, data=list(form), headers=headers, allow_redirects=False)
        async with request as response:
            return Answer(response.status, await response.text(errors="replace"))
