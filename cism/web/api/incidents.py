"""Incidents over HTTP (contract.md, HTTP).

The audit row is written last: it holds the chain's lock, which nobody may hold who waits for an incident.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Header
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from cism.domain.access import Act, patch_act
from cism.errors import BadInput
from cism.services import audit, intake, parties, removal, reopening, response, sensitive_dates
from cism.services.intake import Logged
from cism.store.db import now
from cism.web.api import timeline as timelines
from cism.web.api import views
from cism.web.api.models import AffectedList, DateBody, IncidentBody, IncidentPatch, Key, Nothing
from cism.web.api.rights import Standing, require_in_agency, standing
from cism.web.auth import ChangesIncidents, LogsIncidents, ReadsIncidents, ReadsTimeline, actor_of
from cism.web.backend import backend_of

router = APIRouter(prefix="/api/v1/incidents", tags=["incidents"])

KEY_LENGTH = 200


@router.post("", status_code=201, responses={200: {"description": "The same key and body came before"}})
async def log_incident(
    request: Request,
    caller: LogsIncidents,
    body: IncidentBody,
    idempotency_key: Annotated[str | None, Header()] = None,
) -> Response:
    """Log an incident. The same key and body answer with the same incident."""
    key = _key(idempotency_key)

    def work(session: Session) -> Logged:
        require_in_agency(caller, Act.LOG_INCIDENT, body.agency)
        report = body.as_input(caller.person_id)
        logged = intake.log_once(session, report, caller=caller.token_id, key=key)
        audit.write(session, actor_of(caller), "log incident", logged.id)
        return logged

    logged = await backend_of(request).act(work)
    return JSONResponse(
        {"id": logged.id, "ref": logged.ref, "team_state": logged.team_state},
        status_code=201 if logged.fresh else 200,
        headers={"Location": f"/api/v1/incidents/{logged.ref}"},
    )


@router.get("/{ref}")
async def see_incident(request: Request, caller: ReadsIncidents, ref: str) -> dict[str, Any]:
    """What the token's role may see of it."""

    def work(session: Session) -> dict[str, Any]:
        stands = standing(session, caller, ref)
        stands.require(Act.SEE_INCIDENT)
        audit.write(session, actor_of(caller), "read incident", stands.row.id)
        return views.incident(session, stands)

    return await backend_of(request).act(work)


@router.patch("/{ref}")
async def change_incident(
    request: Request, caller: ChangesIncidents, ref: str, body: IncidentPatch
) -> dict[str, Any]:
    """Change what may change; planning again only adds."""

    def work(session: Session) -> dict[str, Any]:
        stands = standing(session, caller, ref)
        for name in sorted(body.model_fields_set):
            stands.require(patch_act(name, lowers=_lowers(stands, body)))
        changes = body.changes()
        named = {part: changes.pop(part, ()) for part in ("on_scene", "reviewers")}
        if changes:
            intake.change(session, stands.row.id, changes)
        if any(named.values()):
            parties.add_later(session, stands.row.id, now=now(session), **named)  # type: ignore[arg-type]
        audit.write(session, actor_of(caller), "change incident", stands.row.id)
        return views.incident(session, stands)

    return await backend_of(request).act(work)


@router.get("/{ref}/timeline")
async def see_timeline(request: Request, caller: ReadsTimeline, ref: str) -> dict[str, Any]:
    """Past and planned steps; for those in charge."""

    def work(session: Session) -> dict[str, Any]:
        stands = standing(session, caller, ref)
        stands.require(Act.SEE_TIMELINE)
        audit.write(session, actor_of(caller), "read timeline", stands.row.id)
        return timelines.timeline(session, stands)

    return await backend_of(request).act(work)


@router.post("/{ref}/affected")
async def add_affected(
    request: Request, caller: ChangesIncidents, ref: str, body: AffectedList
) -> dict[str, Any]:
    """Add people; of whoever is on the list already the end of exposure alone may be said, or corrected."""

    def work(session: Session) -> dict[str, Any]:
        stands = standing(session, caller, ref)
        stands.require(Act.ADD_AFFECTED)
        intake.add_affected(session, stands.row.id, [item.as_input() for item in body.affected])
        audit.write(session, actor_of(caller), "add affected", stands.row.id)
        return views.incident(session, standing(session, caller, ref))

    return await backend_of(request).act(work)


@router.post("/{ref}/stand-down")
async def stand_down(request: Request, caller: ChangesIncidents, ref: str, body: Nothing) -> dict[str, Any]:
    """A false alarm or a duplicate: nothing unsent goes out."""
    del body

    def work(session: Session) -> dict[str, Any]:
        stands = standing(session, caller, ref)
        stands.require(Act.STAND_DOWN)
        response.stand_down(session, stands.row.id, by=caller.person_id, now=now(session))
        audit.write(session, actor_of(caller), "stand down", stands.row.id)
        return views.incident(session, stands)

    return await backend_of(request).act(work)


@router.post("/{ref}/close")
async def close(request: Request, caller: ChangesIncidents, ref: str, body: Nothing) -> dict[str, Any]:
    """End it early; opened escalations go on."""
    del body

    def work(session: Session) -> dict[str, Any]:
        stands = standing(session, caller, ref)
        stands.require(Act.CLOSE_INCIDENT)
        response.close(session, stands.row.id, by=caller.person_id, now=now(session))
        audit.write(session, actor_of(caller), "close incident", stands.row.id)
        return views.incident(session, stands)

    return await backend_of(request).act(work)


@router.post("/{ref}/reopen")
async def reopen(request: Request, caller: ChangesIncidents, ref: str, body: Nothing) -> dict[str, Any]:
    """Stood down or closed by mistake: what was promised and is still to come comes back, once."""
    del body

    def work(session: Session) -> dict[str, Any]:
        stands = standing(session, caller, ref)
        stands.require(Act.REOPEN_INCIDENT)
        reopening.reopen(session, stands.row.id, by=caller.person_id, now=now(session))
        audit.write(session, actor_of(caller), "reopen incident", stands.row.id)
        return views.incident(session, stands)

    return await backend_of(request).act(work)


@router.delete("/{ref}/affected/{person_id}")
async def remove_affected(
    request: Request, caller: ChangesIncidents, ref: str, person_id: Key
) -> dict[str, Any]:
    """Take somebody off who was named by mistake: nothing more goes to them, and no explanation."""

    def work(session: Session) -> dict[str, Any]:
        stands = standing(session, caller, ref)
        stands.require(Act.REMOVE_AFFECTED)
        person = intake.listed(session, stands.row, person_id)
        removal.remove(session, stands.row.id, person.id, by=caller.person_id, now=now(session))
        audit.write(session, actor_of(caller), "remove affected", stands.row.id)
        return views.incident(session, standing(session, caller, ref))

    return await backend_of(request).act(work)


@router.get("/{ref}/dates")
async def list_dates(request: Request, caller: ReadsTimeline, ref: str) -> list[dict[str, Any]]:
    """Days on which nothing automatic goes to its people, the next one first."""

    def work(session: Session) -> list[dict[str, Any]]:
        stands = standing(session, caller, ref)
        stands.require(Act.KEEP_DATES)
        audit.write(session, actor_of(caller), "read dates", stands.row.id)
        return [dict(one) for one in sensitive_dates.listed(stands.row)]

    return await backend_of(request).act(work)


@router.post("/{ref}/dates", status_code=201)
async def add_date(
    request: Request, caller: ChangesIncidents, ref: str, body: DateBody
) -> list[dict[str, Any]]:
    """Keep a day free of automatic texts, and have each person's peer call on the day before."""

    def work(session: Session) -> list[dict[str, Any]]:
        stands = standing(session, caller, ref)
        stands.require(Act.KEEP_DATES)
        sensitive_dates.add(
            session,
            stands.row.id,
            body.day,
            body.kind,
            hours=body.hours(),
            by=caller.person_id,
            now=now(session),
        )
        audit.write(session, actor_of(caller), "add date", stands.row.id)
        return [dict(one) for one in sensitive_dates.listed(stands.row)]

    return await backend_of(request).act(work)


@router.delete("/{ref}/dates/{day}")
async def remove_date(
    request: Request, caller: ChangesIncidents, ref: str, day: date
) -> list[dict[str, Any]]:
    """Forget a day; calls that were asked for already go on."""

    def work(session: Session) -> list[dict[str, Any]]:
        stands = standing(session, caller, ref)
        stands.require(Act.KEEP_DATES)
        sensitive_dates.remove(session, stands.row.id, day, by=caller.person_id, now=now(session))
        audit.write(session, actor_of(caller), "remove date", stands.row.id)
        return [dict(one) for one in sensitive_dates.listed(stands.row)]

    return await backend_of(request).act(work)


def _lowers(stands: Standing, body: IncidentPatch) -> bool:
    return body.severity is not None and body.severity.rank < stands.row.severity.rank


def _key(given: str | None) -> str | None:
    if given is None:
        return None
    if not given.strip() or len(given) > KEY_LENGTH or not given.isprintable():
        message = f"Idempotency-Key must be 1 to {KEY_LENGTH} printable characters, new for each incident"
        raise BadInput(message)
    return given
