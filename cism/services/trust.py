"""The trust receipt of one person: which roles saw what about them, and when, out of the audit log."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, or_, select
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
MOST = 500  # lines, the newest


@dataclass(frozen=True, slots=True)
class Line:
    """One look."""

    at: datetime
    who: str
    what: str


def receipt(session: Session, person_id: str) -> list[Line]:
    """Everything that others saw of this person, newest first; their own looks are no line."""
    person = people.get(session, person_id)
    mine = _about(session, person_id)
    rows = session.scalars(
        select(Audit)
        .where(Audit.allowed.is_(True), or_(*_concerning(mine)))
        .order_by(Audit.id.desc())
        .limit(MOST * 4)
    )
    helpers = _own_peers(session, person_id)
    found = [line for row in rows if (line := _line(session, row, person, mine, helpers)) is not None]
    return sorted([*found[:MOST], *_told_outside(session, person_id)], key=lambda line: line.at, reverse=True)


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


def _concerning(mine: set[str]) -> Iterator[ColumnElement[bool]]:
    yield Audit.object_id.in_(mine)
    yield Audit.act.in_(_NAMELESS) & Audit.object_id.is_(None)


def _line(session: Session, row: Audit, person: Person, mine: set[str], helpers: set[str]) -> Line | None:
    actor = row.actor.partition(" ")[0]
    if actor == person.id:
        return None
    if actor == _OWNER:
        what = seen_by_owner(row.act)
        return Line(row.at, OWNER, what) if what and row.object_id else None
    roles, agency = _roles(session, actor)
    if not roles or (row.object_id not in mine and agency != person.agency):
        return None
    own = actor in helpers
    what = seen(row.act, relations(roles, assigned=own))
    return Line(row.at, title(roles, own_peer=own), what) if what is not None else None


def _roles(session: Session, actor: str) -> tuple[frozenset[Role], str | None]:
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


def _about(session: Session, person_id: str) -> set[str]:
    """The ids by which the audit log may speak of this person."""
    found = {person_id}
    listed = select(AffectedPerson.id, AffectedPerson.incident_id).where(
        AffectedPerson.person_id == person_id
    )
    for affected_id, incident_id in session.execute(listed):
        found |= {affected_id, incident_id}
    served = (
        select(Assignment.id)
        .join(AffectedPerson, AffectedPerson.incident_id == Assignment.incident_id)
        .where(AffectedPerson.person_id == person_id, AffectedPerson.peer_id == Assignment.peer_id)
    )
    found |= set(session.scalars(served))
    for table in (Escalation, QueueItem, Offer):
        found |= set(session.scalars(select(table.id).where(table.person_id == person_id)))
    for question in session.scalars(select(Question).where(Question.about_id == person_id)):
        found |= {question.id, question.subject_id or question.id}
    return found
