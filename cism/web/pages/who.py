"""Who is signed in with this browser."""

from __future__ import annotations

from sqlalchemy.orm import Session
from starlette.requests import Request

from cism.errors import NotSignedIn
from cism.services import sign_ins
from cism.services.sign_ins import SignedIn
from cism.services.tokens import Caller
from cism.web.auth import actor_of
from cism.web.backend import backend_of
from cism.web.pages.cookies import session_secret


async def signed_in(request: Request) -> Caller | None:
    """As whom this browser may do staff work; None sends them to the sign-in."""
    found = await browser(request)
    return found.caller if found else None


async def owner(request: Request) -> str:
    """The person whose own pages this browser opens. Raises NotSignedIn where it opens none."""
    found = await browser(request)
    if found is None or found.own is None:
        message = "Sign in with your phone or a passkey to see your own page."
        raise NotSignedIn(message)
    return found.own


async def browser(request: Request) -> SignedIn | None:
    """This browser's sign-in, which using it keeps alive."""
    secret = session_secret(request)
    if secret is None:
        return None
    backend = backend_of(request)
    found = await backend.read(lambda session: sign_ins.find(session, secret))
    if found is None:
        return None
    request.state.actor = actor_of(found.caller)
    if found.stale:
        await backend.act(lambda session: _seen(session, found.id))
    return found


def _seen(session: Session, sign_in_id: str) -> None:
    sign_ins.seen(session, sign_in_id)
