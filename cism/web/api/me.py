"""What a person may ask about themselves, with a token of their own."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request

from cism.errors import NotAllowed
from cism.services import audit, trust
from cism.services.clockwork import stamp
from cism.web.auth import ReadsReceipt
from cism.web.backend import backend_of

router = APIRouter(prefix="/api/v1/me", tags=["me"])


@router.get("/receipt")
async def receipt(request: Request, caller: ReadsReceipt) -> list[dict[str, Any]]:
    """Which roles saw what about the token's person, and when, newest first. Of nobody else."""
    person_id = caller.person_id
    if person_id is None:
        message = "a receipt is one person's: use a token that was made with --person"
        raise NotAllowed(message)

    def work(session: Session) -> list[dict[str, Any]]:
        lines = trust.receipt(session, person_id)
        # as the token's look and not as the person's own: whoever made it may have looked
        audit.write(session, f"token:{caller.token_id}", "read receipt", person_id)
        return [{"at": stamp(line.at), "who": line.who, "what": line.what} for line in lines]

    return await backend_of(request).act(work)
