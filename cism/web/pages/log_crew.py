"""Adding whoever was there to an incident that is logged: what a form without a line could not name."""

from __future__ import annotations

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from cism.domain.access import Act
from cism.errors import BadInput
from cism.services import audit, intake
from cism.services.tokens import Caller
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

    def work(session: Session) -> tuple[str, Choices]:
        stands = standing(session, caller, ref)
        stands.require(Act.ADD_AFFECTED)
        audit.write(session, actor_of(caller), "read roster for log form")
        return stands.row.ref, log_choices.choices(session, caller, stands.row.ended_at)

    found, offered = await backend_of(request).act(work)
    return await _show(request, found, offered, Form([]), {})


@router.post("/log/{ref}/crew")
async def add(request: Request, ref: str) -> Response:
    """Add them; whoever is on the list already stays as they are."""
    given = await posted(request)
    caller = await signed_in(request)
    if caller is None:
        return to_sign_in(request.url.path)
    found, offered, problems = await backend_of(request).act(
        lambda session: _added(session, caller, ref, given)
    )
    if problems:
        return await _show(request, found, offered, given, problems)
    return RedirectResponse(f"/log/{found}", status_code=303)


def _added(session: Session, caller: Caller, ref: str, given: Form) -> tuple[str, Choices, dict[str, str]]:
    stands = standing(session, caller, ref)
    stands.require(Act.ADD_AFFECTED)
    row = stands.row
    offered = log_choices.choices(session, caller, row.ended_at).showing(given.many("there"))
    read = Read()
    log_form.read_crew(given, read, offered)
    if read.problems:
        return row.ref, offered, read.problems
    try:
        with session.begin_nested():
            intake.add_affected(session, row.id, log_form.crew(read))
    except BadInput as error:
        return row.ref, offered, log_form.refused(given, error)
    audit.write(session, actor_of(caller), "add affected", row.id)
    return row.ref, offered, {}


async def _show(
    request: Request, ref: str, offered: Choices, given: Form, problems: dict[str, str]
) -> Response:
    return await show(
        request,
        "log_crew.html",
        status=422 if problems else 200,
        ref=ref,
        offered=offered,
        given=given,
        problems=problems,
        circles=log_choices.CIRCLES,
    )
