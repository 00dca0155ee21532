"""The escalations that somebody may see, the most pressing first; and how many of them nobody has taken.

Who sees which is one rule for the list over HTTP, the clinician's page and the banner on every page: those
of the own agency for whoever answers there, those that somebody was asked, and never one about oneself or
about anybody who stands on a list with oneself (domain.md 11.17).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, and_, false, or_, select
from sqlalchemy.orm import Session, lazyload

from cism.domain.access import Access, Act, Datum, best_access, may_do, relations
from cism.domain.escalation import EscalationLevel, EscalationState
from cism.domain.people import Role
from cism.services import handing_on, people, rungs
from cism.store.tables import Escalation, Incident, Person, Question

_GOING_ON = (EscalationState.OPEN, EscalationState.ACKED)
MOST = 150  # on one page, which stays small enough for a phone; what is closed makes room


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One escalation as a list shows it: nothing about the person. `by`: take it, or call, until then."""

    id: str
    level: EscalationLevel
    welfare: bool
    opened_at: datetime
    taken: bool
    mine: bool
    by: datetime
    code: str | None  # where this reader was asked by text and has not answered
    question: str | None  # which question that is
    taker: str | None  # who has it, for whoever the table lets know more than that it is taken
    others: bool  # a colleague has it, and this reader may end it in their place
    offered: bool  # a colleague asks this reader to take it over


def visible(session: Session, agency: str | None, person_id: str | None) -> Select[Escalation]:
    """Those of `agency` (None: of none), and those that this person was asked."""
    scope = Escalation.agency == agency if agency is not None else false()
    query = select(Escalation)
    if person_id is None:
        return query.where(scope)
    asked = select(Question.subject_id).where(
        Question.person_id == person_id, Question.kind.in_(["escalation", "welfare"])
    )
    incidents, persons = people.on_lists_with(session, person_id)
    apart = or_(Escalation.person_id.is_(None), Escalation.person_id.not_in(persons))
    elsewhere = or_(Escalation.incident_id.is_(None), Escalation.incident_id.not_in(incidents))
    others = or_(Escalation.person_id.is_(None), Escalation.person_id != person_id)
    return query.where(or_(and_(scope, apart, elsewhere), and_(Escalation.id.in_(asked), others)))


def pressing(session: Session, agency: str, roles: Collection[Role], person_id: str | None) -> int:
    """How many calls for help nobody has taken, of those that this person may see."""
    answers = may_do(roles, Act.LIST_ESCALATIONS, same_agency=True)
    if answers:
        query = visible(session, agency, person_id).where(Escalation.state == EscalationState.OPEN)
    elif person_id is not None:
        query = _asked_now(person_id)
    else:
        return 0
    return len(session.scalars(query.with_only_columns(Escalation.id).limit(MOST)).all())


def open_lines(session: Session, reader: Person) -> list[Line]:
    """What is not closed, for one reader: what nobody has taken first, by its deadline."""
    query = visible(session, _own_agency(reader), reader.id)
    rows = session.scalars(
        query.where(Escalation.state.in_(_GOING_ON)).order_by(Escalation.level_at).limit(MOST)
    ).all()
    beside = _beside(session, reader, rows)
    lines = [_line(session, reader, row, beside) for row in rows]
    return sorted(lines, key=lambda line: (line.taken and not line.mine, line.taken, line.by, line.id))


def find(session: Session, reader: Person, escalation_id: str) -> Escalation | None:
    """One of them, where this reader may see it."""
    return session.scalar(
        visible(session, _own_agency(reader), reader.id).where(Escalation.id == escalation_id)
    )


def was_asked(session: Session, reader: Person, row: Escalation) -> bool:
    """Whether somebody was asked to take it."""
    query = select(Question.id).where(
        Question.person_id == reader.id,
        Question.subject_id == row.id,
        Question.kind.in_(["escalation", "welfare"]),
    )
    return session.scalar(query.limit(1)) is not None


def may_take(reader: Person, *, asked: bool) -> bool:
    """Whether somebody may take one that they see: by their role, or because they were asked."""
    roles = [item.role for item in reader.roles]
    return asked or may_do(roles, Act.ACK_ESCALATION, same_agency=True)


def _own_agency(reader: Person) -> str | None:
    roles = [item.role for item in reader.roles]
    return reader.agency if may_do(roles, Act.LIST_ESCALATIONS, same_agency=True) else None


@dataclass(frozen=True, slots=True)
class _Beside:
    """What stands beside the rows of a list, each read once for all of them."""

    known: dict[str, Person]
    questions: dict[str, Question]  # this reader's open ones, by escalation
    handed: dict[str, str]  # the colleague who is asked to take over, by escalation
    incidents: Sequence[Incident]  # kept so that each row finds its own without asking again


def _beside(session: Session, reader: Person, rows: Sequence[Escalation]) -> _Beside:
    mine = select(Question).where(
        Question.person_id == reader.id,
        Question.subject_id.in_([row.id for row in rows]),
        Question.state == "open",
    )
    incidents = (
        select(Incident)
        .where(Incident.id.in_({row.incident_id for row in rows if row.incident_id}))
        .options(lazyload(Incident.affected))
    )
    return _Beside(
        people.by_ids(session, [row.acked_by for row in rows if row.acked_by]),
        {one.subject_id or "": one for one in session.scalars(mine)},
        handing_on.asked_of_many(session, rows),
        session.scalars(incidents).all(),
    )


def _line(session: Session, reader: Person, row: Escalation, beside: _Beside) -> Line:
    taken = row.state is EscalationState.ACKED
    known, question = beside.known, beside.questions.get(row.id)
    roles = [item.role for item in reader.roles]
    held = relations(roles, assigned=question is not None or row.acked_by == reader.id)
    names = best_access(held, Datum.ESCALATION) is Access.YES
    offered = beside.handed.get(row.id) == reader.id
    asked = offered or not taken
    return Line(
        id=row.id,
        level=row.level,
        welfare=row.welfare,
        opened_at=row.opened_at,
        taken=taken,
        mine=row.acked_by == reader.id,
        by=_deadline(session, row, taken=taken),
        code=question.code if question is not None and asked else None,
        question=question.id if question is not None and asked else None,
        taker=known[row.acked_by].name if names and row.acked_by in known else None,
        others=taken and row.acked_by != reader.id and _ends_for_others(reader, row),
        offered=offered,
    )


def _ends_for_others(reader: Person, row: Escalation) -> bool:
    roles = [item.role for item in reader.roles]
    return may_do(roles, Act.CLOSE_FOR_ANOTHER, same_agency=row.agency == reader.agency)


def _deadline(session: Session, row: Escalation, *, taken: bool) -> datetime:
    """By when it is to be taken; by when whoever has it speaks with the person."""
    if taken and row.voice_by is not None:
        return row.voice_by
    return row.level_at + rungs.rule_of(session, row).ack


def _asked_now(person_id: str) -> Select[Escalation]:
    """What somebody without a list of their own was asked and has not answered."""
    asked = select(Question.subject_id).where(
        Question.person_id == person_id,
        Question.kind.in_(["escalation", "welfare"]),
        Question.state == "open",
    )
    return select(Escalation).where(
        Escalation.id.in_(asked),
        Escalation.state == EscalationState.OPEN,
        or_(Escalation.person_id.is_(None), Escalation.person_id != person_id),
    )
