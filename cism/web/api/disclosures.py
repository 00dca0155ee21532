"""Disclosure outside of the programme over HTTP: proposed by one person, confirmed by another."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request

from cism.domain.access import Act
from cism.domain.disclosure import EXCEPTIONS
from cism.errors import NotFound
from cism.services import audit, disclosures, people
from cism.services.tokens import Caller
from cism.store.db import now
from cism.store.tables import Disclosure, Person
from cism.web.api.glass import human
from cism.web.api.models import DisclosureBody, Nothing
from cism.web.api.rights import require_in_agency
from cism.web.api.views import moment
from cism.web.auth import DecidesDisclosures, actor_of
from cism.web.backend import backend_of

router = APIRouter(prefix="/api/v1/disclosures", tags=["disclosures"])


@router.get("/exceptions")
async def exceptions(caller: DecidesDisclosures) -> list[dict[str, Any]]:
    """The grounds that may be given, each with its source; a warning where it was not read."""
    require_in_agency(caller, Act.PROPOSE_DISCLOSURE, caller.agency)
    return [
        {
            "key": item.key,
            "jurisdiction": item.jurisdiction,
            "says": item.says,
            "source": item.source,
            "warning": item.warning,
        }
        for item in EXCEPTIONS.values()
    ]


@router.get("")
async def list_disclosures(request: Request, caller: DecidesDisclosures) -> list[dict[str, Any]]:
    """The agency's, newest first; never of somebody on a list with the caller."""

    def work(session: Session) -> list[dict[str, Any]]:
        require_in_agency(caller, Act.PROPOSE_DISCLOSURE, caller.agency)
        found = [_shown(row) for row in disclosures.listed(session, human(session, caller))]
        audit.write(session, actor_of(caller), "list disclosures")
        return found

    return await backend_of(request).act(work)


@router.post("", status_code=201)
async def propose(request: Request, caller: DecidesDisclosures, body: DisclosureBody) -> dict[str, Any]:
    """Propose that something about a person may be told outside, by a code and without a word of it."""

    def work(session: Session) -> dict[str, Any]:
        require_in_agency(caller, Act.PROPOSE_DISCLOSURE, caller.agency)
        by = human(session, caller)
        person = people.by_roster_id(session, caller.agency, body.person_id)
        if person is None:
            message = "nobody by that id is on your agency's roster; `cism roster status` knows them"
            raise NotFound(message)
        made = disclosures.propose(
            session, person, exception=body.exception, recipient=body.recipient, by=by, now=now(session)
        )
        audit.write(session, actor_of(caller), "propose disclosure", made.id)
        return _shown(made)

    return await backend_of(request).act(work)


@router.post("/{disclosure_id}/confirm")
async def confirm(
    request: Request, caller: DecidesDisclosures, disclosure_id: str, body: Nothing
) -> dict[str, Any]:
    """Agree, as another than whoever proposed it."""
    del body
    return await _decide(request, caller, disclosure_id, disclosures.confirm, "confirm disclosure")


@router.post("/{disclosure_id}/withdraw")
async def withdraw(
    request: Request, caller: DecidesDisclosures, disclosure_id: str, body: Nothing
) -> dict[str, Any]:
    """Not agreed to, or not needed any more."""
    del body
    return await _decide(request, caller, disclosure_id, disclosures.withdraw, "withdraw disclosure")


async def _decide(
    request: Request, caller: Caller, disclosure_id: str, decide: Callable[..., Disclosure], act: str
) -> dict[str, Any]:
    def work(session: Session) -> dict[str, Any]:
        require_in_agency(caller, Act.CONFIRM_DISCLOSURE, caller.agency)
        by: Person = human(session, caller)
        at: datetime = now(session)
        row = decide(session, disclosure_id, by=by, now=at)
        audit.write(session, actor_of(caller), act, row.id)
        return _shown(row)

    return await backend_of(request).act(work)


def _shown(row: Disclosure) -> dict[str, Any]:
    """Codes and times; nobody's name."""
    return {
        "id": row.id,
        "exception": row.exception,
        "recipient": row.recipient.value,
        "state": row.state.value,
        "proposed_at": moment(row.proposed_at),
        "decided_at": moment(row.decided_at),
        "warning": EXCEPTIONS[row.exception].warning,
    }
