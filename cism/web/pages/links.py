"""Pages behind a short-lived address: a code to the enrolled phone opens them; looking changes nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from cism.errors import AlreadyDone, NotFound, NotSignedIn
from cism.services import (
    audit,
    links,
    numbers,
    people,
    sign_ins,
)
from cism.services.links import LIFETIME, Opened
from cism.services.sign_ins import Way
from cism.store.db import now as product_now
from cism.web.auth import UNKNOWN
from cism.web.backend import backend_of
from cism.web.pages import acts, link_view
from cism.web.pages.cookies import form_token, keep_visit, set_page_cookie, start_session
from cism.web.pages.forms import Form, posted
from cism.web.pages.showing import show
from cism.web.pages.templating import page
from cism.web.pages.way_back import FIELD, after, place
from cism.web.words import _

router = APIRouter(include_in_schema=False)

_COOKIE: Final = "cism_page"
_OWN_CARE: Final = "/me/care"


@router.get("/a/{secret}")
async def look(request: Request, secret: str) -> Response:
    """The page, to the browser that gave the code; to any other the way to a code."""
    browser = request.cookies.get(_COOKIE)
    sent, back = "sent" in request.query_params, place(request.query_params.get(FIELD, ""))
    if browser is None:
        return await _gate(request, secret, sent=sent, back=back)

    def work(session: Session) -> link_view.View | None:
        opened = links.opened(session, secret, browser)
        request.state.actor = opened.person_id
        return None if opened.purpose == links.CARE else link_view.view(session, opened)

    try:
        found = await backend_of(request).act(work)
    except (NotSignedIn, NotFound):
        return await _gate(request, secret, sent=sent, expired=not sent, back=back)
    if found is None:
        return RedirectResponse(_OWN_CARE, status_code=303)  # the code signed them in
    request.state.language = found.language
    return await show(
        request,
        "link.html",
        sections=found.sections,
        zone=found.zone,
        home=found.home,
        base=f"/a/{secret}",
    )


@router.get("/a/{secret}/{_act}")
async def look_again(secret: str, _act: str) -> Response:
    """A browser that was closed on an answer comes back by asking for that address."""
    return RedirectResponse(f"/a/{secret}", status_code=303)


@router.post("/a/{secret}/code")
async def send_code(request: Request, secret: str) -> Response:
    """Text a code to the enrolled phone. The page says the same for an address that is not ours."""
    back = place((await posted(request)).one(FIELD))
    if not backend_of(request).codes.allow(hashlib.sha256(secret.encode()).hexdigest()):
        return await _gate(
            request,
            secret,
            sent=True,
            problem=_("Several codes were sent. Use the newest, or wait a quarter of an hour."),
            back=back,
        )

    def work(session: Session) -> None:
        try:
            links.send_code(session, secret, product_now(session))
        except NotFound:
            return

    await backend_of(request).act(work)
    answer = RedirectResponse(after(f"/a/{secret}", back, sent="1"), status_code=303)
    # the address lives on with the new code: a browser that was let in before has to give it too
    answer.delete_cookie(_COOKIE, path=f"/a/{secret}")
    return answer


@router.post("/a/{secret}/open")
async def give_code(request: Request, secret: str) -> Response:
    """Check the code. The page says the same for an address that is not ours."""
    form = await posted(request)
    code, back = "".join(form.one("code").split()), place(form.one(FIELD))

    def work(session: Session) -> tuple[str, str | None] | None:
        try:
            browser = links.open_with(session, secret, code)
        except NotFound:
            return None
        return (browser, _came_back(session, secret, browser)) if browser else None

    found = await backend_of(request).act(work)
    if found is None:
        request.state.actor = UNKNOWN
        await request.app.state.refusals.note(request, NotSignedIn())
        return await _gate(
            request,
            secret,
            sent=True,
            problem=_("That code does not fit, or its time is over. Ask for a new one."),
            back=back,
        )
    return open_page(request, secret, *found, back=back)


def open_page(
    request: Request, secret: str, browser: str, signed_in: str | None, *, back: str | None = None
) -> Response:
    """To the page, with what opens it; a sign-in opens the person's own pages too, and goes `back`."""
    going = back if back is not None and signed_in is not None else f"/a/{secret}"
    answer = RedirectResponse(going, status_code=303)
    set_page_cookie(request, answer, _COOKIE, browser, f"/a/{secret}", int(LIFETIME.total_seconds()))
    if signed_in is not None:
        start_session(request, answer, signed_in)
    return answer


def _came_back(session: Session, secret: str, browser: str) -> str | None:
    """The code came back: the number is this person's; after a sign-in the secret of their browser."""
    opened = links.opened(session, secret, browser)
    person = people.lock_person(session, opened.person_id)
    numbers.proved(session, person, product_now(session))
    if opened.purpose not in links.SIGN_IN:
        return None
    audit.write(session, person.id, "sign in by code")
    return sign_ins.of_person(session, person, Way.CODE)


@router.post("/a/{secret}/answer")
async def answer_question(request: Request, secret: str) -> Response:
    """A button: the same as its digit by text."""
    return await act_once(request, secret, acts.answer, "answer")


@router.post("/a/{secret}/handled")
async def handled(request: Request, secret: str) -> Response:
    """The words were read, and the reader has acted."""
    return await act_once(request, secret, acts.handled, "handle queue")


@router.post("/a/{secret}/take-over")
async def take_over(request: Request, secret: str) -> Response:
    """The coordinator takes over; the logging supervisor no longer sees the list."""
    return await act_once(request, secret, acts.take_over, "accept incident")


@router.post("/a/{secret}/welfare")
async def end_welfare(request: Request, secret: str) -> Response:
    """How the search for somebody ended: met in person, or emergency services asked by a human."""
    return await act_once(request, secret, acts.end_welfare, "close escalation")


@router.post("/a/{secret}/worry")
async def worried(request: Request, secret: str) -> Response:
    """The same as 7 by text."""
    return await act_once(request, secret, acts.worried, "worry")


async def act_once(
    request: Request, secret: str, work: Callable[[Session, Opened, Form], None], act: str
) -> Response:
    """One act of the browser that gave the code, audited with the person's id."""
    form = await posted(request)
    browser = request.cookies.get(_COOKIE)

    def together(session: Session) -> None:
        opened = links.opened(session, secret, browser)
        request.state.actor = opened.person_id
        work(session, opened, form)
        audit.write(session, opened.person_id, f"page {act}", opened.subject_id)

    try:
        await backend_of(request).act(together)
    except (NotSignedIn, NotFound):
        return await _gate(request, secret, expired=True)
    except AlreadyDone:
        pass  # pressed twice, or somebody was first: the page shows how things stand now
    return RedirectResponse(f"/a/{secret}", status_code=303)


async def _gate(
    request: Request,
    secret: str,
    *,
    sent: bool = False,
    expired: bool = False,
    problem: str | None = None,
    back: str | None = None,
) -> Response:
    token = await form_token(request)
    answer = page(  # without the way around: it says the same to everybody, whoever is signed in
        request,
        "gate.html",
        status=403 if problem else 200,
        form_token=token,
        base=f"/a/{secret}",
        sent=sent,
        expired=expired,
        problem=problem,
        back=back,
    )
    keep_visit(request, answer)
    return answer
