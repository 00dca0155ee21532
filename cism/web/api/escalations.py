"""Escalations over HTTP: list, take, say how it ended. Never who it is about."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request

from cism.domain.access import Act, may_do
from cism.domain.escalation import EscalationState
from cism.errors import AlreadyDone, NotAllowed, NotFound
from cism.services import audit, escalation_desk, escalations, people, rungs
from cism.services.tokens import Caller
from cism.store.db import now
from cism.store.tables import Escalation, Person
from cism.web.api.models import Nothing, OutcomeBody
from cism.web.api.rights import not_allowed, require_in_agency
from cism.web.api.views import moment
from cism.web.auth import AnswersEscalations, ReadsEscalations, actor_of
from cism.web.backend import backend_of

router = APIRouter(prefix="/api/v1/escalations", tags=["escalations"])

MOST_LISTED = 500


@router.get("")
async def list_escalations(request: Request, caller: ReadsEscalations) -> list[dict[str, Any]]:
    """The agency's escalations, and those that the caller was asked to take; open ones first."""

    def work(session: Session) -> list[dict[str, Any]]:
        require_in_agency(caller, Act.LIST_ESCALATIONS, caller.agency)
        audit.write(session, actor_of(caller), "list escalations")
        rows = session.scalars(
            escalation_desk.visible(session, caller.agency, caller.person_id)
            .order_by(Escalation.closed_at.is_not(None), Escalation.opened_at.desc())
            .limit(MOST_LISTED)
        )
        return [shown(row) for row in rows]

    return await backend_of(request).act(work)


@router.post("/{escalation_id}/ack")
async def acknowledge(
    request: Request, caller: AnswersEscalations, escalation_id: str, body: Nothing
) -> dict[str, Any]:
    """Take it: the caller is the one who will speak with the person."""
    del body

    def work(session: Session) -> dict[str, Any]:
        row, helper = _taken_by(session, caller, escalation_id)
        if not may_do([caller.role], Act.ACK_ESCALATION, same_agency=True):
            raise not_allowed(caller, Act.ACK_ESCALATION)
        if row.state is not EscalationState.OPEN and row.acked_by != helper.id:
            message = "somebody else has it already; nothing was changed"
            raise AlreadyDone(message)
        escalations.acknowledge(session, row, helper, now(session))
        audit.write(session, actor_of(caller), "ack escalation", row.id)
        return shown(row)

    return await backend_of(request).act(work)


@router.post("/{escalation_id}/close")
async def close(
    request: Request, caller: AnswersEscalations, escalation_id: str, body: OutcomeBody
) -> dict[str, Any]:
    """Say how the calling ended; only a human who made the call can."""

    def work(session: Session) -> dict[str, Any]:
        row, helper = _taken_by(session, caller, escalation_id)
        took_it = row.acked_by == helper.id
        if not may_do([caller.role], Act.CLOSE_ESCALATION, same_agency=True, took_it=took_it):
            raise not_allowed(caller, Act.CLOSE_ESCALATION)
        if row.state is not EscalationState.CLOSED:
            escalations.may_close(row, helper)
        escalations.close(session, row, helper, body.as_code(), now(session))
        audit.write(session, actor_of(caller), "close escalation", row.id)
        return shown(row)

    return await backend_of(request).act(work)


def shown(row: Escalation) -> dict[str, Any]:
    """When and how pressing; nothing about the person."""
    return {
        "id": row.id,
        "level": row.level.value,
        "opened_at": moment(row.opened_at),
        "acked_at": moment(row.acked_at),
        "closed_at": moment(row.closed_at),
    }


def _taken_by(session: Session, caller: Caller, escalation_id: str) -> tuple[Escalation, Person]:
    """The row, held, and the human behind the token."""
    require_in_agency(caller, Act.LIST_ESCALATIONS, caller.agency)
    seen = escalation_desk.visible(session, caller.agency, caller.person_id)
    found = session.scalar(seen.where(Escalation.id == escalation_id))
    if found is None:
        message = "there is no escalation by that id; GET /api/v1/escalations lists them"
        raise NotFound(message)
    if caller.person_id is None:
        message = "only a human can take or close it: use a token made with `cism token create --person ID`"
        raise NotAllowed(message)
    return rungs.locked(session, found.id), people.get(session, caller.person_id)
