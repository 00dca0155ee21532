"""Around every request: a bound on bodies, headers that protect, and a last resort that logs no content."""

from __future__ import annotations

from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cism import log
from cism.web.problems import of_status, problem

MOST_BYTES: Final = 1_000_000  # some 8,000 affected people
POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",  # an address of a page is a secret
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Robots-Tag": "noindex, nofollow",
    "Permissions-Policy": "geolocation=(), camera=(), microphone=()",
}


class TooLargeError(Exception):
    """A body went past the bound while it was read."""


class Guard:
    """The outermost layer."""

    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        self._app = app
        self._headers = dict(_HEADERS)
        if secure:
            self._headers["Strict-Transport-Security"] = "max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(scope, send, self._headers)
        try:
            if _told_length(scope) > MOST_BYTES:
                await of_status(413)(scope, receive, answer.send)
                return
            await self._app(scope, _bounded(receive), answer.send)
        except Exception as error:  # the last resort; the exception's text may carry what was sent
            if not isinstance(error, TooLargeError):
                log.failure("web.unexpected", error)
            if not answer.started:
                await _instead(error)(scope, receive, answer.send)


class _Answer:
    """Sends an answer with the protecting headers, and knows whether it has begun."""

    def __init__(self, scope: Scope, send: Send, headers: dict[str, str]) -> None:
        self._scope, self._send, self._headers = scope, send, headers
        self.started = False

    async def send(self, message: Message) -> None:
        """One part of the answer."""
        if message["type"] == "http.response.start":
            self.started = True
            headers = MutableHeaders(scope=message)
            for name, value in self._headers.items():
                headers.setdefault(name, value)
            if not self._scope["path"].startswith("/static/"):
                headers.setdefault("Cache-Control", "no-store")
        await self._send(message)


def _told_length(scope: Scope) -> int:
    told = Headers(scope=scope).get("content-length", "")
    return int(told) if told.isascii() and told.isdigit() and len(told) < 16 else 0


def _instead(error: Exception) -> ASGIApp:
    if isinstance(error, TooLargeError):
        return of_status(413)
    detail = "Something went wrong here, and was noted. Look whether it was saved before you send it again."
    return problem(500, "unexpected", detail)


def _bounded(receive: Receive) -> Receive:
    taken = 0

    async def counted() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > MOST_BYTES:
            raise TooLargeError
        return message

    return counted
