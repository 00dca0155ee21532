"""Which sections a link shows, by its purpose."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import Final, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.errors import AlreadyDone
from cism.services import audit, people, queue_readers
from cism.services.links import HOME, Opened
from cism.store.db import now as product_now
from cism.store.tables import Agency, Incident, Person, QueueItem
from cism.web.pages import decision, helper_sections, offer_sections, other_sections
from cism.web.pages.local_time import zone_name
from cism.web.pages.sections import Section, over
from cism.web.pages.waiting import LISTED_ON, Waiting, first, waits
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
_SHOWN: Final = 5  # of a kind: each is read whole, and audited; the rest is one link away
_REST: Final[Mapping[str, str]] = {
    "escalation": _("More calls for help: %(count)s"),
    "queue": _("More in the queue: %(count)s"),
    "page": _("More turns that you are asked to take: %(count)s"),
    "assignment": _("More of your assignments: %(count)s"),
    "turn": _("More turns that you are asked to take: %(count)s"),
    "offers": _("More incidents with something to offer, on the board: %(count)s"),
    "incident": _("More incidents to take over, on the board: %(count)s"),
}
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
    found = _home(session, person, now) if opened.purpose == HOME else _one(session, person, opened, now)
    looks = [(f"page {one.template[9:-5]}", one.subject) for one in found if one.subject is not None]
    audit.write_each(session, person.id, looks)
    return View(
        found or [over(_NOTHING)], zone_name(person.zone, now), opened.purpose == HOME, person.language
    )


def _one(session: Session, person: Person, opened: Opened, now: datetime) -> list[Section]:
    if opened.purpose not in _BY_PURPOSE:
        return []
    return [read(session, person, opened.purpose, opened.subject_id, now)]


def _home(session: Session, person: Person, now: datetime) -> list[Section]:
    """What waits, of each kind so many as a phone can show at once, and behind them the way to the rest."""
    found: list[Section] = []
    waiting = first(session, person, _SHOWN)
    held = _held(session, waiting.shown)
    lists = queue_readers.lists_for(session, held.items)
    ways: Mapping[str, _Read] = {**_BY_PURPOSE, "queue": partial(other_sections.queue_item, lists=lists)}
    for purpose, group in groupby(waiting.shown, key=itemgetter(0)):
        read_now = [ways[purpose](session, person, subject, now) for _purpose, subject in group]
        found += [section for section in read_now if section.subject is not None]
        if left := waiting.left.get(purpose):
            found.append(_rest(purpose, left))
    return found


class _Held(NamedTuple):
    """The rows behind what is shown: what nobody holds is read again for each section."""

    items: Sequence[QueueItem]
    incidents: Sequence[Incident]
    people: Mapping[str, Person]
    agencies: Sequence[Agency]


def _held(session: Session, shown: Sequence[Waiting]) -> _Held:
    keys: dict[str, list[str]] = defaultdict(list)
    for purpose, subject in shown:
        keys[purpose].append(subject)
    items = session.scalars(select(QueueItem).where(QueueItem.id.in_(keys["queue"]))).all()
    incidents = select(Incident).where(Incident.id.in_([*keys["incident"], *keys["offers"]]))
    return _Held(
        items,
        session.scalars(incidents).all(),
        people.by_ids(session, {item.person_id for item in items if item.person_id}),
        session.scalars(select(Agency)).all(),
    )


def _rest(purpose: str, left: int) -> Section:
    """How many more there are, and the page that has them all."""
    words = Said(_REST[purpose], {"count": left})
    return Section("sections/rest.html", {"words": words, "href": LISTED_ON[purpose][0]})


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
