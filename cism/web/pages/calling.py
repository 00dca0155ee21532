"""Whom to call where a page does not help, and whether the page may give the number.

The duty phone is the number of a member of staff, often their own: it is told to whoever is signed in, of
their own agency, and to nobody else. A page that anybody can open names no number, also where the
installation has one agency alone: an address list of coordinators would stand on the open internet, to call
them off their sleep or to pose as them. Whoever may need it has it from their agency (docs/privacy.md).
"""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request

from cism.domain.access import Act
from cism.services.notify import lines
from cism.web.backend import backend_of
from cism.web.pages.who import visitor


@dataclass(frozen=True, slots=True)
class Calling:
    """The agency's duty phone, where it may be told; `runs`: the reader is in charge, and calls nobody."""

    duty: str = ""
    runs: bool = False


async def whom(request: Request) -> Calling:
    """For whoever looks."""
    who = await visitor(request)
    if who is None:
        return Calling()
    duty = await backend_of(request).read(lambda session: lines(session, who.agency)[0])
    return Calling(duty, who.may(Act.ACCEPT_INCIDENT))
