"""Adding whoever was there to an incident that is logged: what a form without a line could not name."""

from __future__ import annotations

from dataclasses import dataclass, replace

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from cism.domain.access import Act
from cism.errors import BadInput
from cism.services import audit, crew_list, intake
from cism.services.tokens import Caller
from cism.store.db import now as product_now
from cism.store.tables import Incident
from cism.web.api.rights import standing
from cism.web.auth import actor_of
from cism.web.backend import backend_of
from cism.web.pages import log_choices, log_form
from cism.web.pages.forms import Form, posted
from cism.web.pages.log_choices import Choices
from cism.web.pages.log_form import Read
from cism.web.pages.showing import show
from cism.web.pages.way_back import to_sign_in
from cism.web.pages.who import signed_in

router = APIRouter(include_in_schema=False)


@router.get("/log/{ref}/crew")
async def ask(request: Request, ref: str) -> Response:
    """Who was there? It tells nothing of who is on the list."""
    caller = await signed_in(request)
    if caller is None:
        return to_sign_in(request.url.path)

    def work(session: Session) -> _Asked:
        stands = standing(session, caller, ref)
        stands.require(Act.ADD_AFFECTED)
        audit.write(session, actor_of(caller), "read roster for log form")
        return _asked(session, caller, stands.row)

    return await _show(request, await backend_of(request).act(work), Form([]))


@router.post("/log/{ref}/crew")
async def add(request: Request, ref: str) -> Response:
    """Add them; whoever is on the list already stays as they are."""
    given = await posted(request)
    caller = await signed_in(request)
    if caller is None:
        return to_sign_in(request.url.path)
    found = await backend_of(request).act(lambda session: _added(session, caller, ref, given))
    if found.problems:
        return await _show(request, found, given)
    return RedirectResponse(f"/log/{found.ref}", status_code=303)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the page asks about, and what came of what was sent.

    `unknown`: nobody has said yet that the list is whole, so that the page asks for that too.
    """

    ref: str
    offered: Choices
    unknown: bool
    problems: dict[str, str]


def _asked(session: Session, caller: Caller, row: Incident) -> _Asked:
    offered = log_choices.choices(session, caller, row.ended_at)
    return _Asked(row.ref, offered, crew_list.is_missing(session, row.id), {})


def _added(session: Session, caller: Caller, ref: str, given: Form) -> _Asked:
    stands = standing(session, caller, ref)
    stands.require(Act.ADD_AFFECTED)
    row = stands.row
    asked = _asked(session, caller, row)
    asked = replace(asked, offered=asked.offered.showing(given.many("there")))
    read = Read()
    log_form.read_crew(given, read, asked.offered)
    if read.problems:
        return replace(asked, problems=read.problems)
    try:
        with session.begin_nested():
            intake.add_affected(session, row.id, log_form.crew(read))
    except BadInput as error:
        return replace(asked, problems=log_form.refused(given, error))
    audit.write(session, actor_of(caller), "add affected", row.id)
    if given.one("nobody_else") == "yes":
        crew_list.complete(session, row, caller.person_id, product_now(session))
    return asked


async def _show(request: Request, asked: _Asked, given: Form) -> Response:
    return await show(
        request,
        "log_crew.html",
        status=422 if asked.problems else 200,
        ref=asked.ref,
        offered=asked.offered,
        unknown=asked.unknown,
        given=given,
        problems=asked.problems,
        circles=log_choices.CIRCLES,
    )
