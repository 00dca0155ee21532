"""Passkeys on pages: making one, signing in with one, taking one away."""

from __future__ import annotations

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from cism.errors import NotFound, NotSignedIn
from cism.services import audit, links, passkeys, people, sign_ins
from cism.services.passkeys import Asked
from cism.services.sign_ins import Way
from cism.store.tables import Person
from cism.web.backend import backend_of
from cism.web.pages.cookies import form_token, keep_visit
from cism.web.pages.forms import Form, posted
from cism.web.pages.links import open_page
from cism.web.pages.own import act_on_own
from cism.web.pages.templating import page
from cism.web.pages.way_back import FIELD, SIGN_IN, place
from cism.web.pages.who import owner
from cism.web.throttle import asker
from cism.web.words import _

router = APIRouter(include_in_schema=False)


@router.post("/sign-in/passkey")
async def begin(request: Request) -> Response:
    """Ask for a passkey, whoever's it may be."""
    back = place((await posted(request)).one(FIELD))
    _only_where_possible(request)
    backend = backend_of(request)
    if not backend.askers.allow(asker(request)):
        message = _("Too many tries from here. Wait a quarter of an hour, or sign in with a code.")
        raise NotSignedIn(message)
    asked = await backend.act(passkeys.ask)
    return await _show(
        request, asked, "in", _("Sign in with a passkey"), "/sign-in/passkey/answer", SIGN_IN, back
    )


@router.post("/sign-in/passkey/answer")
async def sign_in(request: Request) -> Response:
    """The authenticator's answer opens what waits for its owner, and their own page."""
    form = await posted(request)

    def work(session: Session) -> tuple[str, str, str]:
        person = passkeys.answer(session, form.one("ticket"), form.one("answer"))
        request.state.actor = person.id
        audit.write(session, person.id, "sign in by passkey")
        started = sign_ins.of_person(session, person, Way.PASSKEY)
        return (*links.opened_home(session, person), started)

    request.state.actor = "unknown caller"
    found = await backend_of(request).act(work)
    return open_page(request, *found, back=place(form.one(FIELD)))


@router.post("/me/passkeys/new")
async def begin_new(request: Request) -> Response:
    """Begin to make one."""
    await posted(request)
    _only_where_possible(request)
    person_id = await owner(request)
    asked = await backend_of(request).act(
        lambda session: passkeys.ask_new(session, people.get(session, person_id))
    )
    return await _show(request, asked, "new", _("A passkey for this device"), "/me/passkeys/add", "/me")


@router.post("/me/passkeys/add")
async def add(request: Request) -> Response:
    """Keep it."""

    def work(session: Session, person: Person, form: Form) -> None:
        passkeys.add(session, person, form.one("ticket"), form.one("answer"))

    return await act_on_own(request, work, "passkey added")


@router.post("/me/passkeys/remove")
async def remove(request: Request) -> Response:
    """Take one of their own away."""

    def work(session: Session, person: Person, form: Form) -> None:
        passkeys.remove(session, person.id, form.one("passkey"))

    return await act_on_own(request, work, "passkey removed")


def _only_where_possible(request: Request) -> None:
    if not passkeys.possible(backend_of(request).settings.public_url):
        message = _("There are no passkeys at this address. Sign in with a code to your phone.")
        raise NotFound(message)


async def _show(
    request: Request, asked: Asked, kind: str, title: str, action: str, back: str, on: str | None = None
) -> Response:
    """The page that asks the authenticator; `on` is where a sign-in leads."""
    token = await form_token(request)
    answer = page(
        request,
        "passkey.html",
        form_token=token,
        ticket=asked.ticket,
        options=asked.options,
        kind=kind,
        title=title,
        action=action,
        back=back,
        on=on,
        scripts=("passkey.js",),
    )
    keep_visit(request, answer)
    return answer
