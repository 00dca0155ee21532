"""Who is signed in with this browser."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session
from starlette.requests import Request

from cism.domain.access import Act, may_do
from cism.domain.people import Role
from cism.errors import NotAllowed
from cism.services import people, sign_ins
from cism.services.sign_ins import SignedIn, Way
from cism.services.tokens import Caller
from cism.web.auth import actor_of
from cism.web.backend import backend_of
from cism.web.pages.cookies import session_secret
from cism.web.pages.way_back import SignInFirst
from cism.web.words import _


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who looks at a page. `own`: signed in with what the person alone holds, so that their pages open.

    `founding`: by the address that `cism up` printed, which makes the installation's owner the coordinator
    whom they have just entered, and opens staff pages alone.
    """

    person_id: str | None
    agency: str
    roles: tuple[Role, ...]
    language: str | None
    zone: str | None
    own: bool
    founding: bool = False

    @property
    def works(self) -> bool:
        """Whether staff pages open to them, where their roles allow it."""
        return self.own or self.founding

    def may(self, act: Act) -> bool:
        """Whether their roles allow it in their own agency."""
        return may_do(self.roles, act, same_agency=True)


async def visitor(request: Request) -> Visitor | None:
    """Who is signed in with this browser; looked up once a request."""
    if not hasattr(request.state, "visitor"):
        await browser(request)
    found: Visitor | None = request.state.visitor
    return found


async def staff(request: Request, act: Act, *, back: str | None = None) -> Visitor:
    """The signed-in person, where they may do this in their agency. `back`: the page that a button is on.

    Raises SignInFirst, also for whoever came by a pasted token or by the employer's sign-in, which open the
    log form alone; NotAllowed.
    """
    found = await visitor(request)
    if found is None or not found.works:
        message = _("Sign in with your phone or a passkey to open this page.")
        raise SignInFirst(message, back or request.url.path)
    if not found.may(act):
        message = _("This page is not part of your role. Ask the coordinator if you need it.")
        raise NotAllowed(message)
    return found


async def signed_in(request: Request) -> Caller | None:
    """As whom this browser may do staff work; None sends them to the sign-in."""
    found = await browser(request)
    return found.caller if found else None


async def owner(request: Request, *, back: str | None = None) -> str:
    """The person whose own pages this browser opens. Raises SignInFirst where it opens none."""
    found = await browser(request)
    if found is None or found.own is None:
        message = _("Sign in with your phone or a passkey to see your own page.")
        raise SignInFirst(message, back or request.url.path)
    return found.own


async def browser(request: Request) -> SignedIn | None:
    """This browser's sign-in, which using it keeps alive."""
    request.state.visitor = None
    secret = session_secret(request)
    if secret is None:
        return None
    backend = backend_of(request)
    found, who = await backend.read(lambda session: _found(session, secret))
    if found is None:
        return None
    request.state.actor, request.state.visitor = actor_of(found.caller), who
    if found.stale:
        await backend.act(lambda session: sign_ins.seen(session, found.id))
    return found


def _found(session: Session, secret: str) -> tuple[SignedIn | None, Visitor | None]:
    found = sign_ins.find(session, secret)
    if found is None:
        return None, None
    caller = found.caller
    if caller.person_id is None or found.way is Way.TOKEN:
        return found, Visitor(caller.person_id, caller.agency, (caller.role,), None, None, own=False)
    person = people.get(session, caller.person_id)
    roles = tuple(item.role for item in person.roles)
    own, founding = found.own is not None, found.way is Way.FIRST_RUN
    return found, Visitor(person.id, person.agency, roles, person.language, person.zone, own, founding)
