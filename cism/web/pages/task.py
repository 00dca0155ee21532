"""One thing to do, whole: an assignment, a call for help, a decision, a meeting; as behind its link."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from cism.domain.access import Act
from cism.domain.escalation import EscalationState
from cism.errors import NotFound
from cism.services import audit, escalation_desk, handing_on, people, rungs, warm_hand_over
from cism.store.db import now as product_now
from cism.store.tables import Escalation, Person, Question
from cism.web.pages import close_for, helper_sections, link_view
from cism.web.pages.local_time import spoken
from cism.web.pages.sections import LEVELS, Section, over
from cism.web.pages.signed import look, press
from cism.web.pages.waiting import waits
from cism.web.words import _

router = APIRouter(prefix="/task", include_in_schema=False)

# What is shown decides by itself whose it is; the others have to be among what waits.
_OWN: Final = frozenset({"assignment", "escalation", "session"})
_OTHERS: Final = frozenset({"approval", "page", "report", "offers", "turn", "queue"})
_TELLS: Final = frozenset({"approval", "page", "report"})  # these say afterwards what was answered


@router.get("/{purpose}/{subject}")
async def whole(request: Request, purpose: str, subject: str) -> Response:
    """Everything about it that this person may see."""

    def work(session: Session, person: Person) -> dict[str, Any]:
        section = _section(session, person, purpose, subject)
        if section.subject is not None:
            audit.write(session, person.id, f"page {section.template[9:-5]}", section.subject)
        return {
            "section": section,
            "base": f"/task/{purpose}/{subject}",
            "back": "/escalations" if purpose in {"escalation", "approval"} else "/peer",
            "handing": _handing(session, person, subject) if purpose == "escalation" else None,
        }

    return await look(request, Act.BE_ASKED, "task.html", work, scripts=("countdown.js",))


@router.post("/{purpose}/{subject}/{button}")
async def pressed(request: Request, purpose: str, subject: str, button: str) -> Response:
    """One of its buttons."""
    here = f"/task/{purpose}/{subject}"
    return await press(request, Act.BE_ASKED, button, to=here, purpose=purpose, subject=subject)


def _section(session: Session, person: Person, purpose: str, subject: str) -> Section:
    if purpose == "escalation":
        return _escalation(session, person, subject)
    if purpose in _TELLS and _was_asked(session, person, purpose, subject):
        return link_view.read(session, person, purpose, subject, product_now(session))
    if purpose in _OTHERS and not waits(session, person, purpose, subject):
        return over(_("This is done, or no longer yours. Thank you."))
    if purpose not in _OWN | _OTHERS:
        raise NotFound
    return link_view.read(session, person, purpose, subject, product_now(session))


def _was_asked(session: Session, person: Person, purpose: str, subject: str) -> bool:
    """Whether they were asked about it once: what they answered is told to them, and nothing else."""
    query = select(Question.id).where(
        Question.person_id == person.id, Question.subject_id == subject, Question.kind == purpose
    )
    return session.scalar(query.limit(1)) is not None


def _escalation(session: Session, person: Person, subject: str) -> Section:
    """Also one that they were not asked: whoever sees it on the list may take it."""
    row = escalation_desk.find(session, person, subject)
    if row is None:
        raise NotFound
    if row.state is EscalationState.OPEN and not escalation_desk.was_asked(session, person, row):
        return _to_take(session, person, row)
    if close_for.may(row, person):
        return close_for.section(session, row, person)
    return helper_sections.escalation(session, person, subject, product_now(session))


def _to_take(session: Session, person: Person, row: Escalation) -> Section:
    by = row.level_at + rungs.rule_of(session, row).ack
    shown = {
        "level": LEVELS[row.level],
        "welfare": row.welfare,
        "opened": spoken(row.opened_at, person.zone),
        "by": spoken(by, person.zone),
        "code": None,
        "buttons": [],
        "take": escalation_desk.may_take(person, asked=False),
    }
    return Section("sections/escalation_open.html", shown, row.id)


def _handing(session: Session, person: Person, subject: str) -> dict[str, Any] | None:
    """To whom they may hand on what is theirs; None for what is not."""
    row = escalation_desk.find(session, person, subject)
    if row is None or row.state is not EscalationState.ACKED or row.acked_by != person.id:
        return None
    asked = handing_on.asked_of(session, row)
    return {
        "asked": people.get(session, asked).name if asked is not None else None,
        "colleagues": [
            {"id": one.id, "name": one.name} for one in warm_hand_over.colleagues(session, row, person)
        ],
    }
