"""The human queue: what only a person may read or decide, each with its clock."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from cism.domain.access import Act
from cism.errors import AlreadyDone, NotFound
from cism.services import audit, people, queue, queue_words
from cism.store.db import now as product_now
from cism.store.tables import Person, QueueItem
from cism.web.pages import charge, other_sections
from cism.web.pages.forms import Form
from cism.web.pages.local_time import spoken
from cism.web.pages.who import Visitor
from cism.web.words import Said

router = APIRouter(prefix="/queue", include_in_schema=False)

MOST = 100  # shown at once; what is handled makes room for the next


@router.get("")
async def waiting(request: Request) -> Response:
    """Everything that waits, the nearest deadline first. The list names nobody and shows no words."""

    def work(session: Session, _visitor: Visitor, person: Person) -> dict[str, Any]:
        now, found = product_now(session), queue_words.theirs(session, person)
        audit.write(session, person.id, "page queue list")
        return {
            "items": [_line(one, person, now) for one in found[:MOST]],
            "more": max(0, len(found) - MOST),
        }

    return await charge.look(
        request, Act.LIST_QUEUE, "coordinator/queue.html", work, scripts=("countdown.js",)
    )


@router.get("/{item_id}")
async def one(request: Request, item_id: str) -> Response:
    """One of them: whom to call, and what they wrote where it is for this reader."""

    def work(session: Session, _visitor: Visitor, person: Person) -> dict[str, Any]:
        shown = other_sections.queue_item(session, person, item_id, product_now(session))
        if shown.subject is not None:
            # by the name of what was shown: with the words, or without
            audit.write(session, person.id, f"page {shown.template[9:-5]}", shown.subject)
        return {"section": shown, "base": f"/queue/{item_id}"}

    return await charge.look(request, Act.LIST_QUEUE, "coordinator/queue_item.html", work)


@router.post("/{item_id}/handled")
async def handled(request: Request, item_id: str) -> Response:
    """They have read it and acted."""

    def work(session: Session, _visitor: Visitor, form: Form) -> None:
        del form
        person, now = people.get(session, _visitor.person_id or ""), product_now(session)
        if other_sections.queue_item(session, person, item_id, now).subject is None:
            raise NotFound
        try:
            queue.handle(session, item_id, by=person.id, now=now)
        except AlreadyDone:
            return
        audit.write(session, person.id, "page handle queue", item_id)

    return await charge.do(request, Act.HANDLE_QUEUE, work, to="/queue")


def _line(item: QueueItem, person: Person, now: datetime) -> dict[str, Any]:
    return {
        "id": item.id,
        "why": other_sections.QUEUE_WHY.get(item.kind, Said(item.kind.replace("_", " "))),
        "received": spoken(item.received_at, person.zone),
        "by": spoken(item.deadline, person.zone),
        "until": item.deadline.isoformat(),
        "late": now > item.deadline,
    }
