"""The supervisor's form at the roadside, and its receipt."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from cism.domain.access import Act
from cism.domain.incident_types import INCIDENT_TYPES
from cism.errors import BadInput, KeyReused
from cism.services import audit, intake
from cism.services.notify import lines
from cism.services.team_state import NO_CHECK_INS, NOTHING_LEAVES, WORKING, team_state
from cism.services.tokens import Caller
from cism.store.db import now as product_now
from cism.store.tables import IdempotencyKey, Incident
from cism.web.api.rights import require_in_agency, standing
from cism.web.auth import actor_of
from cism.web.backend import backend_of
from cism.web.pages import log_choices, log_form
from cism.web.pages.cookies import form_token, keep_visit
from cism.web.pages.forms import Form, posted
from cism.web.pages.local_time import local, spoken, zone_name
from cism.web.pages.log_choices import Choices
from cism.web.pages.templating import page
from cism.web.pages.who import signed_in

router = APIRouter(include_in_schema=False)

_TO_SIGN_IN = "/sign-in"


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
        return RedirectResponse(_TO_SIGN_IN, status_code=303)

    def work(session: Session) -> Choices:
        require_in_agency(caller, Act.LOG_INCIDENT, caller.agency)
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
        return RedirectResponse(_TO_SIGN_IN, status_code=303)
    outcome = await backend_of(request).act(lambda session: _logged(session, caller, given))
    if outcome.reused:
        return page(request, "already_sent.html", status=409, ref=outcome.ref)
    if outcome.ref is None:
        return await _show(request, outcome.offered, given, outcome.problems or {}, status=422)
    return RedirectResponse(f"/log/{outcome.ref}", status_code=303)


@router.get("/log/{ref}")
async def receipt(request: Request, ref: str) -> Response:
    """What happens now, and what to say to the crew; nothing about anybody (invariant 6)."""
    caller = await signed_in(request)
    if caller is None:
        return RedirectResponse(_TO_SIGN_IN, status_code=303)

    def work(session: Session) -> dict[str, Any]:
        stands = standing(session, caller, ref)
        state = team_state(session, stands.row)
        zone = log_choices.choices(session, caller).zone
        return {
            "ref": stands.row.ref,
            "logged": spoken(stands.row.logged_at, zone),
            "zone": zone_name(zone, stands.row.logged_at),
            "working": state.startswith(WORKING),
            "nothing_leaves": state.startswith(NOTHING_LEAVES),
            "no_check_ins": NO_CHECK_INS in state,
            "duty": lines(session, stands.row.agency)[0],
            "jeopardy": _jeopardy(stands.row),
        }

    shown = await backend_of(request).read(work)
    token = await form_token(request)
    response = page(request, "receipt.html", form_token=token, **shown)
    keep_visit(request, response)
    return response


def _logged(session: Session, caller: Caller, given: Form) -> Outcome:
    """Read and log in one transaction. "Now" in a form that came before is the moment it came first."""
    require_in_agency(caller, Act.LOG_INCIDENT, caller.agency)
    offered = log_choices.choices(session, caller)
    key = given.one("key")[:80] or secrets.token_hex(16)
    before = _known(session, caller, key)
    sent_at = before.logged_at if before is not None else product_now(session)
    found = log_form.read(given, offered, sent_at=_minute(sent_at))
    if found.problems:
        return Outcome(offered, problems=found.problems)
    try:
        with session.begin_nested():
            logged = intake.log_once(
                session, log_form.report(found, offered), caller=caller.token_id, key=key
            )
    except KeyReused:
        return Outcome(offered, ref=before.ref if before is not None else None, reused=True)
    except BadInput as error:
        return Outcome(offered, problems=log_form.refused(given, error))
    audit.write(session, actor_of(caller), "log incident", logged.id)
    return Outcome(offered, ref=logged.ref)


def _known(session: Session, caller: Caller, key: str) -> Incident | None:
    row = session.get(IdempotencyKey, (caller.token_id, key))
    return session.get(Incident, row.incident_id) if row is not None else None


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def _jeopardy(row: Incident) -> bool:
    kind = INCIDENT_TYPES.get(row.type)
    return kind is not None and kind.jeopardy


def _blank(offered: Choices) -> Form:
    """A fresh form: whoever logs is on it already, as one in charge; the key makes sending twice harmless."""
    today = f"{local(offered.now, offered.zone):%Y-%m-%d}"
    mine = [("there", offered.me), (f"circle_{offered.me}", "E")] if offered.me else []
    return Form([("key", secrets.token_hex(16)), ("ended_date", today), *mine])


async def _show(
    request: Request, offered: Choices, given: Form, problems: dict[str, str], *, status: int
) -> Response:
    token = await form_token(request)
    response = page(
        request,
        "log.html",
        status=status,
        form_token=token,
        offered=offered,
        given=given,
        problems=problems,
        severities=log_choices.SEVERITIES,
        circles=log_choices.CIRCLES,
        zone=zone_name(offered.zone, offered.now),
        clock=spoken(offered.now, offered.zone),
        ask_kin="kin" in problems or bool(given.one("kin")),
    )
    keep_visit(request, response)
    return response
