"""One act or one look of a signed-in person on their staff pages."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import Any, Final

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from cism.domain.access import Act
from cism.errors import AlreadyDone, NotFound
from cism.services import audit, people
from cism.services.links import HOME, Opened
from cism.store.db import now as product_now
from cism.store.tables import Person
from cism.web.backend import backend_of
from cism.web.pages import acts, close_for
from cism.web.pages.forms import Form, posted
from cism.web.pages.local_time import zone_name
from cism.web.pages.showing import show
from cism.web.pages.who import staff

Work = Callable[[Session, Opened, Form], None]

# What a form's address ends in, what it does, and how the audit log names it.
BUTTONS: Final[Mapping[str, tuple[Work, str]]] = {
    "answer": (acts.answer, "answer"),
    "handled": (acts.handled, "handle queue"),
    "close-for": (close_for.close, "close escalation for another"),
    "hand-on": (acts.hand_on, "hand on escalation"),
    "limits": (acts.limits_told, "tell limits"),
    "offer": (acts.offered, "make offer"),
    "read-out": (acts.limits_read_out, "read out limits"),
    "refer": (acts.hand_over, "hand over"),
    "take": (acts.take, "ack escalation"),
    "welfare": (acts.end_welfare, "close escalation"),
    "worry": (acts.worried, "worry"),
}


async def look(
    request: Request,
    act: Act,
    template: str,
    work: Callable[[Session, Person], dict[str, Any]],
    *,
    scripts: tuple[str, ...] = (),
) -> Response:
    """One page of somebody whose role opens it; `work` reads what it shows, and audits that."""
    who = await staff(request, act)

    def reading(session: Session) -> dict[str, Any]:
        person, now = people.get(session, who.person_id or ""), product_now(session)
        return {"zone": zone_name(person.zone, now), "now": now.isoformat(), **work(session, person)}

    shown = await backend_of(request).act(reading)
    return await show(request, template, scripts=scripts, **shown)


async def press(
    request: Request,
    act: Act,
    button: str,
    *,
    to: str,
    purpose: str = HOME,
    subject: str | None = None,
) -> Response:
    """A button of the pages, by the end of its address; pressed twice it does nothing more."""
    found = BUTTONS.get(button)
    if found is None:
        await posted(request)
        raise NotFound
    return await do(request, act, *found, to=to, opened=(purpose, subject))


async def do(
    request: Request,
    act: Act,
    work: Work,
    name: str,
    *,
    to: str,
    opened: tuple[str, str | None] = (HOME, None),
) -> Response:
    """One act, audited with the person's id; back to the page, which shows how things stand now."""
    form = await posted(request)
    who = await staff(request, act, back=to)
    mine = Opened(who.person_id or "", *opened)

    def together(session: Session) -> None:
        work(session, mine, form)
        subject = mine.subject_id or form.one("subject") or form.one("question") or None
        audit.write(session, mine.person_id, f"page {name}", subject)

    with contextlib.suppress(AlreadyDone):  # pressed twice, or somebody was first
        await backend_of(request).act(together)
    return RedirectResponse(to, status_code=303)
