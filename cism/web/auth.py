"""Who calls the API, and the audit row of every refusal."""

from __future__ import annotations

import re
from collections import deque
from typing import Annotated, Final

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from starlette.requests import Request

from cism import clock, log
from cism.errors import CismError, NotSignedIn
from cism.services import audit, tokens
from cism.services.tokens import Caller
from cism.web.backend import Backend, backend_of

_REFUSALS: Final = frozenset({401, 403, 404})
_OBJECT: Final = re.compile(r"[A-Z]-[A-Z0-9]{4,8}|[0-9a-f]{20}")
_UNKNOWN: Final = "unknown caller"
_bearer = HTTPBearer(auto_error=False, description="A token from `cism token create`")


async def bearer(
    request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Caller:
    """The caller whose token the request carries."""
    if given is None or not given.credentials.strip():
        message = "send the header `Authorization: Bearer TOKEN`; `cism token create` makes one"
        raise NotSignedIn(message)
    request.state.actor = _UNKNOWN
    secret = given.credentials.strip()
    caller = await backend_of(request).read(lambda session: tokens.caller(session, secret))
    request.state.actor = actor_of(caller)
    return caller


CallerOf = Annotated[Caller, Depends(bearer)]


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
        if actor != _UNKNOWN:
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
