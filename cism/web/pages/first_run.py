"""The first pages of an empty installation: the agency and who coordinates it. Over once somebody does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from cism.domain.people import Discipline
from cism.errors import BadInput
from cism.services import first_run
from cism.services.first_run import FirstCoordinator
from cism.services.sign_ins import LONGEST
from cism.store.db import now as product_now
from cism.web import refusals
from cism.web.backend import backend_of
from cism.web.pages.cookies import set_page_cookie, start_session
from cism.web.pages.forms import Form, posted
from cism.web.pages.showing import show
from cism.web.words import Said, _

router = APIRouter(prefix="/first-run", include_in_schema=False)

_COOKIE: Final = "cism_first_run"
_PATH: Final = "/first-run"
_TICKED: Final = ("consent_pages", "consent_care")
_DISCIPLINES: Final = {
    Discipline.LAW_ENFORCEMENT.value: _("Law enforcement"),
    Discipline.FIRE.value: _("Fire"),
    Discipline.EMS.value: _("Emergency medical"),
    Discipline.DISPATCH.value: _("Dispatch"),
    Discipline.RAIL.value: _("Rail"),
    Discipline.HOSPITAL.value: _("Hospital"),
    Discipline.CORRECTIONS.value: _("Corrections"),
}
_LABELS: Final = {
    "agency": _("Key"),
    "display": _("Name in texts"),
    "region": _("Country of phone numbers"),
    "crisis_line": _("Crisis line"),
    "name": _("Name"),
    "id": _("Personnel number"),
    "phone": _("Mobile phone"),
    "email": _("E-mail"),
    "timezone": _("Time zone"),
    "language": _("Language"),
}
_FIELDS: Final = {"crisis line": "crisis_line", "duty phone": "phone"}  # as an agency's rules call them
_USUAL: Final = {
    "region": "US",
    "crisis_line": "call or text 988",
    "discipline": Discipline.LAW_ENFORCEMENT.value,
    "timezone": "America/New_York",
    "language": "en",
}


@router.get("")
async def look(request: Request) -> Response:
    """The form, to the browser that opened the address."""
    browser = request.cookies.get(_COOKIE)
    await backend_of(request).read(lambda session: first_run.inside(session, browser))
    return await _form(request, {name: _USUAL.get(name, "") for name in _names()})


@router.post("")
async def found(request: Request) -> Response:
    """Make the agency and its first coordinator; the rest is theirs to do."""
    form = await posted(request)
    browser = request.cookies.get(_COOKIE)
    given = _given(form)
    try:
        signed_in = await backend_of(request).act(
            lambda session: first_run.found_programme(session, browser, given, product_now(session))
        )
    except BadInput as error:
        written = {name: form.one(name) for name in _names()}
        return await _form(request, written, error.errors or [str(error)], status=422)
    answer = RedirectResponse("/set-up", status_code=303)
    start_session(request, answer, signed_in)
    answer.delete_cookie(_COOKIE, path=_PATH)
    return answer


@router.get("/{secret}")
async def gate(request: Request, secret: str) -> Response:
    """What the printed address shows: looking at it does not open it."""
    await backend_of(request).read(lambda session: first_run.look(session, secret))
    return await show(request, "first_run/gate.html", action=f"{_PATH}/{secret}")


@router.post("/{secret}")
async def enter(request: Request, secret: str) -> Response:
    """Open the address, once, for this browser."""
    await posted(request)
    browser = await backend_of(request).act(lambda session: first_run.enter(session, secret))
    answer = RedirectResponse(_PATH, status_code=303)
    set_page_cookie(request, answer, _COOKIE, browser, _PATH, int(LONGEST.total_seconds()))
    return answer


def _names() -> list[str]:
    return [item.name for item in fields(FirstCoordinator)]


def _given(form: Form) -> FirstCoordinator:
    words = {name: form.one(name) for name in _names() if name not in _TICKED}
    ticked = {name: form.one(name) == "yes" for name in _TICKED}
    return FirstCoordinator(**words, **ticked)  # type: ignore[arg-type]


def _by_field(said: Sequence[str]) -> tuple[dict[str, list[Said]], list[Said]]:
    """What was refused, by the field that it is about and in its label's words; and what is about none."""
    wrong: dict[str, list[Said]] = {name: [] for name in _names()}
    others = []
    for one in said:
        column, found, problem = one.partition(": ")
        name = _FIELDS.get(column, column)
        if found and name in _LABELS:
            told = _("%(field)s: %(problem)s", field=_LABELS[name], problem=refusals.by_line(problem))
            wrong[name].append(told)
        else:
            others.append(refusals.told(one))
    return wrong, others


async def _form(
    request: Request, written: dict[str, str], said: Sequence[str] = (), *, status: int = 200
) -> Response:
    wrong, others = _by_field(said)
    return await show(
        request,
        "first_run/founding.html",
        status=status,
        given=written,
        refused=bool(said),
        wrong=wrong,
        problems=others,
        labels=_LABELS,
        disciplines=_DISCIPLINES,
    )
