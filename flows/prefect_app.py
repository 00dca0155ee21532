"""Prefect's server as it is, with one header more: a refused write says when to come back.

On SQLite the server answers 503 when two of its transactions collide, and its client then waits two seconds
for what is free again after milliseconds. A page must not wait that long.
"""

from __future__ import annotations

import uvicorn
from prefect.server.api.server import create_app
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_BACK_AFTER = b"0.05"  # seconds


class ComeBackSoon:
    """Adds Retry-After to each 503."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 503:
                message["headers"] = [*message["headers"], (b"retry-after", _BACK_AFTER)]
            await send(message)

        await self._app(scope, receive, tell)


def run(host: str, port: int) -> None:
    """Serve until stopped."""
    uvicorn.run(
        ComeBackSoon(create_app(final=True)),
        host=host,
        port=port,
        log_level="error",
        timeout_keep_alive=60,
        lifespan="on",
    )
