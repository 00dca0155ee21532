"""Setting up: what is ready, a test of the phones, the protocol with its evidence, the first rehearsal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fastapi import APIRouter
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from cism.domain.access import Act
from cism.domain.people import PersonStatus
from cism.domain.protocol import load_protocol, protocol_keys
from cism.errors import BadInput, NotAllowed
from cism.services import (
    agencies,
    audit,
    links,
    people,
    reach,
    rehearsal_apart,
    rehearsal_incident,
    self_test,
)
from cism.services.agencies import AgencyChange
from cism.services.self_test import Address, Provider, SelfTest
from cism.store.db import now as product_now
from cism.store.tables import Person
from cism.web import refusals
from cism.web.backend import backend_of
from cism.web.pages import rehearsed_words
from cism.web.pages.forms import posted
from cism.web.pages.local_time import spoken
from cism.web.pages.readiness_page import role_words
from cism.web.pages.showing import show
from cism.web.pages.way_back import after
from cism.web.pages.who import Visitor, staff
from cism.web.throttle import Throttle
from cism.web.webhooks import auth_tokens
from cism.web.words import Said, _

router = APIRouter(prefix="/set-up", include_in_schema=False)

_HERE: Final = "/set-up"
_TESTS: Final = Throttle(10, 15 * 60)  # each asks the provider, and our own address twice
_MOST_SHOWN: Final = 150  # texts of a rehearsal on one page: some 100 kB
_PROVIDER: Final = {
    Provider.ANSWERS: _("The provider takes us."),
    Provider.REFUSES: _("The provider refuses us: check CISM_TWILIO_ACCOUNT_SID and CISM_TWILIO_AUTH_TOKEN."),
    Provider.SILENT: _("The provider does not answer: check the network. No text leaves until it does."),
}
_WALL: Final = {
    Provider.ANSWERS: _("The phone wall takes our texts."),
    Provider.REFUSES: _("The phone wall refuses us: start the program again."),
    Provider.SILENT: _("The phone wall does not answer: start the program again."),
}
_ADDRESS: Final = {
    Address.READ: _("What the provider posts to our public address arrives, and its signature fits."),
    Address.MISSIGNED: _(
        "It arrives, and the signature does not fit: CISM_PUBLIC_URL must be the address as the provider "
        "calls it, and nothing on the way may change the path."
    ),
    Address.ELSEWHERE: _("Something else answers at our public address: check CISM_PUBLIC_URL."),
    Address.UNREACHED: _("Our public address is not reached from here: check CISM_PUBLIC_URL and the proxy."),
}
_FORGED: Final = {
    True: _("A post with a false signature is refused."),
    False: _("A post with a false signature is not refused: do not go on before this is clear."),
    None: _("Whether a false signature is refused could not be tried."),
}
_NOBODY_TO_REHEARSE: Final = _(
    "Your roster has no two active responders yet. Import a roster, or rehearse with invented people."
)


@router.get("")
async def look(request: Request) -> Response:
    """The steps, and how each stands."""
    return await _steps(request)


@router.post("/test")
async def test_phones(request: Request) -> Response:
    """Try the provider, the public address and the signature."""
    await posted(request)
    who = await staff(request, Act.SET_AGENCY, back=_HERE)
    backend = backend_of(request)
    if not _TESTS.allow(who.agency):
        message = _("Several tests were made. Wait a quarter of an hour.")
        raise NotAllowed(message)
    found = await self_test.run(backend.settings, auth_tokens(backend.settings)[0])
    await backend.act(lambda session: audit.write(session, who.person_id or "", "self-test of the phones"))
    return await _steps(request, tested=found)


@router.post("/text")
async def test_text(request: Request) -> Response:
    """A code to their own phone, by the same way as every text: typing it in proves that it came."""
    await posted(request)
    who = await staff(request, Act.SET_AGENCY, back=_HERE)
    secret = links.new_secret()

    def work(session: Session) -> None:
        person = people.get(session, who.person_id or "")
        links.send_sign_in(session, person.phone or "", secret, product_now(session))
        audit.write(session, person.id, "test text")

    await backend_of(request).act(work)
    return RedirectResponse(after(f"/a/{secret}", _HERE, sent="1"), status_code=303)


@router.post("/protocol")
async def choose(request: Request) -> Response:
    """The protocol that new incidents of the agency follow."""
    form = await posted(request)
    who = await staff(request, Act.SET_AGENCY, back=_HERE)
    if form.one("protocol") not in protocol_keys():
        message = _("This form cannot be read. Open the page again and send it once more.")
        raise BadInput(message)

    def work(session: Session) -> None:
        change = AgencyChange(protocol=form.one("protocol"))
        agencies.change(session, who.agency, change, by=who.person_id, now=product_now(session))
        audit.write(session, who.person_id or "", "choose protocol", who.agency)

    await backend_of(request).act(work)
    return RedirectResponse("/set-up#protocol", status_code=303)


@router.post("/rehearsal")
async def rehearse(request: Request) -> Response:
    """Play the first incident in virtual time, with the agency's own people or with invented ones."""
    form = await posted(request)
    who = await staff(request, Act.SET_AGENCY, back=_HERE)
    backend = backend_of(request)

    own = form.one("people") == "own"

    def work(session: Session) -> str | None:
        if own and not rehearsal_incident.can_be_played(session, who.agency):
            return None
        audit.write(session, who.person_id or "", "rehearse", who.agency)
        return agencies.get(session, who.agency).protocol

    key = await backend.act(work)
    if key is None:
        return await _steps(request, problem=_NOBODY_TO_REHEARSE, status=422)
    try:
        found = await rehearsal_apart.play(backend.settings, key, own_roster=own)
    except BadInput as error:
        return await _steps(request, problem=refusals.told(str(error)), status=422)
    names = await backend.read(lambda session: _names(session, who.agency))
    texts = [rehearsed_words.shown(one, names) for one in found["texts"]]
    return await show(
        request,
        "first_run/rehearsal.html",
        found=found | {"texts": texts},
        most=_MOST_SHOWN,
        command=f"cism rehearse {key}",
        protocol=_protocol(key),
    )


async def _steps(
    request: Request, *, tested: SelfTest | None = None, problem: str | None = None, status: int = 200
) -> Response:
    who = await staff(request, Act.SET_AGENCY, back=_HERE)
    backend = backend_of(request)

    def work(session: Session) -> dict[str, Any]:
        audit.write(session, who.person_id or "", "read set-up", who.agency)
        return _standing(session, who)

    shown = await backend.act(work)
    return await show(
        request,
        "first_run/steps.html",
        status=status,
        wall=backend.settings.wall_url if backend.settings.uses_wall else None,
        addresses=[f"{backend.settings.public_url}/twilio/{name}" for name in ("sms", "voice")],
        practice=backend.settings.uses_wall and backend.settings.clock == "movable",
        command=f"cism agency set {who.agency}",
        tested=_words(tested, _WALL if backend.settings.uses_wall else _PROVIDER),
        problem=problem,
        protocols=[_protocol(key) for key in protocol_keys()],
        **shown,
    )


def _standing(session: Session, who: Visitor) -> dict[str, Any]:
    row = agencies.get(session, who.agency)
    me = people.get(session, who.person_id or "")
    active = select(func.count()).where(Person.agency == row.key, Person.status == PersonStatus.ACTIVE)
    return {
        "agency": row.display,
        "key": row.key,
        "protocol": row.protocol,
        "count": session.scalar(active) or 0,
        "responders": rehearsal_incident.can_be_played(session, row.key),
        "missing": [role_words(role) for role in reach.missing_roles(session, row.key)],
        "ending": (me.phone or "")[-2:],
        "confirmed": spoken(me.phone_confirmed_at, me.zone) if me.phone_confirmed_at else None,
    }


def _protocol(key: str) -> dict[str, str]:
    """What a protocol calls itself, and on what it stands; an agency's own reads as the agency wrote it."""
    found = load_protocol(key)
    return {"key": key, "title": Said(found.title), "evidence_note": Said(found.evidence_note)}


def _words(tested: SelfTest | None, provider: Mapping[Provider, Said]) -> list[tuple[bool, Said]]:
    if tested is None:
        return []
    return [
        (tested.provider is Provider.ANSWERS, provider[tested.provider]),
        (tested.address is Address.READ, _ADDRESS[tested.address]),
        (tested.forged_refused is True, _FORGED[tested.forged_refused]),
    ]


def _names(session: Session, agency: str) -> dict[str, str]:
    """Names for a rehearsal with the agency's own people, by `agency:id`."""
    rows = session.scalars(select(Person).where(Person.agency == agency))
    return {f"{row.agency}:{row.roster_id}": row.name for row in rows}
