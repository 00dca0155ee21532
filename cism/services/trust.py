"""The trust receipt of one person: which roles saw what about them, and when, out of the audit log."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from heapq import merge
from itertools import islice
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import ColumnElement, CompoundSelect, literal, select, union
from sqlalchemy.orm import Session

from cism.domain.access import relations
from cism.domain.people import Role
from cism.domain.receipt import OWNER, seen, seen_by_owner, title
from cism.services import disclosures, people
from cism.store.tables import (
    AffectedPerson,
    Assignment,
    Audit,
    Escalation,
    Offer,
    Person,
    Question,
    QueueItem,
    Token,
)

_OWNER = "owner"  # whoever runs the machine
_NAMELESS = {"read roster for log form", "cli log"}  # acts that name no object: they show an agency's people
MOST = 500  # looks, the newest
_READ: Final = MOST * 4  # rows of the log: some of them show nothing of the person
_Actor = tuple[frozenset[Role], str | None]


@dataclass(frozen=True, slots=True)
class Line:
    """One look, or several of one minute."""

    at: datetime
    who: str
    what: str
    count: int = 1


def receipt(session: Session, person_id: str) -> list[Line]:
    """Everything that others saw of this person, newest first; their own looks are no line."""
    person = people.get(session, person_id)
    helpers = _own_peers(session, person_id)
    who = cache(lambda actor: _actor(session, actor))
    lines = (_line(row, person, helpers, who) for row in _looks(session, person_id))
    found = [*islice((line for line in lines if line is not None), MOST), *_told_outside(session, person_id)]
    return sorted(found, key=lambda line: line.at, reverse=True)


def gathered(lines: Iterable[Line]) -> list[Line]:
    """Looks of the same minute, by the same role and at the same data, as one line with their number."""
    found: dict[tuple[datetime, str, str], Line] = {}
    for line in lines:
        key = (line.at.replace(second=0, microsecond=0), line.who, line.what)
        known = found.get(key)
        found[key] = line if known is None else replace(known, count=known.count + line.count)
    return list(found.values())


def _told_outside(session: Session, person_id: str) -> list[Line]:
    """What left the programme on one of the grounds that end confidentiality; not what was said."""
    return [
        Line(
            one.at,
            "two people of the programme",
            f"told somebody outside ({one.recipient.value.replace('_', ' ')}): {one.ground.says}",
        )
        for one in disclosures.about(session, person_id)
    ]


def _looks(session: Session, person_id: str) -> Iterable[Any]:
    """Rows of the log that may tell of this person, the newest first."""
    about = _newest(session, Audit.object_id.in_(_about(person_id)))
    nameless = _newest(session, Audit.object_id.is_(None), Audit.act.in_(_NAMELESS))
    return merge(about, nameless, key=attrgetter("id"), reverse=True)


def _newest(session: Session, *where: ColumnElement[bool]) -> Sequence[Any]:
    rows = select(Audit.id, Audit.at, Audit.actor, Audit.act, Audit.object_id)
    return session.execute(
        rows.where(Audit.allowed.is_(True), *where).order_by(Audit.id.desc()).limit(_READ)
    ).all()


def _line(row: Any, person: Person, helpers: set[str], who: Callable[[str], _Actor]) -> Line | None:
    actor = row.actor.partition(" ")[0]
    if actor == person.id:
        return None
    if actor == _OWNER:
        what = seen_by_owner(row.act)
        return Line(row.at, OWNER, what) if what and row.object_id else None
    roles, agency = who(actor)
    if not roles or (row.object_id is None and agency != person.agency):
        return None
    own = actor in helpers
    what = seen(row.act, relations(roles, assigned=own))
    return Line(row.at, title(roles, own_peer=own), what) if what is not None else None


def _actor(session: Session, actor: str) -> _Actor:
    """The roles of whoever acted, and their agency; nothing for the system itself."""
    kind, _, token_id = actor.partition(":")
    if kind == "token":
        token = session.get(Token, token_id)
        return (frozenset({token.role}), token.agency) if token else (frozenset(), None)
    found = session.get(Person, actor)
    return (frozenset(item.role for item in found.roles), found.agency) if found else (frozenset(), None)


def _own_peers(session: Session, person_id: str) -> set[str]:
    query = select(AffectedPerson.peer_id).where(
        AffectedPerson.person_id == person_id, AffectedPerson.peer_id.is_not(None)
    )
    return {str(one) for one in session.scalars(query)}


def _about(person_id: str) -> CompoundSelect[Any]:
    """The ids by which the audit log may speak of this person, as the database asks for them."""
    listed = AffectedPerson.person_id == person_id
    served = (
        select(Assignment.id)
        .join(AffectedPerson, AffectedPerson.incident_id == Assignment.incident_id)
        .where(listed, AffectedPerson.peer_id == Assignment.peer_id)
    )
    asked = Question.about_id == person_id
    return union(
        select(literal(person_id)),
        select(AffectedPerson.id).where(listed),
        select(AffectedPerson.incident_id).where(listed),
        served,
        *(select(table.id).where(table.person_id == person_id) for table in (Escalation, QueueItem, Offer)),
        select(Question.id).where(asked),
        select(Question.subject_id).where(asked, Question.subject_id.is_not(None)),
    )
