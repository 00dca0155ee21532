"""An agency's own sign-in on pages: to its issuer and back. It opens staff work and nobody's own page."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from cism.errors import NotSignedIn
from cism.services import audit, openid, openid_staff, sign_in_steps, sign_ins
from cism.services.openid import Client
from cism.services.sign_ins import Way
from cism.web.backend import backend_of
from cism.web.pages.cookies import set_page_cookie, start_session
from cism.web.pages.forms import posted
from cism.web.pages.templating import page
from cism.web.throttle import asker
from cism.web.words import _

router = APIRouter(include_in_schema=False)

_KIND, _COOKIE = "openid", "cism_agency"


@router.post("/sign-in/agency")
async def begin(request: Request) -> Response:
    """Off to the agency's issuer; what has to fit later is kept here, and its ticket in this browser."""
    agency = (await posted(request)).one("agency")
    backend = backend_of(request)
    if not backend.askers.allow(asker(request)):
        message = _("Too many tries from here. Wait a quarter of an hour, or sign in with a code.")
        raise NotSignedIn(message)
    client = await backend.read(lambda session: openid_staff.client(session, agency))
    going = await asyncio.to_thread(openid.go, client)
    kept = going.kept | {"agency": agency}
    ticket = await backend.act(lambda session: sign_in_steps.begin(session, _KIND, kept))
    # a form may go nowhere but here (form-action 'self'): the page has a link to follow
    answer = page(request, "agency_away.html", address=going.address)
    seconds = int(sign_in_steps.GOOD_FOR.total_seconds())
    # lax: the way back begins on the issuer's site, and the browser must send it along
    set_page_cookie(request, answer, _COOKIE, ticket, "/sign-in/agency", seconds, same_site="lax")
    return answer


@router.get(openid_staff.CAME_BACK)
async def back(request: Request) -> Response:
    """Back from the issuer: whoever it is may do staff work from this browser."""
    ticket, backend = request.cookies.get(_COOKIE, ""), backend_of(request)
    request.state.actor = "unknown caller"

    def kept(session: Session) -> tuple[dict[str, str], Client]:
        data = sign_in_steps.take(session, _KIND, ticket)
        return data, openid_staff.client(session, data["agency"])

    data, client = await backend.act(kept)
    claims = await asyncio.to_thread(openid.come_back, client, data, dict(request.query_params))

    def work(session: Session) -> str:
        person = openid_staff.whose(session, data["agency"], claims)
        audit.write(session, person.id, "sign in by agency")
        return sign_ins.of_person(session, person, Way.OPENID)

    started = await backend.act(work)
    answer = page(request, "agency_back.html")  # a redirect from another site would not carry strict cookies
    answer.delete_cookie(_COOKIE, path="/sign-in/agency")
    start_session(request, answer, started)
    return answer
