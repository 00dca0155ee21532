"""Which sections a link shows, by its purpose."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.services import audit, people
from cism.services.links import Opened
from cism.store.db import now as product_now
from cism.store.tables import Person, Question
from cism.web.pages import helper_sections, other_sections
from cism.web.pages.sections import Section, over

HOME = "home"
_Read = Callable[[Session, Person, str | None, datetime], Section]
_BY_PURPOSE: Mapping[str, _Read] = {
    "assignment": helper_sections.assignment,
    "escalation": helper_sections.escalation,
    "approval": helper_sections.approval,
    "incident": other_sections.incident,
    "queue": other_sections.queue_item,
    "invitation": other_sections.invitation,
}
# what a person who signed in by phone has open, by the kind of question
_BY_QUESTION = {
    "escalation": "escalation",
    "welfare": "escalation",
    "approval": "approval",
    "assignment": "assignment",
    "invitation": "invitation",
}


def view(session: Session, opened: Opened) -> list[Section]:
    """Everything the page shows; reading it is audited."""
    now = product_now(session)
    person = people.get(session, opened.person_id)
    if opened.purpose == HOME:
        found = _home(session, person, now)
    else:
        read = _BY_PURPOSE.get(opened.purpose)
        found = [read(session, person, opened.subject_id, now)] if read else []
    for section in found:
        if section.subject is not None:
            audit.write(session, person.id, f"page {section.template[9:-5]}", section.subject)
    return found or [over("Nothing waits for you.")]


def _home(session: Session, person: Person, now: datetime) -> list[Section]:
    asked = session.scalars(
        select(Question)
        .where(
            Question.person_id == person.id,
            Question.state == "open",
            Question.kind.in_(list(_BY_QUESTION)),
        )
        .order_by(Question.asked_at)
    )
    wanted = dict.fromkeys((_BY_QUESTION[item.kind], item.subject_id) for item in asked)
    order = list(_BY_QUESTION.values())
    found = [
        _BY_PURPOSE[purpose](session, person, subject, now)
        for purpose, subject in sorted(wanted, key=lambda item: order.index(item[0]))
    ]
    return [section for section in found if section.subject is not None]
