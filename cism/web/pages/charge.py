"""Pages of whoever is in charge: who opens them, and what they are to one incident."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from cism.domain.access import Act, in_charge, may_do, relations
from cism.errors import NotAllowed, NotFound
from cism.services import intake, people
from cism.store.db import now as product_now
from cism.store.tables import Incident, Person
from cism.web.backend import backend_of
from cism.web.pages.forms import Form, posted
from cism.web.pages.local_time import zone_name
from cism.web.pages.showing import show
from cism.web.pages.who import Visitor, staff
from cism.web.words import _


@dataclass(frozen=True, slots=True)
class Case:
    """One incident before somebody who is in charge of their agency's."""

    row: Incident
    visitor: Visitor
    affected: bool

    def may(self, act: Act) -> bool:
        """Whether the table grants them this act here."""
        same = self.row.agency == self.visitor.agency
        return may_do(self.visitor.roles, act, same_agency=same, affected=self.affected)

    def require(self, act: Act) -> None:
        """Refuse what it does not."""
        if not self.may(act):
            message = _("This is not yours to do: your deputy or the clinical director does it.")
            raise NotAllowed(message)


def case(session: Session, visitor: Visitor, ref: str) -> Case:
    """The incident by its reference, in the same words whether it is not there or not theirs to see whole."""
    try:
        row = intake.by_ref(session, ref)
    except NotFound:
        row = None
    affected = row is not None and any(item.person_id == visitor.person_id for item in row.affected)
    held = relations(visitor.roles, affected=affected)
    if row is None or row.agency != visitor.agency or not in_charge(held):
        message = _("There is no incident by that reference that is yours to see. Open the board.")
        raise NotFound(message)
    return Case(row, visitor, affected)


async def look(
    request: Request,
    act: Act,
    template: str,
    work: Callable[[Session, Visitor, Person], dict[str, Any]],
    *,
    scripts: tuple[str, ...] = (),
    status: int = 200,
) -> Response:
    """One page of somebody whose role opens it; `work` reads what it shows, and audits that."""
    who = await staff(request, act)

    def reading(session: Session) -> dict[str, Any]:
        person, now = people.get(session, who.person_id or ""), product_now(session)
        found = {"zone": zone_name(person.zone, now), "now": now.isoformat()}
        return {**found, **work(session, who, person)}

    shown = await backend_of(request).act(reading)
    return await show(request, template, status=status, scripts=scripts, wide=True, **shown)


async def do(
    request: Request, act: Act, work: Callable[[Session, Visitor, Form], None], *, to: str
) -> Response:
    """One act of theirs, in one transaction, and back to the page."""
    form = await posted(request)
    who = await staff(request, act, back=to)
    await backend_of(request).act(lambda session: work(session, who, form))
    return RedirectResponse(to, status_code=303)
