"""To the sign-in, and from there to the page that was wanted: never to another site."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlencode

from starlette.responses import RedirectResponse

from cism.errors import NotSignedIn

FIELD: Final = "to"
"""The field of a form, and the part of an address, that carries the page along."""
SIGN_IN: Final = "/sign-in"
LOG: Final = "/log"
_PAGES: Final = (
    "board",
    "break-glass",
    "briefs",
    "escalations",
    "log",
    "me",
    "peer",
    "practice",
    "queue",
    "readiness",
    "roster",
    "set-up",
    "task",
    "week",
)
_PLACE: Final = re.compile(rf"/(?:{'|'.join(_PAGES)})(?:/[A-Za-z0-9_-]+){{0,3}}", re.ASCII)


class SignInFirst(NotSignedIn):
    """A page of somebody who has to sign in. `back` is where they then go on."""

    def __init__(self, message: str, back: str) -> None:
        super().__init__(message)
        self.back = back


def place(written: str) -> str | None:
    """A page of ours to go on at; None for anything else that somebody may write into an address."""
    path = written.partition("#")[0].partition("?")[0]
    return path if _PLACE.fullmatch(path) else None


def after(path: str, back: str | None, **more: str) -> str:
    """An address that carries along where to go on."""
    words = more | ({FIELD: back} if back else {})
    return f"{path}?{urlencode(words)}" if words else path


def to_sign_in(back: str) -> RedirectResponse:
    """To the sign-in, and then on to this page."""
    return RedirectResponse(after(SIGN_IN, place(back)), status_code=303)
