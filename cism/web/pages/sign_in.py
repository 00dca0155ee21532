"""Signing in: for now with a token, pasted once a shift."""

from __future__ import annotations

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from cism.domain.access import Act, may_do
from cism.errors import NotAllowed, NotSignedIn
from cism.services import audit, tokens
from cism.services.tokens import Caller
from cism.store.db import real_now
from cism.web.auth import actor_of
from cism.web.backend import backend_of
from cism.web.pages.cookies import end_session, form_token, keep_visit, session_token, start_session
from cism.web.pages.forms import posted
from cism.web.pages.templating import page

router = APIRouter(include_in_schema=False)


@router.get("/")
async def home() -> Response:
    """The one page that a supervisor needs."""
    return RedirectResponse("/log", status_code=303)


@router.get("/sign-in")
async def ask(request: Request) -> Response:
    """The form for the token."""
    return await _form(request)


@router.post("/sign-in")
async def sign_in(request: Request) -> Response:
    """Check the token and remember it for a shift."""
    form = await posted(request)
    secret = form.one("token")
    backend = backend_of(request)
    request.state.actor = "unknown caller"
    try:
        caller = await backend.read(lambda session: tokens.caller(session, secret))
    except NotSignedIn as error:
        await request.app.state.refusals.note(request, error)
        return await _form(
            request,
            problem="This token is not known, or no longer valid. Copy it whole, or ask the coordinator.",
        )
    request.state.actor = actor_of(caller)
    if not may_do([caller.role], Act.LOG_INCIDENT, same_agency=True):
        message = "This token cannot log incidents; supervisors, coordinators and clinical directors can."
        raise NotAllowed(message)
    await backend.act(lambda session: audit.write(session, actor_of(caller), "sign in"))
    response = RedirectResponse("/log", status_code=303)
    start_session(request, response, secret, await backend.read(real_now))
    return response


@router.post("/sign-out")
async def sign_out(request: Request) -> Response:
    """Forget the token in this browser."""
    await posted(request)
    response = RedirectResponse("/sign-in", status_code=303)
    end_session(request, response)
    return response


async def signed_in(request: Request) -> Caller | None:
    """Who is signed in with this browser; None sends them to the sign-in."""

    def work(session: Session) -> Caller | None:
        secret = session_token(request, real_now(session))
        if secret is None:
            return None
        try:
            return tokens.caller(session, secret)
        except NotSignedIn:
            return None  # revoked or expired since

    caller = await backend_of(request).read(work)
    if caller is not None:
        request.state.actor = actor_of(caller)
    return caller


async def _form(request: Request, problem: str | None = None) -> Response:
    token = await form_token(request)
    response = page(
        request, "sign_in.html", status=401 if problem else 200, form_token=token, problem=problem
    )
    keep_visit(request, response)
    return response
