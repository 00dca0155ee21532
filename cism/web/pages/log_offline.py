"""What a phone keeps of the log form: a page without a name, the same for everybody, and what keeps it.

It is kept by a service worker and may lie on a phone that anybody finds. So it is rendered for nobody: no
person, no agency, no roster, no favourites, no form token.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from cism.domain.incident_types import INCIDENT_TYPES
from cism.web.pages import log_choices, log_form
from cism.web.pages.templating import page
from cism.web.words import Said

router = APIRouter(include_in_schema=False)

_WORKER: Final = (Path(__file__).parent.parent / "static" / "log-worker.js").read_text(encoding="utf-8")
# It runs by itself, under a policy of its own: it may ask this server, and nothing else.
_POLICY: Final = (
    "default-src 'none'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


@router.get("/log-worker.js")
async def worker() -> Response:
    """The service worker; at the top, because it may serve only pages at or below its own place."""
    headers = {"Content-Security-Policy": _POLICY}
    return Response(_WORKER, media_type="text/javascript", headers=headers)


@router.get("/log-offline")
async def form(request: Request) -> Response:
    """The form without names. Whoever is signed in changes nothing on it."""
    request.state.visitor = None
    return page(
        request,
        "log_offline.html",
        scripts=("log-offline.js",),
        groups=[
            {"label": group.label, "types": [(kind.code, Said(kind.label)) for kind in group.types]}
            for group in log_choices.type_groups(INCIDENT_TYPES, None)
        ],
        ago=log_form.AGO,
        care_held=False,  # how things stand now, and it is read later
    )
