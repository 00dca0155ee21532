"""Alive, able to work, and figures for Prometheus."""

from __future__ import annotations

from datetime import timedelta

from fastapi import APIRouter
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from cism.errors import CismError
from cism.services import restoring
from cism.store import migrate
from cism.store.db import real_now
from cism.store.tables import Heartbeat
from cism.web import metrics
from cism.web.backend import Backend, backend_of
from notifications.addresses import is_loopback

router = APIRouter(include_in_schema=False)

_FORWARDED = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")

CONDUCTOR_SEEN_WITHIN = timedelta(seconds=60)


@router.get("/healthz")
async def alive() -> Response:
    """The process answers."""
    return JSONResponse({"alive": True})


@router.get("/readyz")
async def ready(request: Request) -> Response:
    """Able to work: database, migrations, and a conductor that was seen; Prefect is not asked."""
    parts = await _parts(backend_of(request))
    good = all(value == "ok" for value in parts.values())
    care = await _care(backend_of(request)) if good else None
    # pages go on while care texts are held: taking this process out of service would stop them too
    held = {"care_texts": care} if care else {}
    return JSONResponse({"ready": good, **parts, **held}, status_code=200 if good else 503)


@router.get("/metrics")
async def figures(request: Request) -> Response:
    """Figures without anything personal.

    How many ask for a call right now is for this machine alone: in a small agency, "one, since 02:41" tells
    whoever looks who it is.
    """
    backend = backend_of(request)
    found = await backend.read(metrics.read)
    told = metrics.text(found, forged_webhooks=backend.forged_webhooks, from_here=_from_here(request))
    return Response(told, media_type=metrics.CONTENT_TYPE)


def _from_here(request: Request) -> bool:
    """Whether it was asked on this machine, and not by way of a proxy on it."""
    host = request.client.host if request.client else ""
    return is_loopback(host) and not any(name in request.headers for name in _FORWARDED)


async def _care(backend: Backend) -> str | None:
    try:
        return await backend.read(restoring.held_because)
    except (CismError, SQLAlchemyError):
        return "not known"


async def _parts(backend: Backend) -> dict[str, str]:
    parts = {"database": "ok", "migrations": "ok", "conductor": "ok"}
    try:
        conductor = await backend.read(_conductor)
        await run_in_threadpool(migrate.check, backend.db)
    except CismError as error:
        part = "migrations" if error.problem.startswith("database-") else "database"
        return {**parts, part: str(error)}
    except SQLAlchemyError:
        return {**parts, "migrations": "the tables are missing: run `cism db upgrade`"}
    if not conductor:
        parts["conductor"] = "not seen for 60 s: start `cism up` or `python -m flows`"
    return parts


def _conductor(session: Session) -> bool:
    since = real_now(session) - CONDUCTOR_SEEN_WITHIN
    found = session.scalar(
        select(Heartbeat.name).where(Heartbeat.name.startswith("conductor"), Heartbeat.seen_real >= since)
    )
    return found is not None
