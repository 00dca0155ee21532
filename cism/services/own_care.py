"""What somebody sees about themselves: the open check-in, the call that is to come, when to ask more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.escalation import EscalationState
from cism.domain.incident import IncidentState
from cism.domain.screening import NotYet, too_early
from cism.services import care_calls, notify, people
from cism.store.tables import AffectedPerson, Agency, Incident, Person, Question
from notifications.messages import short_name


@dataclass(frozen=True, slots=True)
class Call:
    """A call that the person asked for: by when, and who has taken it."""

    by: datetime
    helper: str | None
    pressing: bool


@dataclass(frozen=True, slots=True)
class Care:
    """How things stand for one person, as they may see it."""

    check_in: str | None  # the open question's id
    call: Call | None
    duty: str
    line: str
    stopped: bool
    blind: bool  # the agency attests that command sees no replies


def standing(session: Session, person: Person, now: datetime) -> Care:
    """Everything that the person's page of care shows."""
    duty, line = notify.lines(session, person.agency)
    agency = session.get(Agency, person.agency)
    return Care(
        check_in=session.scalar(
            select(Question.id)
            .where(Question.person_id == person.id, Question.kind == "check_in", Question.state == "open")
            .order_by(Question.asked_at.desc())
        ),
        call=_call(session, person, now),
        duty=duty,
        line=line,
        stopped=person.opted_out_at is not None,
        blind=bool(agency and agency.command_blind),
    )


def questions_too_early(session: Session, person: Person, now: datetime) -> NotYet | None:
    """Whether the private questions would mean nothing yet, by what happened to this person and is known."""
    ends = session.scalars(
        select(AffectedPerson.exposure_end)
        .join(Incident, Incident.id == AffectedPerson.incident_id)
        .where(AffectedPerson.person_id == person.id, Incident.state != IncidentState.STOOD_DOWN)
    )
    return too_early(list(ends), person.zone, now)


def _call(session: Session, person: Person, now: datetime) -> Call | None:
    row = care_calls.waited_for(session, person.id)
    if row is None:
        return None
    taken = row.state is EscalationState.ACKED and row.acked_by is not None
    return Call(
        by=care_calls.promised_by(session, row, person, now),
        helper=short_name(people.get(session, row.acked_by or "").name) if taken else None,
        pressing=row.level.value != "ROUTINE",
    )
