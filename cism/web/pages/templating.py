"""Renders the pages: everything is escaped, and a name that a page does not get is an error."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from cism.web import words
from cism.web.backend import backend_of
from cism.web.middleware import POLICY
from cism.web.pages import nav
from cism.web.pages.local_time import clock_time
from cism.web.pages.numbers import spoken_number

TEMPLATES: Final = Path(__file__).parent.parent / "templates"
_WITH_SCRIPTS: Final = f"{POLICY}; connect-src 'self'; script-src 'self'"


def environment() -> Environment:
    """How templates are read; sentences in them are translated (see `cism.web.words`)."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        extensions=["jinja2.ext.i18n"],
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.policies["ext.i18n.trimmed"] = True
    made.filters |= {"sentence": words.sentence, "number": spoken_number, "clock_time": clock_time}
    made.install_gettext_callables(  # type: ignore[attr-defined]
        words.gettext, words.ngettext, newstyle=True
    )
    return made


_READ: Final = environment()


def page(
    request: Request, template: str, *, status: int = 200, scripts: Sequence[str] = (), **values: Any
) -> HTMLResponse:
    """One page; every page says so where no real phone is reached, or care texts wait after a restore.

    `scripts` are files of /static/: only a page that names some may run any, and ask the server anything.
    """
    backend = backend_of(request)
    tag = _language(request)
    visitor = getattr(request.state, "visitor", None)
    shown = {
        "on_wall": backend.settings.uses_wall,
        "wall_url": backend.settings.wall_url,
        "care_held": backend.care_held,
        "language": tag,
        "nav": nav.entries(visitor),
        "here": request.url.path,
        "banners": getattr(request.state, "banners", []),
        "scripts": scripts,
        "wide": False,
        **values,
    }
    with words.spoken_in(tag):
        body = _READ.get_template(template).render(shown)
    answer = HTMLResponse(body, status_code=status, headers={"Content-Language": tag})
    if scripts:
        answer.headers["Content-Security-Policy"] = _WITH_SCRIPTS
    return answer


def _language(request: Request) -> str:
    """That of whoever is signed in, or of the link's owner; else what the browser asks for."""
    visitor = getattr(request.state, "visitor", None)
    own = getattr(request.state, "language", None) or (visitor.language if visitor is not None else None)
    return words.best(own, request.headers.get("accept-language", ""))
