"""A person's own page: consents, the limits of confidentiality, who saw what about them, and signing out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from cism.domain.access import Act, may_do
from cism.domain.consents import WORDINGS, Purpose, always, purposes, wording
from cism.domain.consents import How as ConsentHow
from cism.errors import BadInput
from cism.services import audit, consents, notices, passkeys, people, sign_ins, trust
from cism.store.db import database_of
from cism.store.db import now as product_now
from cism.store.tables import Consent, Person
from cism.web.backend import backend_of
from cism.web.pages.cookies import end_session
from cism.web.pages.forms import Form, posted
from cism.web.pages.local_time import spoken, zone_name
from cism.web.pages.showing import show
from cism.web.pages.way_back import SIGN_IN
from cism.web.pages.who import owner
from cism.web.words import Said, _

router = APIRouter(prefix="/me", include_in_schema=False)

T = TypeVar("T")
_ASKED = {
    Purpose.PAGES: _("texts that ask me to help"),
    Purpose.CARE: _("texts that ask how I am"),
}
_HEADINGS = {
    Purpose.PAGES: _("Texts that ask me to help"),
    Purpose.CARE: _("Texts that ask how I am"),
}
_BUTTONS = {
    Purpose.PAGES: (_("Yes, ask me to help"), _("Ask me no more to help")),
    Purpose.CARE: (_("Yes, ask how I am"), _("Ask me no more how I am")),
}

_WAYS = {"attested": _("by the roster"), "page": _("on this page"), "text": _("by text")}


@router.get("")
async def look(request: Request) -> Response:
    """Everything that this person decides here."""

    def work(session: Session, person: Person) -> dict[str, Any]:
        audit.write(session, person.id, "read own page", person.id)
        return _values(session, person)

    return await _page(request, "own.html", work)


@router.get("/receipt")
async def receipt(request: Request) -> Response:
    """Who saw what about them."""

    def work(session: Session, person: Person) -> dict[str, Any]:
        lines = trust.gathered(trust.receipt(session, person.id))
        audit.write(session, person.id, "read receipt", person.id)
        shown = [
            {
                "when": spoken(line.at, person.zone),
                "who": Said(line.who),
                "what": Said(line.what),
                "count": line.count,
            }
            for line in lines
        ]
        return {"lines": shown, "zone": zone_name(person.zone, product_now(session))}

    return await _page(request, "own_receipt.html", work)


@router.post("/consent")
async def consent(request: Request) -> Response:
    """Give one consent, or take it back."""

    def work(session: Session, person: Person, form: Form) -> None:
        now, given = product_now(session), form.one("given")
        if form.one("purpose") not in set(Purpose) or given not in {"yes", "no"}:
            message = _("This form cannot be read. Open the page again and send it once more.")
            raise BadInput(message)
        act = consents.give if given == "yes" else consents.take_back
        act(session, person, Purpose(form.one("purpose")), ConsentHow.PAGE, now)

    return await act_on_own(request, work, "consent")


@router.post("/notice")
async def notice_read(request: Request) -> Response:
    """They have read the limits of confidentiality."""

    def work(session: Session, person: Person, form: Form) -> None:
        shown = notices.of(session, person.agency, person.language)
        if form.one("version") == shown.version:  # else it was changed meanwhile, and they read it again
            notices.given(session, person, notices.PAGE, product_now(session))

    return await act_on_own(request, work, "notice")


@router.post("/sign-out-everywhere")
async def sign_out_everywhere(request: Request) -> Response:
    """End every sign-in of this person, and every page that is open behind a code."""

    def work(session: Session, person: Person, form: Form) -> None:
        sign_ins.end_all(session, person.id)

    answer = await act_on_own(request, work, "sign out everywhere", to=SIGN_IN, back="/me")
    end_session(request, answer)
    return answer


async def _page(
    request: Request, template: str, work: Callable[[Session, Person], dict[str, Any]]
) -> Response:
    person_id = await owner(request)
    shown = await backend_of(request).act(lambda session: work(session, people.get(session, person_id)))
    return await show(request, template, **shown)


async def act_on_own(
    request: Request,
    work: Callable[[Session, Person, Form], None],
    act: str,
    *,
    to: str = "/me",
    back: str | None = None,
) -> Response:
    """One act of a person about themselves, audited; `back` is its page, where that is not where it leads."""
    form = await posted(request)
    person_id = await owner(request, back=back or to)

    def together(session: Session) -> None:
        work(session, people.lock_person(session, person_id), form)
        audit.write(session, person_id, f"own {act}", person_id)

    await backend_of(request).act(together)
    return RedirectResponse(to, status_code=303)


def _values(session: Session, person: Person) -> dict[str, Any]:
    notice, told = notices.of(session, person.agency, person.language), notices.when_given(session, person)
    history = consents.history(session, person.id)
    roles = [item.role for item in person.roles]
    return {
        "name": person.name,
        "runs": may_do(roles, Act.CHANGE_ROSTER, same_agency=True),
        "serves": serves(person),
        "ending": (person.phone or "")[-2:],
        "confirmed": spoken(person.phone_confirmed_at, person.zone) if person.phone_confirmed_at else None,
        "stopped": person.opted_out_at is not None,
        "consents": [_consent(person, purpose, history) for purpose in purposes(roles)],
        "always": always(person.language),
        "history": [_said(row.given, row.purpose, row.how, spoken(row.at, person.zone)) for row in history],
        "passkeys": [
            {"id": row.id, "made": spoken(row.made_real, person.zone)}
            for row in passkeys.of(session, person.id)
        ],
        "can_have_passkeys": passkeys.possible(database_of(session).public_url),
        "notice": notice,
        "told": spoken(told.at, person.zone) if told else None,
        "zone": zone_name(person.zone, product_now(session)),
    }


def _consent(person: Person, purpose: Purpose, history: Sequence[Consent]) -> dict[str, Any]:
    given = consents.holds(person, purpose)
    return {
        "purpose": purpose.value,
        "title": _HEADINGS[purpose],
        "words": WORDINGS[wording(person.language)][purpose],
        "given": given,
        "stands": _stands(person, purpose, history),
        "button": _BUTTONS[purpose][given],
    }


def serves(person: Person) -> bool:
    """Whether they can be on call, or lead or help with anything: whom a calendar can tell something."""
    roles = [item.role for item in person.roles]
    return any(may_do(roles, act, same_agency=True) for act in (Act.SERVE, Act.LIST_ESCALATIONS))


def _stands(person: Person, purpose: Purpose, history: Sequence[Consent]) -> Said:
    """What they said last, of their own accord: a yes that was taken back is not one that never was."""
    last = next((row for row in history if row.purpose == purpose), None)
    if last is not None and not last.given:
        when = spoken(last.at, person.zone)
        return _("You took your yes back %(how)s, %(when)s.", how=_WAYS[last.how], when=when)
    return _("You said yes.") if consents.holds(person, purpose) else _("You have not said yes.")


def _said(given: bool, purpose: str, how: str, when: str) -> str:
    values = {"when": when, "what": _ASKED[Purpose(purpose)], "how": _WAYS[how]}
    if given:
        return _("%(when)s: yes to %(what)s, %(how)s", **values)
    return _("%(when)s: no to %(what)s, %(how)s", **values)
