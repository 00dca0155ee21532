"""Refusals on pages: what is wrong, what to do, and always the way to a person."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from cism.web.pages.templating import page as render

_PROGRAMS: Final = ("/api/", "/twilio/", "/healthz", "/readyz", "/metrics", "/static/")
_TITLES: Final = {
    401: "Sign in again",
    403: "Not possible",
    404: "Nothing here",
    422: "Not saved",
    503: "Not saved",
    507: "Not saved",
}
_WORDS: Final = {
    404: "There is no page at this address. Use the newest text that you got, or sign in.",
    405: "This page cannot be used like that. Go back and use its buttons.",
}


def wanted(request: Request) -> bool:
    """Whether a person is looking, not a program."""
    return not request.url.path.startswith(_PROGRAMS)


def page(request: Request, status: int, words: str | None) -> Response:
    """One refusal in words."""
    title = _TITLES.get(status, "That did not work")
    said = words or _WORDS.get(status, "Go back and try again.")
    way = ("/log", "Log an incident") if request.url.path.startswith("/log") else ("/sign-in", "Sign in")
    return render(request, "error.html", status=status, title=title, words=said, way=way)
