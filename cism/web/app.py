"""The web application: the API, the provider's webhooks, health, and the pages, on one port."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from importlib.metadata import version
from pathlib import Path
from typing import cast

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from cism import log
from cism.errors import AlreadyDone, CismError, StorageUnavailable
from cism.services.delivery import Courier
from cism.settings import Settings
from cism.store.db import Database
from cism.web import health, problems, webhooks
from cism.web.api import disclosures, escalations, glass, incidents, me
from cism.web.auth import RefusalLog
from cism.web.backend import Backend
from cism.web.background import beat_forever
from cism.web.middleware import Guard
from cism.web.pages import (
    board,
    board_acts,
    break_glass,
    briefs,
    calendar,
    care,
    clinician,
    first_run,
    links,
    log_crew,
    log_offline,
    log_page,
    offer_links,
    openid,
    own,
    passkeys,
    peer,
    practice,
    queue_page,
    readiness_page,
    roster_page,
    set_up,
    sign_in,
    task,
    week,
)
from cism.web.pages import errors as error_pages
from cism.web.pages.way_back import SignInFirst, to_sign_in
from cism.web.words import _

_STATIC = Path(__file__).parent / "static"
ROUTES = (
    incidents,
    escalations,
    disclosures,
    glass,
    me,
    webhooks,
    health,
    sign_in,
    passkeys,
    openid,
    own,
    care,
    board,
    board_acts,
    queue_page,
    break_glass,
    readiness_page,
    roster_page,
    log_offline,
    log_page,
    log_crew,
    links,
    offer_links,
    first_run,
    set_up,
    calendar,
    peer,
    week,
    briefs,
    clinician,
    task,
    practice,
)


def create_app(db: Database, settings: Settings, courier: Courier | None) -> FastAPI:
    """The application over a migrated database. It closes `courier` when it ends; None hands nothing over."""
    app = FastAPI(
        title="CISM workflow engine",
        version=version("cism"),
        description="Log critical incidents and follow the response. Errors are RFC 9457 problem documents.",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # its page would load scripts from elsewhere
        redoc_url=None,
        lifespan=_lifespan,
    )
    app.state.backend = Backend(db, settings, courier)
    app.state.refusals = RefusalLog()
    for module in ROUTES:
        refusals = problems.DOCUMENTED if module.router.prefix.startswith("/api/") else None
        app.include_router(module.router, responses=refusals)
    app.mount("/static", StaticFiles(directory=_STATIC), name="static")
    app.add_exception_handler(CismError, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(IntegrityError, _raced)
    app.add_exception_handler(PoolTimeoutError, _busy)
    app.add_middleware(Guard, secure=settings.public_url.startswith("https://"))
    return app


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    backend: Backend = app.state.backend
    beating = asyncio.create_task(beat_forever(backend.db, backend.tell_held))
    try:
        yield
    finally:
        beating.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await beating
        await backend.handover.finish()


async def _refused(request: Request, raised: Exception) -> Response:
    error = cast(CismError, raised)
    if error.status >= 500:  # a server error
        log.failure("web.refused", error)
    await request.app.state.refusals.note(request, error)
    if isinstance(error, SignInFirst):
        return to_sign_in(error.back)
    if error_pages.wanted(request):
        return await error_pages.page(request, error.status, error.args[0])
    return problems.of_refusal(error)


async def _invalid(request: Request, raised: Exception) -> Response:
    error = cast(RequestValidationError, raised)
    if error_pages.wanted(request):
        return await error_pages.page(
            request, 422, _("This form cannot be read. Open the page again and send it once more.")
        )
    return problems.of_validation(error)


async def _http(request: Request, raised: Exception) -> Response:
    error = cast(HTTPException, raised)
    if error_pages.wanted(request):
        return await error_pages.page(request, error.status_code, None)
    return problems.of_status(error.status_code, error.headers)


async def _raced(request: Request, _error: Exception) -> Response:
    return await _refused(
        request, AlreadyDone("Somebody did the same at the same moment; look, then try again.")
    )


async def _busy(request: Request, _error: Exception) -> Response:
    return await _refused(request, StorageUnavailable())
