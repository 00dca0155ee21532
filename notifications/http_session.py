"""The connections to the messaging provider: one pool, one time-out, nothing repeated."""

from typing import Any

import aiohttp


class ThrottledError(Exception):
    """A 429, with how long Twilio wants to be left alone; the SDK's own exception drops that header."""

    def __init__(self, retry_after: float | None) -> None:
        super().__init__()
        self.retry_after = retry_after


class Session:
    """A connection pool with a time-out of ours, made on first use: it wants a running event loop.

    The SDK's async client passes `timeout=None` for every request and so waits for ever, whatever it was
    constructed with (twilio 9.13.0, http/async_http_client.py).
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = aiohttp.ClientTimeout(total=timeout, sock_connect=min(timeout, 5.0))
        self._pool: aiohttp.ClientSession | None = None

    async def request(self, **kwargs: Any) -> aiohttp.ClientResponse:
        if self._pool is None:
            connector = aiohttp.TCPConnector(limit=100, keepalive_timeout=30)
            self._pool = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        response = await self._pool.request(**{**kwargs, "timeout": self._timeout})
        if response.status == 429:
            response.release()
            raise ThrottledError(_seconds(response.headers.get("Retry-After")))
        return response

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()
            self._pool = None


def _seconds(retry_after: str | None) -> float | None:
    return float(retry_after) if retry_after and retry_after.isdigit() else None
