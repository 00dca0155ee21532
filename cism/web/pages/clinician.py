"""The clinician's page: calls for help by deadline, decisions, people who were handed over, who rests."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from cism.domain.access import Act, may_do
from cism.services import audit, escalation_desk, people, resting
from cism.services.links import Opened
from cism.store.db import now as product_now
from cism.store.tables import Person
from cism.web.pages import link_view
from cism.web.pages.forms import Form
from cism.web.pages.local_time import spoken
from cism.web.pages.sections import LEVELS
from cism.web.pages.signed import do, look, press
from cism.web.pages.waiting import asked_of
from cism.web.words import _

router = APIRouter(prefix="/escalations", include_in_schema=False)

_DECISIONS: Final = {
    "approval": _("A group meeting is proposed"),
    "turn": _("A person is handed over to you"),
    "offers": _("To offer"),
    "report": _("How many came?"),
}
_OPEN: Final = {"approval": _("Open with all facts"), "report": _("Say how many came")}


@router.get("")
async def desk(request: Request) -> Response:
    """What is open, nothing about whom; audited."""

    def work(session: Session, person: Person) -> dict[str, Any]:
        now = product_now(session)
        audit.write(session, person.id, "list escalations")
        return {
            "lines": [_shown(line, person) for line in escalation_desk.open_lines(session, person)],
            "decisions": _decisions(session, person, now),
            "resting": _resting(session, person, now),
        }

    return await look(request, Act.LIST_ESCALATIONS, "clinician/desk.html", work, scripts=("countdown.js",))


@router.post("/take")
async def take(request: Request) -> Response:
    """Take one from the list; then whom to call is on its own page."""
    return await press(request, Act.LIST_ESCALATIONS, "take", to="/escalations")


@router.post("/answer")
async def answer(request: Request) -> Response:
    """Not now: the next person is asked at once, as by a 0 in a text."""
    return await press(request, Act.LIST_ESCALATIONS, "answer", to="/escalations")


@router.post("/ready")
async def agree(request: Request) -> Response:
    """A clinician agrees that a peer can serve again after an incident of their own."""

    def work(session: Session, opened: Opened, form: Form) -> None:
        by, now = people.get(session, opened.person_id), product_now(session)
        found = resting.waiting_for_clinician(session, by, now)
        peer = next((one for one in found if one.id == form.one("subject")), None)
        if peer is not None:
            resting.say_ready(session, peer, by, now)

    return await do(request, Act.AGREE_READY, work, "agree ready", to="/escalations")


def _shown(line: escalation_desk.Line, reader: Person) -> dict[str, Any]:
    return {
        "id": line.id,
        "level": LEVELS[line.level],
        "welfare": line.welfare,
        "opened": spoken(line.opened_at, reader.zone),
        "by": spoken(line.by, reader.zone),
        "taken": line.taken,
        "mine": line.mine,
        "taker": line.taker,
        "offered": line.offered,
        "others": line.others,
        "code": line.code,
        "question": line.question,
        "href": f"/task/escalation/{line.id}",
    }


def _decisions(session: Session, person: Person, now: datetime) -> list[dict[str, Any]]:
    """What else this clinician was asked: it opens whole, with the facts that a decision needs."""
    found = []
    for purpose, subject in asked_of(session, person):
        if purpose not in _DECISIONS:
            continue
        section = link_view.read(session, person, purpose, subject, now)
        if section.subject is not None:
            shown = section.values
            found.append(
                {
                    "title": shown.get("what") or _DECISIONS[purpose],
                    "ref": shown.get("ref"),
                    "kind": shown.get("meeting"),
                    "by": shown.get("by"),
                    "open": _OPEN.get(purpose, _("Open")),
                    "href": f"/task/{purpose}/{subject}",
                }
            )
    return found


def _resting(session: Session, person: Person, now: datetime) -> list[dict[str, Any]]:
    """Peers of the agency who say that they can serve again after an incident of their own."""
    roles = [item.role for item in person.roles]
    if not may_do(roles, Act.AGREE_READY, same_agency=True):
        return []
    found = resting.waiting_for_clinician(session, person, now)
    return [{"id": one.id, "name": one.name} for one in found]
