"""The practice of a new team: start a story with invented people, move time, answer on the phone wall.

Only with the movable clock and the phone wall; anywhere else there is no such page.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from cism.domain.access import Act
from cism.errors import BadInput
from cism.services import audit, people, practice
from cism.web import refusals
from cism.web.backend import backend_of
from cism.web.pages.forms import posted
from cism.web.pages.local_time import spoken, zone_name
from cism.web.pages.showing import show
from cism.web.pages.who import Visitor, staff
from cism.web.words import Said, _

router = APIRouter(prefix="/practice", include_in_schema=False)


_PARTS: Final = {
    "peer": _("peer"),
    "clinician": _("clinician"),
    "clinical_director": _("clinical director"),
    "coordinator": _("coordinator"),
}
_AFFECTED, _OTHER = _("was there"), _("colleague")


class Mover:
    """Time is moved by one at a time; who looks meanwhile sees that it moves."""

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None
        self.problem: str | None = None

    @property
    def moving(self) -> bool:
        """Whether it is under way."""
        return self._task is not None and not self._task.done()

    def start(self, request: Request, how: str) -> None:
        """Begin, unless somebody else just has."""
        if not self.moving:
            self.problem = None
            self._task = asyncio.create_task(self._move(request, how))

    async def _move(self, request: Request, how: str) -> None:
        try:
            await practice.move(backend_of(request).settings, how)
        except BadInput as error:
            self.problem = refusals.told(str(error))


@router.get("")
async def look(request: Request) -> Response:
    """The clock, and what can be done."""
    return await _page(request, await _trainer(request))


@router.post("/story")
async def start(request: Request) -> Response:
    """An incident that never was, with invented people or with the agency's own roster."""
    form = await posted(request)
    who = await _trainer(request)

    def work(session: Session) -> None:
        audit.write(session, who.person_id or "", "start practice", who.agency)
        if form.one("people") == "own":
            practice.start_own(session, who.agency)
        else:
            practice.start_invented(session)

    try:
        await backend_of(request).act(work)
    except BadInput as error:
        return await _page(request, who, refusals.told(str(error)), status=422)
    return RedirectResponse("/practice", status_code=303)


@router.post("/move")
async def move(request: Request) -> Response:
    """Move time; the page says when it has arrived."""
    form = await posted(request)
    who = await _trainer(request)
    how = form.one("how")
    if how not in practice.MOVES:
        message = _("This form cannot be read. Open the page again and send it once more.")
        raise BadInput(message)
    await backend_of(request).act(
        lambda session: audit.write(session, who.person_id or "", "move practice clock", who.agency)
    )
    _mover(request).start(request, how)
    return RedirectResponse("/practice", status_code=303)


async def _trainer(request: Request) -> Visitor:
    practice.refuse_unless_practice(backend_of(request).settings)
    return await staff(request, Act.SET_AGENCY, back="/practice")


def _mover(request: Request) -> Mover:
    state = request.app.state
    if not hasattr(state, "mover"):
        state.mover = Mover()
    found: Mover = state.mover
    return found


def _part(one: practice.Invented) -> Said:
    """What somebody is in the story."""
    if one.affected:
        return _AFFECTED
    return next((_PARTS[role] for role in one.roles if role in _PARTS), _OTHER)


async def _page(request: Request, who: Visitor, problem: str | None = None, *, status: int = 200) -> Response:
    backend, mover = backend_of(request), _mover(request)

    def work(session: Session) -> dict[str, Any]:
        audit.write(session, who.person_id or "", "read practice", who.agency)
        zone = people.get(session, who.person_id or "").zone
        found = practice.standing(session)
        return {
            "now": spoken(found.now, zone),
            "next_due": spoken(found.next_due, zone) if found.next_due else None,
            "texts": found.texts,
            "incidents": found.open_incidents,
            "zone": zone_name(zone, found.now),
            "cast": [
                {"name": one.name, "number": one.number, "part": _part(one)}
                for one in practice.cast(found.now)
            ],
        }

    shown = await backend.act(work)
    return await show(
        request,
        "first_run/practice.html",
        status=status,
        scripts=("practice.js",) if mover.moving else (),
        moving=mover.moving,
        problem=problem or mover.problem,
        wall=backend.settings.wall_url,
        **shown,
    )
