"""Who calls the API, and the audit row of every refusal."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import Depends, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from starlette.requests import Request

from cism import clock, log
from cism.domain.scopes import Scope, of_role
from cism.errors import CismError, NotAllowed, NotSignedIn
from cism.services import audit, tokens
from cism.services.tokens import Caller
from cism.web.backend import Backend, backend_of

_REFUSALS: Final = frozenset({401, 403, 404})
_OBJECT: Final = re.compile(r"[A-Z]-[A-Z0-9]{4,8}|[0-9a-f]{20}")
UNKNOWN: Final = "unknown caller"
_bearer = HTTPBearer(auto_error=False, description="A token from `cism token create`")


async def bearer(
    request: Request,
    needed: SecurityScopes,
    given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Caller:
    """The caller whose token the request carries, where it has the scopes of the route."""
    request.state.actor = UNKNOWN
    if given is None or not given.credentials.strip():
        message = "send the header `Authorization: Bearer TOKEN`; `cism token create` makes one"
        raise NotSignedIn(message)
    secret = given.credentials.strip()
    caller = await backend_of(request).read(lambda session: tokens.caller(session, secret))
    request.state.actor = actor_of(caller)
    _require(caller, [Scope(one) for one in needed.scopes])
    return caller


def _require(caller: Caller, needed: Sequence[Scope]) -> None:
    possible = of_role(caller.role, person=caller.person_id is not None)
    for scope in needed:
        # what no token of this role opens is refused by the table of who may what, in its own words
        if scope in caller.scopes or (not caller.scoped and scope not in possible):
            continue
        message = f"this token does not have the scope {scope.value}; ask the coordinator for one that has"
        raise NotAllowed(message)


LogsIncidents = Annotated[Caller, Security(bearer, scopes=[Scope.INCIDENTS_LOG])]
ReadsIncidents = Annotated[Caller, Security(bearer, scopes=[Scope.INCIDENTS_READ])]
ChangesIncidents = Annotated[Caller, Security(bearer, scopes=[Scope.INCIDENTS_CHANGE])]
ReadsTimeline = Annotated[Caller, Security(bearer, scopes=[Scope.TIMELINE_READ])]
ReadsEscalations = Annotated[Caller, Security(bearer, scopes=[Scope.ESCALATIONS_READ])]
AnswersEscalations = Annotated[Caller, Security(bearer, scopes=[Scope.ESCALATIONS_ANSWER])]
DecidesDisclosures = Annotated[Caller, Security(bearer, scopes=[Scope.DISCLOSURES_DECIDE])]
BreaksGlass = Annotated[Caller, Security(bearer, scopes=[Scope.GLASS_BREAK])]
ReadsGlass = Annotated[Caller, Security(bearer, scopes=[Scope.GLASS_READ])]
ReadsReceipt = Annotated[Caller, Security(bearer, scopes=[Scope.RECEIPT_READ])]


def actor_of(caller: Caller) -> str:
    """How the audit log names a caller: an opaque id."""
    return caller.person_id or f"token:{caller.token_id}"


class RefusalLog:
    """Writes refusals to the audit log. Strangers can fill at most a few rows a minute; known callers all."""

    MOST_A_MINUTE = 30

    def __init__(self) -> None:
        self._strangers: deque[float] = deque()

    async def note(self, request: Request, error: CismError) -> None:
        """One row for a refusal; failing to write it does not turn the refusal into something else."""
        actor: str | None = getattr(request.state, "actor", None)
        if actor is None or error.status not in _REFUSALS or not self._room(actor):
            return
        route = request.scope.get("route")
        act = f"{request.method} {getattr(route, 'path', '?')}"[:60]
        named = next((str(value) for value in request.path_params.values()), "")
        target = named if _OBJECT.fullmatch(named) else None
        await write_refusal(backend_of(request), actor, act, target)

    def _room(self, actor: str) -> bool:
        if actor != UNKNOWN:
            return True
        now = clock.monotonic()
        while self._strangers and self._strangers[0] < now - 60:
            self._strangers.popleft()
        if len(self._strangers) >= self.MOST_A_MINUTE:
            return False
        self._strangers.append(now)
        return True


async def write_refusal(backend: Backend, actor: str, act: str, target: str | None) -> None:
    """The row itself, in a transaction of its own: the refused one left nothing behind."""

    def write(session: Session) -> None:
        audit.write(session, actor, act, target, allowed=False)

    try:
        await backend.act(write)
    except (CismError, SQLAlchemyError) as failed:
        log.failure("web.refusal_not_audited", failed)
