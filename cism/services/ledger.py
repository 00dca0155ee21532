"""The ledger: one line for each affected person of each open incident, read from the rows themselves.

Which step is next is decided by one query over the planned steps, however many people are looked after. Only
for those for whom nothing is planned is more read: what is recorded as the reason, or that there is none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    CompoundSelect,
    Select,
    Subquery,
    bindparam,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from cism.domain.escalation import EscalationState
from cism.domain.incident import IncidentState
from cism.domain.ledger import NextStep, NoStep, Source, owner_of
from cism.domain.plan import StepKind, StepState
from cism.services import ledger_reasons, rungs
from cism.store.db import now as product_now
from cism.store.states import QueueState
from cism.store.tables import (
    AffectedPerson,
    Escalation,
    Incident,
    Invitation,
    Question,
    QueueItem,
    Step,
)

_STILL_ABOUT_THEM = (StepKind.PLAN_RESPONSE, StepKind.ACTIVATE, StepKind.ASK_EXPOSURE_END)
_OF_THE_MEETING = (
    StepKind.PROPOSE_SESSION,
    StepKind.APPROVAL_DEADLINE,
    StepKind.SESSION_REMINDER,
    StepKind.SESSION_REPORT,
    StepKind.SESSION_FOLLOW_UP,
)
_NOBODY = null()


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One affected person of one open incident: the next step, or the reason for none, or neither."""

    affected_id: str
    incident_id: str
    person_id: str
    step: NextStep | None = None
    reason: NoStep | None = None

    @property
    def forgotten(self) -> bool:
        """Neither a next step nor a recorded reason."""
        return self.step is None and self.reason is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How the people of one incident, or of several, stand. Counts alone: a line would tell who declined."""

    people: int = 0
    forgotten: int = 0
    overdue: int = 0  # with a next step whose time has passed

    @property
    def good(self) -> bool:
        """Whether nobody is forgotten and nothing is late."""
        return not self.forgotten and not self.overdue


def lines(
    session: Session,
    *,
    incident_ids: Collection[str] | None = None,
    person_ids: Collection[str] | None = None,
) -> list[Line]:
    """The lines of all open incidents; or of these incidents alone, or of these people alone."""
    ids = {"incidents": list(incident_ids or ()), "persons": list(person_ids or ())}
    listing, following_of = _statements(incident_ids is not None, person_ids is not None)
    listed = session.execute(listing, ids).all()
    following = {row.affected: step_of(row) for row in session.execute(following_of, ids)}
    reasons = ledger_reasons.of(session, [row.id for row in listed if row.id not in following])
    return [
        Line(
            affected_id=row.id,
            incident_id=row.incident_id,
            person_id=row.person_id,
            step=following.get(row.id),
            reason=reasons.get(row.id),
        )
        for row in listed
    ]


def count(found: Iterable[Line], now: datetime) -> Count:
    """How many, how many of them forgotten, how many with a step that is late."""
    listed = list(found)
    return Count(
        people=len(listed),
        forgotten=sum(line.forgotten for line in listed),
        overdue=sum(line.step is not None and line.step.overdue(now) for line in listed),
    )


def by_incident(session: Session, found: Iterable[Line]) -> dict[str, Count]:
    """The counts of each incident, by its reference."""
    now = product_now(session)
    groups: dict[str, list[Line]] = defaultdict(list)
    for line in found:
        groups[line.incident_id].append(line)
    refs = select(Incident.id, Incident.ref).where(Incident.state == IncidentState.OPEN)
    named = {id_: ref for id_, ref in session.execute(refs) if id_ in groups}
    return {named[id_]: count(group, now) for id_, group in groups.items()}


def candidates(scope: Subquery) -> CompoundSelect[Any, str, StepKind, datetime, int, Any]:
    """Every planned step that concerns somebody of the scope, once, with how it does and for whom it is."""
    return union_all(
        _own(scope), _whole(scope), _meeting(scope), _call(scope), _escalation(scope), _queue(scope)
    )


def next_steps(session: Session) -> dict[str, NextStep]:
    """The next step by affected row, for whoever has one; the order is that of `domain.ledger.earliest`."""
    _, following_of = _statements(of_incidents=False, of_people=False)
    return {row.affected: step_of(row) for row in session.execute(following_of)}


@cache
def _statements(of_incidents: bool, of_people: bool) -> tuple[Any, Any]:
    """The people of a scope, and the next step of each; made once, because making them costs as much as
    reading a few people does.
    """
    scope = _scope(of_incidents=of_incidents, of_people=of_people)
    found = candidates(scope.subquery()).subquery()
    place = (
        func.row_number()
        .over(partition_by=found.c.affected, order_by=(found.c.due_at, found.c.source, found.c.step))
        .label("place")
    )
    ranked = select(found, place).subquery()
    listing = scope.order_by(AffectedPerson.incident_id, AffectedPerson.id)
    return listing, select(ranked).where(ranked.c.place == 1)


def step_of(row: object) -> NextStep:
    """A row of `candidates` as the rules see it."""
    step, kind, at, owner = row.step, row.kind, row.due_at, row.owner  # type: ignore[attr-defined]
    source = Source(row.source)  # type: ignore[attr-defined]
    return NextStep(
        step_id=step,
        kind=kind,
        at=at,
        source=source,
        owner=owner_of(kind, source, somebody=owner is not None),
        owner_id=owner,
    )


def everybody() -> Subquery:
    """All affected people of open incidents."""
    return _scope(of_incidents=False, of_people=False).subquery()


_Candidate = Select[Any, str, StepKind, datetime, int, Any]


def _scope(
    *, of_incidents: bool, of_people: bool
) -> Select[str, str, str, str | None, datetime | None, datetime | None]:
    query = select(
        AffectedPerson.id,
        AffectedPerson.incident_id,
        AffectedPerson.person_id,
        AffectedPerson.peer_id,
        AffectedPerson.exposure_end,
        AffectedPerson.ended_at,
    ).join(Incident, Incident.id == AffectedPerson.incident_id)
    if of_incidents:  # coalesce: else SQLite goes through all open ones by the state's index, few or many
        is_open = func.coalesce(Incident.state, None) == IncidentState.OPEN
        query = query.where(Incident.id.in_(bindparam("incidents", expanding=True)), is_open)
    else:
        query = query.where(Incident.state == IncidentState.OPEN)
    if of_people:
        query = query.where(AffectedPerson.person_id.in_(bindparam("persons", expanding=True)))
    return query


def _planned(scope: Subquery, source: Source, owner: object) -> _Candidate:
    return select(
        scope.c.id.label("affected"),
        Step.id.label("step"),
        Step.kind.label("kind"),
        Step.due_at.label("due_at"),
        literal(int(source)).label("source"),
        owner.label("owner"),  # type: ignore[attr-defined]
    ).where(Step.state == StepState.PLANNED)


def _own(scope: Subquery) -> _Candidate:
    mine = (Step.incident_id == scope.c.incident_id) & (Step.person_id == scope.c.person_id)
    return _planned(scope, Source.OWN, scope.c.peer_id).join(scope, mine)


def _whole(scope: Subquery) -> _Candidate:
    """A team is sought for whoever has no helper; the end is asked for of whoever is still exposed."""
    about = (Step.incident_id == scope.c.incident_id) & Step.kind.in_(_STILL_ABOUT_THEM)
    return (
        _planned(scope, Source.WHOLE, _NOBODY)
        .join(scope, about)
        .where(
            scope.c.ended_at.is_(None),
            or_(Step.kind != StepKind.ACTIVATE, scope.c.peer_id.is_(None)),
            or_(Step.kind != StepKind.ASK_EXPOSURE_END, scope.c.exposure_end.is_(None)),
        )
    )


def _meeting(scope: Subquery) -> _Candidate:
    return (
        _planned(scope, Source.MEETING, _NOBODY)
        .join(scope, (Step.incident_id == scope.c.incident_id) & Step.kind.in_(_OF_THE_MEETING))
        .join(
            Invitation,
            (Invitation.session_id == Step.subject_id) & (Invitation.person_id == scope.c.person_id),
        )
        .where(scope.c.ended_at.is_(None), Invitation.state != ledger_reasons.DECLINED)
    )


def _call(scope: Subquery) -> _Candidate:
    return (
        _planned(scope, Source.CALL, Question.person_id)
        .join(Question, Question.id == Step.subject_id)
        .join(scope, Question.subject_id == scope.c.id)
        .where(Step.kind == StepKind.PEER_TASK_DEADLINE, Question.state == "open")
    )


def _escalation(scope: Subquery) -> _Candidate:
    """Their own need is theirs in every incident; what the team left undone belongs to the one it is of."""
    theirs = Escalation.reason.not_in(sorted(rungs.OUR_OWN))
    here = or_(Escalation.incident_id.is_(None), Escalation.incident_id == scope.c.incident_id, theirs)
    return (
        _planned(scope, Source.ESCALATION, Escalation.acked_by)
        .join(Escalation, Escalation.id == Step.subject_id)
        .join(scope, (Escalation.person_id == scope.c.person_id) & here)
        .where(Escalation.state != EscalationState.CLOSED)
    )


def _queue(scope: Subquery) -> _Candidate:
    here = or_(QueueItem.incident_id.is_(None), QueueItem.incident_id == scope.c.incident_id)
    return (
        _planned(scope, Source.QUEUE, _NOBODY)
        .join(QueueItem, QueueItem.id == Step.subject_id)
        .join(scope, (QueueItem.person_id == scope.c.person_id) & here)
        .where(QueueItem.state == QueueState.OPEN)
    )
