"""The supervisor's form at the roadside, and its receipt."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from cism.domain.access import Act
from cism.domain.incident_types import INCIDENT_TYPES, Intervention
from cism.domain.people import Discipline
from cism.errors import BadInput, KeyReused, NotAllowed
from cism.services import audit, crew_list, intake
from cism.services.notify import lines
from cism.services.team_state import NO_CHECK_INS, NOTHING_LEAVES, WORKING, team_state
from cism.services.tokens import Caller
from cism.store.db import now as product_now
from cism.store.tables import IdempotencyKey, Incident
from cism.web.api.rights import require_in_agency, standing
from cism.web.api.views import public_state
from cism.web.auth import actor_of
from cism.web.backend import backend_of
from cism.web.pages import calling, log_choices, log_form
from cism.web.pages.forms import Form, posted
from cism.web.pages.local_time import local, spoken, zone_name
from cism.web.pages.log_choices import Choices
from cism.web.pages.showing import show
from cism.web.pages.way_back import LOG, to_sign_in
from cism.web.pages.who import signed_in
from cism.web.words import _

router = APIRouter(include_in_schema=False)

_SCRIPTS = ("log.js",)
# design: for so long the page says that peers are asked; by the clock alone, since whoever logs must not
# learn from a page whether anybody said yes (domain.md 7.3)
_ASKING: Final = timedelta(hours=4)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a posted form."""

    offered: Choices
    ref: str | None = None
    problems: dict[str, str] | None = None
    reused: bool = False


@router.get("/log")
async def form(request: Request) -> Response:
    """The empty form."""
    caller = await signed_in(request)
    if caller is None:
        return to_sign_in(LOG)

    def work(session: Session) -> Choices:
        _require(caller)
        offered = log_choices.choices(session, caller)
        audit.write(session, actor_of(caller), "read roster for log form")
        return offered

    offered = await backend_of(request).act(work)
    return await _show(request, offered, _blank(offered), {}, status=200)


@router.post("/log")
async def log_it(request: Request) -> Response:
    """Log what the form says; sending it twice logs it once."""
    given = await posted(request)
    caller = await signed_in(request)
    if caller is None:
        return to_sign_in(LOG)
    outcome = await backend_of(request).act(lambda session: _logged(session, caller, given))
    if outcome.reused:
        person = await calling.whom(request)
        return await show(
            request, "already_sent.html", status=409, scripts=_SCRIPTS, ref=outcome.ref, person=person
        )
    if outcome.ref is None:
        return await _show(request, outcome.offered, given, outcome.problems or {}, status=422)
    on = "/crew" if log_form.is_for_later(given) else ""
    return RedirectResponse(f"/log/{outcome.ref}{on}", status_code=303)


@router.get("/log/{ref}")
async def receipt(request: Request, ref: str) -> Response:
    """What happens now, and what to say to the crew; nothing about anybody (invariant 6)."""
    caller = await signed_in(request)
    if caller is None:
        return to_sign_in(request.url.path)

    def work(session: Session) -> dict[str, Any]:
        stands = standing(session, caller, ref)
        state = team_state(session, stands.row)
        offered = log_choices.choices(session, caller)
        zone = offered.zone
        return {
            "ref": stands.row.ref,
            "logged": spoken(stands.row.logged_at, zone),
            "zone": zone_name(zone, stands.row.logged_at),
            "over": public_state(stands.row, product_now(session)) == "closed",
            "working": state.startswith(WORKING),
            "early": product_now(session) < stands.row.logged_at + _ASKING,
            "nothing_leaves": state.startswith(NOTHING_LEAVES),
            "no_check_ins": NO_CHECK_INS in state,
            "duty": lines(session, stands.row.agency)[0],
            "may_add": stands.may(Act.ADD_AFFECTED),
            **_about_the_kind(stands.row, offered.service),
        }

    shown = await backend_of(request).read(work)
    return await show(request, "receipt.html", scripts=_SCRIPTS, **shown)


def _require(caller: Caller) -> None:
    """What the API refuses, in words of a page."""
    try:
        require_in_agency(caller, Act.LOG_INCIDENT, caller.agency)
    except NotAllowed as error:
        message = _("Supervisors and coordinators log incidents. If something happened, call one of them.")
        raise NotAllowed(message) from error


def _logged(session: Session, caller: Caller, given: Form) -> Outcome:
    """Read and log in one transaction. "Now" in a form that came before is the moment it came first."""
    _require(caller)
    offered = log_choices.choices(session, caller)
    key = given.one("key")[:80] or secrets.token_hex(16)
    before = _known(session, caller, key)
    found = log_form.read(given, offered, sent_at=_sent_at(session, given, before))
    if found.problems:
        again = log_choices.choices(session, caller, found.ended_at)
        return Outcome(again.showing(given.many("there")), problems=found.problems)
    if before is not None and given.one("waited") and log_form.is_relative(given):
        found.ended_at = before.ended_at  # the same press of the button, sent again by a phone without a line
    try:
        with session.begin_nested():
            logged = intake.log_once(
                session, log_form.report(found, offered), caller=_whose_key(caller), key=key
            )
    except KeyReused:
        return Outcome(offered, ref=before.ref if before is not None else None, reused=True)
    except BadInput as error:
        return Outcome(offered.showing(given.many("there")), problems=log_form.refused(given, error))
    if logged.fresh and log_form.is_for_later(given):
        crew_list.expect(session, session.get_one(Incident, logged.id), product_now(session))
    audit.write(session, actor_of(caller), "log incident", logged.id)
    return Outcome(offered, ref=logged.ref)


def _known(session: Session, caller: Caller, key: str) -> Incident | None:
    row = session.get(IdempotencyKey, (_whose_key(caller), key))
    return session.get(Incident, row.incident_id) if row is not None else None


def _whose_key(caller: Caller) -> str:
    """The person, where one is known: a form that is sent again after another sign-in is still the same."""
    return caller.person_id or caller.token_id


def _sent_at(session: Session, given: Form, before: Incident | None) -> datetime:
    if before is not None:
        return _minute(before.logged_at)
    return log_form.pressed_at(given, _minute(product_now(session)))


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def _about_the_kind(row: Incident, service: Discipline | None) -> dict[str, bool]:
    """What the kind of incident adds to the calm page. The duties of 49 CFR 272 are a railroad's, and whoever
    came to its crossing from another service has none of them.
    """
    kind = INCIDENT_TYPES.get(row.type)
    return {
        "jeopardy": kind is not None and kind.jeopardy,
        "relief": kind is not None
        and Intervention.RELIEF in kind.interventions
        and service is Discipline.RAIL,
    }


def _blank(offered: Choices) -> Form:
    """A fresh form: whoever logs is on it already, as one in charge; the key makes sending twice harmless."""
    today = f"{local(offered.now, offered.zone):%Y-%m-%d}"
    mine = [("there", offered.me), (f"circle_{offered.me}", "E")] if offered.me else []
    return Form([("key", secrets.token_hex(16)), ("ended_date", today), *mine])


async def _show(
    request: Request, offered: Choices, given: Form, problems: dict[str, str], *, status: int
) -> Response:
    return await show(
        request,
        "log.html",
        status=status,
        scripts=_SCRIPTS,
        offered=offered,
        given=given,
        problems=problems,
        ago=log_form.AGO,
        severities=log_choices.SEVERITIES,
        circles=log_choices.CIRCLES,
        zone=zone_name(offered.zone, offered.now),
        clock=spoken(offered.now, offered.zone),
        ask_kin="kin" in problems or bool(given.one("kin")),
        person=await calling.whom(request),
    )
