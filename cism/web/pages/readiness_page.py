"""Whether the agency could answer tonight, for whoever is in charge of it."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from cism.domain.access import Act
from cism.domain.people import Role
from cism.services import agency_readiness, audit
from cism.store.db import now as product_now
from cism.store.tables import Person
from cism.web.pages import charge
from cism.web.pages.local_time import spoken
from cism.web.pages.who import Visitor
from cism.web.words import Said, _

router = APIRouter(include_in_schema=False)

ROLES: Final = {
    "coordinator": _("coordinator"),
    "clinician": _("clinician"),
    "clinical_director": _("clinical director"),
    "peer": _("peer"),
}


@router.get("/readiness")
async def ready(request: Request) -> Response:
    """What has to be mended before somebody needs it."""

    def work(session: Session, visitor: Visitor, person: Person) -> dict[str, Any]:
        found = agency_readiness.of_agency(session, visitor.agency, product_now(session))
        audit.write(session, person.id, "page readiness")
        return {
            "found": found,
            "missing": [role_words(role) for role in found.missing],
            "gaps": [
                (role_words(role), spoken(gap.start, person.zone), spoken(gap.end, person.zone))
                for role, gap in found.gaps[: agency_readiness.MOST]
            ],
            "away": [(name, spoken(until, person.zone)) for name, until in found.away],
            "asked": "asked" in request.query_params,
            "days": agency_readiness.AHEAD.days,
            "weeks": agency_readiness.EXPIRES_WITHIN.days // 7,
        }

    return await charge.look(request, Act.CHANGE_ROSTER, "coordinator/readiness.html", work)


def role_words(role: Role) -> Said:
    """A role as a sentence names it."""
    return ROLES.get(role.value, Said(role.value.replace("_", " ")))
