"""A person's own calendar: a secret address to subscribe to, made and revoked by them alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from cism.services import audit, calendar_feeds, on_call, people
from cism.store.db import now as product_now
from cism.store.tables import Person
from cism.web.backend import backend_of
from cism.web.pages.forms import Form, posted
from cism.web.pages.local_time import spoken, zone_name
from cism.web.pages.own import act_on_own, serves
from cism.web.pages.showing import show
from cism.web.pages.who import owner
from cism.web.words import _

router = APIRouter(include_in_schema=False)

_AHEAD = timedelta(days=28)
_ROLES = {
    "peer": _("as a peer"),
    "clinician": _("as a clinician"),
    "clinical_director": _("as clinical director"),
    "coordinator": _("as coordinator"),
}
_ANY_ROLE = _("in your role")


@router.get("/calendar/{secret}.ics")
async def feed(request: Request, secret: str) -> Response:
    """The calendar, to whatever knows the address; its words are neutral."""

    def work(session: Session) -> bytes:
        person = calendar_feeds.owner(session, secret)
        request.state.actor = person.id
        audit.write(session, person.id, "read own calendar", person.id)
        return calendar_feeds.calendar(session, person, product_now(session))

    data = await backend_of(request).act(work)
    return Response(data, media_type="text/calendar; charset=utf-8")


@router.get("/me/calendar")
async def look(request: Request) -> Response:
    """Their next turns, and whether there is an address."""
    return await _page(request)


@router.post("/me/calendar/new")
async def make(request: Request) -> Response:
    """Make an address, which ends the one before; it is shown this once."""
    await posted(request)
    person_id = await owner(request, back="/me/calendar")

    def work(session: Session) -> str:
        person = people.lock_person(session, person_id)
        audit.write(session, person_id, "own calendar made", person_id)
        return calendar_feeds.make(session, person, product_now(session))

    secret = await backend_of(request).act(work)
    address = f"{backend_of(request).settings.public_url}/calendar/{secret}.ics"
    return await _page(request, address)


@router.post("/me/calendar/revoke")
async def revoke(request: Request) -> Response:
    """Let the address open nothing any more."""

    def work(session: Session, person: Person, form: Form) -> None:
        calendar_feeds.revoke(session, person.id)

    return await act_on_own(request, work, "calendar revoked", to="/me/calendar")


async def _page(request: Request, address: str | None = None) -> Response:
    person_id = await owner(request)

    def work(session: Session) -> dict[str, Any]:
        audit.write(session, person_id, "read own turns", person_id)
        return _standing(session, people.get(session, person_id))

    shown = await backend_of(request).act(work)
    return await show(request, "calendar/own.html", address=address, **shown)


def _standing(session: Session, person: Person) -> dict[str, Any]:
    now = product_now(session)
    made = calendar_feeds.made_at(session, person.id)
    return {
        "made": spoken(made, person.zone) if made else None,
        "turns": [
            {
                "role": _ROLES.get(turn.role.value, _ANY_ROLE),
                "from": spoken(turn.start, person.zone),
                "until": spoken(turn.end, person.zone),
            }
            for turn in on_call.own_turns(session, person.id, now, now + _AHEAD)
        ],
        "zone": zone_name(person.zone, now),
        "serves": serves(person),
    }
