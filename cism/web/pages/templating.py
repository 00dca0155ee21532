"""Renders the pages: everything is escaped, and a name that a page does not get is an error."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from cism.web.backend import backend_of

_TEMPLATES: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parent.parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def page(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """One page; every page says so where no real phone is reached, or care texts wait after a restore."""
    backend = backend_of(request)
    shown = {"on_wall": backend.settings.uses_wall, "care_held": backend.care_held, "wide": False, **values}
    body = _TEMPLATES.get_template(template).render(shown)
    return HTMLResponse(body, status_code=status)
