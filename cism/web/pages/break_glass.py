"""Break-glass: somebody of the programme opens one list that the table refuses them, and others see that."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from cism.domain.access import Act
from cism.domain.break_glass import GlassReason
from cism.domain.incident import Circle
from cism.errors import BadInput, NotFound
from cism.services import audit, glass, intake, people
from cism.store.db import now as product_now
from cism.store.tables import Person
from cism.web.backend import backend_of
from cism.web.pages import charge
from cism.web.pages.decision import CIRCLES
from cism.web.pages.forms import Form, posted
from cism.web.pages.local_time import spoken
from cism.web.pages.who import Visitor, staff
from cism.web.words import _

router = APIRouter(prefix="/break-glass", include_in_schema=False)

_REASONS = {
    GlassReason.DANGER: _("Somebody may be in danger now"),
    GlassReason.NOBODY_THERE: _("The coordinator and the clinicians cannot be reached"),
    GlassReason.HANDED_OVER: _("A helper fell out, and the person waits"),
    GlassReason.WRONG_LIST: _("The list may hold the wrong person"),
}


@router.get("")
async def ask(request: Request) -> Response:
    """The form; and to whoever is to see it, who looked, why and how often."""
    return await _form(request)


async def _form(
    request: Request, *, status: int = 200, problem: str | None = None, typed: Form | None = None
) -> Response:
    """The form, with what was typed into it where that could not be used."""

    def work(session: Session, visitor: Visitor, person: Person) -> dict[str, Any]:
        lists = visitor.may(Act.LIST_BROKEN_GLASS)
        if lists:
            audit.write(session, person.id, "page list broken glass")
        listed = _listed(session, person) if lists else []
        return {
            "reasons": list(_REASONS.items()),
            "listed": listed,
            "lists": lists,
            "problem": problem,
            "ref": typed.one("ref")[:20] if typed is not None else "",
            "reason": typed.one("reason") if typed is not None else "",
        }

    return await charge.look(request, Act.BREAK_GLASS, "break_glass/ask.html", work, status=status)


@router.post("")
async def break_it(request: Request) -> Response:
    """Open one incident's list for an hour; the clinical director is told at once."""
    form = await posted(request)
    who = await staff(request, Act.BREAK_GLASS)

    def work(session: Session) -> str:
        person = people.get(session, who.person_id or "")
        reason = form.one("reason")
        if reason not in set(GlassReason):
            message = _("Say why: choose one of the reasons.")
            raise BadInput(message)
        row = intake.by_ref(session, form.one("ref").strip().upper())
        if row.agency != person.agency:
            raise NotFound
        made = glass.broken(session, row, reason=GlassReason(reason), by=person, now=product_now(session))
        audit.write(session, person.id, "page break glass", row.id)
        return made.id

    try:
        made = await backend_of(request).act(work)
    except NotFound as error:
        await request.app.state.refusals.note(request, error)
        # in the same words whether it is not there or another agency's
        message = _("There is no incident by that reference. Look at the text or paper, and write it again.")
        return await _form(request, status=error.status, problem=message, typed=form)
    except BadInput as error:
        return await _form(request, status=error.status, problem=error.args[0], typed=form)
    return RedirectResponse(f"/break-glass/{made}", status_code=303)


@router.get("/{glass_id}")
async def look(request: Request, glass_id: str) -> Response:
    """Who is on the list and how to reach them, within the hour; every look counts and is audited."""

    def work(session: Session, visitor: Visitor, person: Person) -> dict[str, Any]:
        del visitor
        made, found = glass.look(session, glass_id, by=person)
        audit.write(session, person.id, "page look under glass", made.incident_id)
        shown = [
            {"name": one.name, "phone": one.phone, "circle": CIRCLES[Circle(one.circle)]} for one in found
        ]
        return {"people": shown, "until": spoken(glass.ends_at(session, made), person.zone)}

    return await charge.look(request, Act.BREAK_GLASS, "break_glass/list.html", work)


def _listed(session: Session, person: Person) -> list[dict[str, Any]]:
    return [
        {
            "ref": row.ref,
            "who": who.name,
            "why": _REASONS[made.reason],
            "when": spoken(made.broken_at, person.zone),
            "reads": made.reads,
        }
        for made, row, who in glass.listed(session, person.agency)
    ]
