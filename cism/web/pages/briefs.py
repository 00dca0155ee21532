"""Every intervention for whoever may lead it: what it is, its phases in order, what it never is."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from cism.domain.access import Act
from cism.domain.briefs import brief_of
from cism.domain.interventions import CATALOGUE
from cism.store.tables import Person
from cism.web.pages.brief_words import in_words
from cism.web.pages.signed import look

router = APIRouter(prefix="/briefs", include_in_schema=False)


@router.get("")
async def all_of_them(request: Request) -> Response:
    """The catalogue; nothing on it is about anybody."""

    def work(session: Session, person: Person) -> dict[str, Any]:
        del session, person
        return {"briefs": [in_words(brief_of(kind)) for kind in CATALOGUE]}

    return await look(request, Act.BE_ASKED, "peer/briefs.html", work)
