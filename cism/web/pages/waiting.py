"""What waits for a person who signed in by phone: by which purpose, and about what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final, TypeVar

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from cism.domain.access import Act, may_do
from cism.services import in_charge, queue, queue_readers, queue_words
from cism.store.db import now
from cism.store.states import QueueState, SessionState
from cism.store.tables import GroupSession, Incident, Invitation, Person, Question, QueueItem

MOST: Final = 20  # of a kind: what is done makes room for the next

T = TypeVar("T")
Waiting = tuple[str, str]  # purpose, subject

# what must not wait stands first
_ORDER: Final = (
    *("escalation", "queue", "page", "approval", "assignment"),
    *("report", "turn", "offers", "incident", "invitation"),
)
_BY_QUESTION: Final = {
    "escalation": "escalation",
    "welfare": "escalation",
    "page": "page",
    "approval": "approval",
    "assignment": "assignment",
    "report": "report",
    "invitation": "invitation",
    "offers": "offers",
    "turn": "turn",
    "hand_off": "turn",
}
_ASKED: Final = frozenset(_BY_QUESTION.values()) - {"invitation"}  # nothing else brings these
LISTED_ON: Final[Mapping[str, tuple[str, Act]]] = {
    "escalation": ("/escalations", Act.LIST_ESCALATIONS),
    "queue": ("/queue", Act.LIST_QUEUE),
    "page": ("/peer", Act.SERVE),
    "assignment": ("/peer", Act.SERVE),
    "turn": ("/peer", Act.SERVE),
    "offers": ("/board", Act.SEE_TIMELINE),
    "incident": ("/board", Act.SEE_TIMELINE),
}
"""The page where the rest of a kind stands, and whose it is; of a kind that has none nothing is left out."""


@dataclass(frozen=True, slots=True)
class First:
    """So many of each kind as a phone shows at once, and by kind how many are left out."""

    shown: list[Waiting]
    left: Mapping[str, int]


def waiting(session: Session, person: Person) -> list[Waiting]:
    """Everything that this person may answer, read or take over now; of incidents the newest."""
    own = [*_questions(session, person), *_meetings(session, person)]
    return _in_order([*own, *_queue(session, person), *_to_take_over(session, person)])


def first(session: Session, person: Person, most: int) -> First:
    """The first `most` of each kind; of the others it is known how many, and each page has them all."""
    roles = [item.role for item in person.roles]
    shown, left, counted = [], Counter[str](), Counter[str]()
    for purpose, subject in waiting(session, person):
        counted[purpose] += 1
        listed = LISTED_ON.get(purpose)
        if listed is None or counted[purpose] <= most or not may_do(roles, listed[1], same_agency=True):
            shown.append((purpose, subject))
        else:
            left[purpose] += 1
    for purpose, every in _every(session, person, left).items():
        left[purpose] = every - sum(1 for one, _subject in shown if one == purpose)
    return First(shown, +left)


def _every(session: Session, person: Person, left: Mapping[str, int]) -> Mapping[str, int]:
    """How many there are of the kinds that are not read to their end, where some are left out."""
    counts: dict[str, Callable[[], int]] = {
        "queue": lambda: len(queue_words.theirs(session, person)),
        "incident": lambda: session.scalar(_untaken(session, person, func.count())) or 0,
    }
    return {purpose: count() for purpose, count in counts.items() if left.get(purpose)}


def waits(session: Session, person: Person, purpose: str, subject: str) -> bool:
    """Whether this is among it."""
    if purpose in _ASKED:
        return (purpose, subject) in asked_of(session, person)
    if purpose == "queue":
        row = session.get(QueueItem, subject)
        return row is not None and row.state is QueueState.OPEN and _reads(session, person, row)
    if purpose == "incident":
        return _takes(session, person, subject)
    return (purpose, subject) in [*_questions(session, person), *_meetings(session, person)]


def asked_of(session: Session, person: Person) -> list[Waiting]:
    """The part of it that this person was asked themselves."""
    return _in_order(_questions(session, person))


def _in_order(found: Iterable[Waiting]) -> list[Waiting]:
    return sorted(dict.fromkeys(found), key=lambda item: _ORDER.index(item[0]))


def _questions(session: Session, person: Person) -> Iterable[Waiting]:
    asked = session.execute(
        select(Question.kind, Question.subject_id)
        .where(
            Question.person_id == person.id, Question.state == "open", Question.kind.in_(list(_BY_QUESTION))
        )
        .order_by(Question.asked_at)
    )
    return [(_BY_QUESTION[kind], subject) for kind, subject in asked if subject is not None]


def _meetings(session: Session, person: Person) -> Iterable[Waiting]:
    """Where they said that they come: when and where is to be found until then."""
    coming = session.scalars(
        select(Invitation.session_id)
        .join(GroupSession, GroupSession.id == Invitation.session_id)
        .where(
            Invitation.person_id == person.id,
            Invitation.state == "coming",
            GroupSession.state == SessionState.APPROVED,
            GroupSession.ends_at > now(session),
        )
    )
    return [("invitation", meeting) for meeting in coming]


def _queue(session: Session, person: Person) -> Iterable[Waiting]:
    """What they are to read: of a queue the first, of what their own people wrote everything."""
    found = queue_words.waiting_for_peer(session, person)
    if _may(person, Act.HANDLE_QUEUE):
        items = queue.open_items(session)
        lists = queue_readers.lists_for(session, items)
        mine = (item for item in items if _is_in(person, queue_readers.readers(session, item, lists=lists)))
        found = [*islice(mine, MOST), *found]
    return [("queue", item.id) for item in found]


def _to_take_over(session: Session, person: Person) -> Iterable[Waiting]:
    """Incidents that nobody has taken over, the newest: thousands may be open."""
    if not _may(person, Act.ACCEPT_INCIDENT):
        return []
    query = _untaken(session, person, Incident.id).order_by(Incident.logged_at.desc(), Incident.id)
    return [("incident", key) for key in session.scalars(query.limit(MOST))]


def _untaken(
    session: Session, person: Person, what: ColumnElement[T] | InstrumentedAttribute[T]
) -> Select[T]:
    return select(what).select_from(Incident).where(*in_charge.to_take_over(session, person))


def _reads(session: Session, person: Person, row: QueueItem) -> bool:
    own = _may(person, Act.HANDLE_QUEUE) and _is_in(person, queue_readers.readers(session, row))
    return own or queue_words.is_theirs(session, row, person)


def _takes(session: Session, person: Person, subject: str) -> bool:
    row = session.get(Incident, subject)
    if row is None or not in_charge.is_untaken(row) or not _may(person, Act.ACCEPT_INCIDENT):
        return False
    return _is_in(person, in_charge.in_charge(session, row))


def _may(person: Person, act: Act) -> bool:
    return may_do([item.role for item in person.roles], act, same_agency=True)


def _is_in(person: Person, others: Iterable[Person]) -> bool:
    return any(item.id == person.id for item in others)
