"""One page to one browser: its language, the way around, what must not be overlooked, its form token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from cism.web.backend import backend_of
from cism.web.pages.banners import banners
from cism.web.pages.cookies import form_token, keep_visit
from cism.web.pages.templating import page
from cism.web.pages.who import visitor


async def show(
    request: Request, template: str, *, status: int = 200, scripts: Sequence[str] = (), **values: Any
) -> Response:
    """Render a template of the pages, with all that every page has."""
    who = await visitor(request)
    if who is not None:
        request.state.banners = await backend_of(request).read(lambda session: banners(session, who))
    token = await form_token(request)
    answer = page(request, template, status=status, scripts=scripts, form_token=token, **values)
    keep_visit(request, answer)
    return answer
