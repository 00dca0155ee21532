"""Answers that never come, or only in part: what a broken network makes of a good server."""

import socket
import struct
from typing import Any, Final

from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from notifications.phone_wall.refusals import Silence

_TRANSPORT: Final = "wall.transport"
_LINGER_NOT: Final = struct.pack("ii", 1, 0)


class KnowsItsConnection:
    """ASGI, around the whole application: lets a request get at the connection that it came by."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve."""
        # The server's own `send` is a method of the request that it answers, and that knows its transport.
        scope[_TRANSPORT] = getattr(getattr(send, "__self__", None), "transport", None)
        await self._app(scope, receive, send)


class Unanswered(Response):
    """No answer."""

    def __init__(self, how: Silence) -> None:
        super().__init__()
        self._how = how

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer nothing, and stay until the client is gone: what returned sooner would be answered."""
        transport: Any = scope.get(_TRANSPORT)
        if transport is not None and self._how is not Silence.HANG:
            if self._how is Silence.RESET:
                raw = transport.get_extra_info("socket")
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
            transport.abort()
        while (await receive())["type"] != "http.disconnect":
            continue


class CutOff(JSONResponse):
    """An answer of which only the beginning arrives: the server closes a connection that owes it bytes."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer half."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        half = bytes(self.body[: len(self.body) // 2])
        await send({"type": "http.response.body", "body": half, "more_body": True})
