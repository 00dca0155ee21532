"""Signing in: a code to the enrolled phone, or a supervisor's token, pasted once a shift."""

from __future__ import annotations

import hashlib
from typing import Final

import phonenumbers
from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from cism.domain.access import Act, may_do
from cism.errors import NotAllowed, NotSignedIn
from cism.services import audit, first_run, links, openid_staff, passkeys, sign_ins
from cism.services.tokens import Caller
from cism.store.db import now as product_now
from cism.web.auth import actor_of
from cism.web.backend import backend_of
from cism.web.pages import showing
from cism.web.pages.cookies import end_session, session_secret, start_session
from cism.web.pages.forms import posted
from cism.web.pages.nav import main_page
from cism.web.pages.way_back import FIELD, LOG, SIGN_IN, after, place
from cism.web.pages.who import visitor
from cism.web.throttle import asker
from cism.web.words import _

router = APIRouter(include_in_schema=False)

_REGION: Final = "US"  # of a number without its country code


@router.get("/")
async def home(request: Request) -> Response:
    """The main page of whoever is signed in; everybody else signs in first."""
    return RedirectResponse(main_page(await visitor(request)), status_code=303)


@router.get("/sign-in")
async def ask(request: Request) -> Response:
    """The ways to sign in."""
    return await show(request, back=place(request.query_params.get(FIELD, "")))


@router.post("/sign-in")
async def sign_in(request: Request) -> Response:
    """Check the token and remember it for a shift."""
    form = await posted(request)
    secret, back = form.one("token"), place(form.one(FIELD))
    backend = backend_of(request)
    request.state.actor = "unknown caller"

    def work(session: Session) -> tuple[str, Caller]:
        started, caller = sign_ins.of_token(session, secret)
        request.state.actor = actor_of(caller)
        if not may_do([caller.role], Act.LOG_INCIDENT, same_agency=True):
            message = _(
                "This token cannot log incidents; supervisors, coordinators and clinical directors can."
            )
            raise NotAllowed(message)
        audit.write(session, actor_of(caller), "sign in")
        return started, caller

    try:
        started, _caller = await backend.act(work)
    except NotSignedIn as error:
        await request.app.state.refusals.note(request, error)
        return await show(
            request,
            problem=_("This token is not known, or no longer valid. Copy it whole, or ask the coordinator."),
            back=back,
        )
    # it opens the log form alone
    response = RedirectResponse(back if back and back.startswith(LOG) else LOG, status_code=303)
    start_session(request, response, started)
    return response


@router.post("/sign-in/phone")
async def by_phone(request: Request) -> Response:
    """A code to an enrolled phone opens what waits for its owner.

    The answer is the same for any number, and is on its way before the number is looked for: neither its
    words nor its time tell who is enrolled.
    """
    form = await posted(request)
    number = _number(form.one("phone"))
    secret, backend, who = links.new_secret(), backend_of(request), asker(request)
    answer = RedirectResponse(after(f"/a/{secret}", place(form.one(FIELD)), sent="1"), status_code=303)

    async def send() -> None:
        await backend.act(lambda session: links.send_sign_in(session, number, secret, product_now(session)))

    known = hashlib.sha256(number.encode()).hexdigest()
    if backend.askers.allow(who) and backend.phones.allow(f"{known} {who}"):
        answer.background = BackgroundTask(send)
    return answer


@router.post("/sign-out")
async def sign_out(request: Request) -> Response:
    """End this browser's sign-in, here and on the server."""
    await posted(request)
    secret = session_secret(request)
    if secret is not None:
        await backend_of(request).act(lambda session: sign_ins.end(session, secret))
    response = RedirectResponse(SIGN_IN, status_code=303)
    end_session(request, response)
    return response


async def show(request: Request, problem: str | None = None, back: str | None = None) -> Response:
    """The page with all ways to sign in; `problem` stands beside the token. From there on to `back`."""
    agencies = await backend_of(request).read(openid_staff.listed)
    return await showing.show(
        request,
        "sign_in.html",
        status=401 if problem else 200,
        problem=problem,
        back=back,
        agencies=agencies,
        empty=await backend_of(request).read(first_run.is_open),
        passkeys=passkeys.possible(backend_of(request).settings.public_url),
    )


def _number(written: str) -> str:
    """A phone number as people write it, as E.164; what is none stays as it is and fits nobody."""
    try:
        read = phonenumbers.parse(written, _REGION)
    except phonenumbers.NumberParseException:
        return written
    return phonenumbers.format_number(read, phonenumbers.PhoneNumberFormat.E164)
