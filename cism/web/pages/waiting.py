"""What waits for a person who signed in by phone: by which purpose, and about what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.access import Act, may_do
from cism.domain.incident import IncidentState
from cism.services import queue, queue_readers, queue_words
from cism.services.in_charge import in_charge
from cism.store.db import now
from cism.store.states import SessionState
from cism.store.tables import GroupSession, Incident, Invitation, Person, Question

MOST: Final = 20  # of a kind: what is done makes room for the next

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


def waiting(session: Session, person: Person) -> list[Waiting]:
    """Everything that this person may answer, read or take over now."""
    found = dict.fromkeys(
        [*_questions(session, person), *_charge(session, person), *_meetings(session, person)]
    )
    return sorted(found, key=lambda item: _ORDER.index(item[0]))


def waits(session: Session, person: Person, purpose: str, subject: str) -> bool:
    """Whether this is among it."""
    if purpose in _ASKED:
        return (purpose, subject) in asked_of(session, person)
    return (purpose, subject) in waiting(session, person)


def asked_of(session: Session, person: Person) -> list[Waiting]:
    """The part of it that this person was asked themselves."""
    found = dict.fromkeys(_questions(session, person))
    return sorted(found, key=lambda item: _ORDER.index(item[0]))


def _questions(session: Session, person: Person) -> Iterable[Waiting]:
    asked = session.scalars(
        select(Question)
        .where(
            Question.person_id == person.id, Question.state == "open", Question.kind.in_(list(_BY_QUESTION))
        )
        .order_by(Question.asked_at)
    )
    return [(_BY_QUESTION[item.kind], item.subject_id) for item in asked if item.subject_id is not None]


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


def _charge(session: Session, person: Person) -> Iterable[Waiting]:
    roles = [item.role for item in person.roles]
    found: list[Waiting] = []
    if may_do(roles, Act.HANDLE_QUEUE, same_agency=True):
        items = queue.open_items(session)
        lists = queue_readers.lists_for(session, items)
        mine = (item for item in items if _is_in(person, queue_readers.readers(session, item, lists=lists)))
        found += [("queue", item.id) for item in islice(mine, MOST)]
    written = queue_words.waiting_for_peer(session, person)
    found += [("queue", item.id) for item in islice(written, MOST)]
    if may_do(roles, Act.ACCEPT_INCIDENT, same_agency=True):
        theirs = (row for row in _new(session) if _is_in(person, in_charge(session, row)))
        found += [("incident", row.id) for row in islice(theirs, MOST)]
    return found


def _new(session: Session) -> Iterator[Incident]:
    """Incidents that nobody has taken over, newest first: read as they are asked for, since each row carries
    its protocol and thousands may be open.
    """
    keys = session.scalars(
        select(Incident.id)
        .where(Incident.state == IncidentState.OPEN, Incident.accepted_at.is_(None))
        .order_by(Incident.logged_at.desc(), Incident.id)
    ).all()
    for some in _batched(keys, MOST):
        rows = {row.id: row for row in session.scalars(select(Incident).where(Incident.id.in_(some)))}
        yield from (rows[key] for key in some)


def _batched(keys: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """So many at a time."""
    return (keys[start : start + size] for start in range(0, len(keys), size))


def _is_in(person: Person, others: Iterable[Person]) -> bool:
    return any(item.id == person.id for item in others)
