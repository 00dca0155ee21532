"""Cookies of the pages, and the form tokens that only a page of ours can carry.

Each browser gets a random visit id; a form token is a keyed hash of it, so that a form that another site
makes the browser send is refused. The session cookie holds a random secret and nothing else: what it opens,
and until when, is kept on the server.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Final, Literal

from starlette.requests import Request
from starlette.responses import Response

from cism.errors import NotAllowed
from cism.web.backend import Backend, backend_of
from cism.web.words import _

FORM_FIELD: Final = "form_token"
_VISIT, _SESSION = "cism_visit", "cism_session"
_VISIT_LENGTH: Final = 32


async def form_token(request: Request) -> str:
    """The token for this browser's forms; `keep_visit` sends the visit id along with the page."""
    visit = request.cookies.get(_name(request, _VISIT), "")
    if len(visit) != _VISIT_LENGTH:
        visit = getattr(request.state, "visit", None) or secrets.token_urlsafe(24)
        request.state.visit = visit
    return await _token(backend_of(request), visit)


def keep_visit(request: Request, response: Response) -> None:
    """Give a new browser its visit id."""
    visit = getattr(request.state, "visit", None)
    if visit is not None:
        _set(request, response, _VISIT, visit)


async def check_form(request: Request, given: str) -> None:
    """Refuse a form that no page of ours made for this browser."""
    visit = request.cookies.get(_name(request, _VISIT), "")
    expected = await _token(backend_of(request), visit)
    if not visit or not hmac.compare_digest(expected.encode(), given.encode()):
        message = _("This form was not made for this browser, or cookies are off. Open the page again.")
        raise NotAllowed(message)


def start_session(request: Request, response: Response, secret: str) -> None:
    """Sign in; the visit id is renewed, so that one that was planted before is worth nothing."""
    _set(request, response, _SESSION, secret)
    _set(request, response, _VISIT, secrets.token_urlsafe(24))


def end_session(request: Request, response: Response) -> None:
    """Sign out."""
    response.delete_cookie(_name(request, _SESSION), path="/")


def session_secret(request: Request) -> str | None:
    """What the browser was given when it signed in."""
    return request.cookies.get(_name(request, _SESSION)) or None


def set_page_cookie(
    request: Request,
    response: Response,
    name: str,
    value: str,
    path: str,
    seconds: int,
    *,
    same_site: Literal["strict", "lax"] = "strict",
) -> None:
    """A cookie that goes to one page alone."""
    response.set_cookie(
        name, value, path=path, max_age=seconds, httponly=True, samesite=same_site, secure=_secure(request)
    )


async def _token(backend: Backend, visit: str) -> str:
    key = await backend.signing_key()
    return hmac.new(key, visit.encode(), hashlib.sha256).hexdigest()


def _secure(request: Request) -> bool:
    return backend_of(request).settings.public_url.startswith("https://")


def _name(request: Request, name: str) -> str:
    # with the prefix browsers refuse a cookie that a neighbouring host planted; it needs https
    return f"__Host-{name}" if _secure(request) else name


def _set(request: Request, response: Response, name: str, value: str) -> None:
    # no Max-Age: it ends with the browser's session, or when its time on the server is over
    response.set_cookie(
        _name(request, name), value, path="/", httponly=True, samesite="strict", secure=_secure(request)
    )
