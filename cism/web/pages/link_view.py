"""Which sections a link shows, by its purpose."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from cism.errors import AlreadyDone
from cism.services import audit, people
from cism.services.links import HOME, Opened
from cism.store.db import now as product_now
from cism.store.tables import Person
from cism.web.pages import decision, helper_sections, offer_sections, other_sections
from cism.web.pages.local_time import zone_name
from cism.web.pages.sections import Section, over
from cism.web.pages.waiting import Waiting, waiting, waits
from cism.web.words import Said, _

_Read = Callable[[Session, Person, str | None, datetime], Section]
_BY_PURPOSE: Mapping[str, _Read] = {
    "assignment": helper_sections.assignment,
    "escalation": helper_sections.escalation,
    "approval": decision.approval,
    "page": other_sections.page,
    "report": other_sections.report,
    "incident": other_sections.incident,
    "queue": other_sections.queue_item,
    "invitation": other_sections.invitation,
    "offers": offer_sections.to_offer,
    "turn": offer_sections.turn,
    "session": offer_sections.meeting,
}
_SHOWN: Final = 10  # of a kind: each is read whole, and audited
_NOTHING = _("Nothing waits for you. For a call at any time, text our number: 2 in the next days, 3 now.")


@dataclass(frozen=True, slots=True)
class View:
    """A page behind a link: its sections, the zone that its times are in, and its owner's language."""

    sections: list[Section]
    zone: Said
    home: bool
    language: str


def view(session: Session, opened: Opened) -> View:
    """Everything the page shows; reading it is audited."""
    now = product_now(session)
    person = people.get(session, opened.person_id)
    if opened.purpose == HOME:
        wanted: list[tuple[str, str | None]] = [*_first(waiting(session, person))]
    else:
        wanted = [(opened.purpose, opened.subject_id)] if opened.purpose in _BY_PURPOSE else []
    found = [read(session, person, purpose, subject, now) for purpose, subject in wanted]
    if opened.purpose == HOME:
        found = [section for section in found if section.subject is not None]
    for section in found:
        if section.subject is not None:
            audit.write(session, person.id, f"page {section.template[9:-5]}", section.subject)
    return View(
        found or [over(_NOTHING)], zone_name(person.zone, now), opened.purpose == HOME, person.language
    )


def _first(found: Iterable[Waiting]) -> Iterator[Waiting]:
    """So many of a kind as a phone can show at once; what is done makes room for the next."""
    shown: Counter[str] = Counter()
    for item in found:
        shown[item[0]] += 1
        if shown[item[0]] <= _SHOWN:
            yield item


def read(session: Session, person: Person, purpose: str, subject: str | None, now: datetime) -> Section:
    """One section by its purpose; what is not this person's to see it says is over."""
    return _BY_PURPOSE[purpose](session, person, subject, now)


def subject_of(session: Session, opened: Opened, purpose: str, given: str) -> str | None:
    """What a button is about: the link's own subject, or after a sign-in one of those that wait.

    AlreadyDone where it waits no longer, or never did: the page says what does. None on another page.
    """
    if opened.purpose != HOME:
        return opened.subject_id if opened.purpose == purpose else None
    if not waits(session, people.get(session, opened.person_id), purpose, given):
        raise AlreadyDone
    return given
