"""Break-glass over HTTP: look although the table refuses it, and see who did."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request

from cism.domain.access import Act
from cism.errors import NotAllowed, NotFound
from cism.services import audit, glass, intake, people
from cism.services.tokens import Caller
from cism.store.db import now
from cism.store.tables import Person
from cism.web.api.models import GlassBody
from cism.web.api.rights import require_in_agency
from cism.web.api.views import moment
from cism.web.auth import BreaksGlass, ReadsGlass, actor_of
from cism.web.backend import backend_of

router = APIRouter(prefix="/api/v1/break-glass", tags=["break-glass"])


@router.post("", status_code=201)
async def break_glass(request: Request, caller: BreaksGlass, body: GlassBody) -> dict[str, Any]:
    """Open an incident's list for an hour; the clinical director hears of it at once."""

    def work(session: Session) -> dict[str, Any]:
        require_in_agency(caller, Act.BREAK_GLASS, caller.agency)
        who = human(session, caller)
        try:
            row = intake.by_ref(session, body.incident)
        except NotFound:
            row = None
        if row is None or row.agency != caller.agency:
            message = "there is no incident by that reference; look at the receipt, or ask the coordinator"
            raise NotFound(message)
        made = glass.broken(session, row, reason=body.reason, by=who, now=now(session))
        audit.write(session, actor_of(caller), "break glass", row.id)
        return {"id": made.id, "ends_at": moment(glass.ends_at(session, made))}

    return await backend_of(request).act(work)


@router.get("/{glass_id}")
async def look(request: Request, caller: BreaksGlass, glass_id: str) -> dict[str, Any]:
    """Who is on the list and how to reach them, within the hour; every look is audited."""

    def work(session: Session) -> dict[str, Any]:
        require_in_agency(caller, Act.BREAK_GLASS, caller.agency)
        made, found = glass.look(session, glass_id, by=human(session, caller))
        audit.write(session, actor_of(caller), "look under glass", made.incident_id)
        shown = [
            {"person_id": one.person_id, "circle": one.circle, "name": one.name, "phone": one.phone}
            for one in found
        ]
        return {"id": made.id, "ends_at": moment(glass.ends_at(session, made)), "people": shown}

    return await backend_of(request).act(work)


@router.get("")
async def list_broken(request: Request, caller: ReadsGlass) -> list[dict[str, Any]]:
    """Who looked, when, why, how often."""

    def work(session: Session) -> list[dict[str, Any]]:
        require_in_agency(caller, Act.LIST_BROKEN_GLASS, caller.agency)
        audit.write(session, actor_of(caller), "list broken glass")
        return [
            {
                "id": made.id,
                "incident": row.ref,
                "by": who.roster_id,
                "reason": made.reason.value,
                "broken_at": moment(made.broken_at),
                "reads": made.reads,
            }
            for made, row, who in glass.listed(session, caller.agency)
        ]

    return await backend_of(request).act(work)


def human(session: Session, caller: Caller) -> Person:
    """The person behind a token: some acts are a human's."""
    if caller.person_id is None:
        message = "only a human can do this: use a token made with `cism token create --person ID`"
        raise NotAllowed(message)
    return people.get(session, caller.person_id)
