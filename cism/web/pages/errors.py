"""Refusals on pages: what is wrong, what to do, and always the way to a person."""

from __future__ import annotations

import contextlib
from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match

from cism.errors import CismError
from cism.web import refusals
from cism.web.pages import calling
from cism.web.pages.cookies import session_secret
from cism.web.pages.templating import page as render
from cism.web.words import Said, _

_PROGRAMS: Final = ("/api/", "/twilio/", "/healthz", "/readyz", "/metrics", "/static/")
_TITLES: Final = {
    401: _("Sign in again"),
    403: _("Not possible"),
    404: _("Nothing here"),
    422: _("Not saved"),
    503: _("Not saved"),
    507: _("Not saved"),
}
_WORDS: Final = {
    404: _("There is no page at this address. Use the newest text that you got, or sign in."),
    405: _("This page cannot be used like that. Go back and use its buttons."),
}


def wanted(request: Request) -> bool:
    """Whether a person is looking, not a program."""
    return not request.url.path.startswith(_PROGRAMS)


async def page(request: Request, status: int, words: str | None) -> Response:
    """One refusal in words; those of a refusal by a service are translated where there is a translation."""
    title = _TITLES.get(status, _("That did not work"))
    said = (refusals.told(words) if words else None) or _WORDS.get(status, _("Go back and try again."))
    way, person = _way(request, status), calling.Calling()
    if status < HTTPStatus.INTERNAL_SERVER_ERROR:  # where the database is gone, nobody can be looked up
        with contextlib.suppress(CismError):  # it may go just now
            person = await calling.whom(request)
    return render(request, "error.html", status=status, title=title, words=said, way=way, person=person)


def _way(request: Request, status: int) -> tuple[str, Said]:
    """Where to go on: never to the page that has just said no."""
    above = None if status in {401, 403, 404} else _page_above(request)
    if above is not None:
        return above, _("Back")
    if session_secret(request) is not None and status != 401:
        return "/", _("To your first page")
    if request.url.path.startswith("/log"):
        return "/log", _("Log an incident")
    return "/sign-in", _("Sign in")


def _page_above(request: Request) -> str | None:
    """The page whose form was sent: the nearest address that can be looked at."""
    path = request.url.path if request.method == "POST" else request.url.path.rpartition("/")[0]
    while path:
        scope = {"type": "http", "method": "GET", "path": path, "root_path": "", "headers": []}
        if any(route.matches(scope)[0] is Match.FULL for route in request.app.routes):
            return path
        path = path.rpartition("/")[0]
    return None
