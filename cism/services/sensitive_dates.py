"""Sensitive dates of an incident: kept by those in charge, minded by every automatic text to its people."""

from __future__ import annotations

from datetime import date, datetime, time

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.followup import why_no_contacts
from cism.domain.incident import IncidentState
from cism.domain.plan import PlannedStep, StepKind, StepState
from cism.domain.sensitive_dates import (
    DateKind,
    Quiet,
    call_at,
    quiet_around,
    quiet_on,
    quiet_until,
)
from cism.domain.sensitive_dates import SensitiveDate as Rule
from cism.errors import AlreadyDone, BadInput, NotAllowed, NotFound
from cism.services import events, people, steps
from cism.store.tables import AffectedPerson, Incident, Person, SensitiveDate, Step

POINT = "date"


def add(
    session: Session,
    incident_id: str,
    day: date,
    kind: DateKind,
    *,
    hours: tuple[time, time] | None = None,
    by: str | None,
    now: datetime,
) -> SensitiveDate:
    """Keep one day. Raises BadInput for a day that is past or hours that run backwards, AlreadyDone twice."""
    row = people.lock_incident(session, incident_id)
    _refuse(row, day, kind, hours, by, now)
    found = SensitiveDate(
        incident_id=row.id,
        kind=kind,
        day=day.isoformat(),
        starts=hours[0] if hours else None,
        ends=hours[1] if hours else None,
    )
    row.dates.append(found)
    session.flush()
    events.record(session, "date.added", now, incident_id=row.id, subject_id=found.id, actor_id=by)
    steps.plan(session, planned_steps(session, row, now))
    return found


def remove(session: Session, incident_id: str, day: date, *, by: str | None, now: datetime) -> int:
    """Forget every entry of that day; a call that has not been asked for is not."""
    row = people.lock_incident(session, incident_id)
    _refuse_affected(row, by)
    entries = [one for one in row.dates if one.day == day.isoformat()]
    if not entries:
        message = f"{day} is not among this incident's dates; `cism incident dates list REF` shows them"
        raise NotFound(message)
    for one in entries:
        steps.cancel(session, reason="date removed", now=now, subject_id=one.id)
        row.dates.remove(one)
        events.record(session, "date.removed", now, incident_id=row.id, subject_id=one.id, actor_id=by)
    session.flush()
    return len(entries)


def listed(row: Incident) -> list[dict[str, str | None]]:
    """An incident's days, the next one first."""
    return [
        {
            "id": one.id,
            "day": one.day,
            "kind": one.kind.value,
            "from": f"{one.starts:%H:%M}" if one.starts else None,
            "until": f"{one.ends:%H:%M}" if one.ends else None,
        }
        for one in sorted(row.dates, key=lambda one: (one.day, one.kind))
    ]


def planned_steps(session: Session, row: Incident, now: datetime) -> list[PlannedStep]:
    """One for each person and day that is still ahead; planning twice adds nothing."""
    found = []
    for one in row.dates:
        for item in row.affected:
            person = people.get(session, item.person_id)
            ends = quiet_on(_whole(one), person.zone).ends
            if item.ended_at is None and ends > now:
                found.append(
                    PlannedStep(
                        kind=StepKind.SENSITIVE_DATE,
                        due_at=max(now, call_at(_rule(one), person.zone)),
                        expires_at=ends,
                        key=f"date:{one.id}:{item.id}",
                        incident_id=row.id,
                        person_id=item.person_id,
                        subject_id=one.id,
                        payload={"affected": item.id},
                    )
                )
    return found


def on_date(session: Session, step: Step, now: datetime) -> str | None:
    """The day comes: the peer is asked to call, unless the person wants no more contacts."""
    row = people.lock_incident(session, step.incident_id or "")
    item = session.get_one(AffectedPerson, str(step.payload["affected"]))
    snapshot = people.incident_snapshot(row)
    mine = next(one for one in snapshot.affected if one.person_id == item.person_id)
    person = people.snapshot(people.get(session, item.person_id))
    if why_no_contacts(snapshot, mine, person) is not None or _let_go(session, item):
        return "wants no more contacts"
    call = PlannedStep(
        kind=StepKind.PEER_TASK,
        due_at=now,
        expires_at=step.expires_at,
        key=f"{step.key}:call",
        incident_id=row.id,
        person_id=item.person_id,
        subject_id=item.id,
        payload={"point": POINT},
    )
    steps.plan(session, [call])
    return "given to a peer"


def held_until(session: Session, person: Person, now: datetime) -> datetime | None:
    """Until when no automatic text about themselves goes to this person; of whichever incident the day is."""
    mine = (
        AffectedPerson.person_id == person.id,
        AffectedPerson.ended_at.is_(None),
        Incident.state == IncidentState.OPEN,
    )
    days = session.scalars(
        select(SensitiveDate)
        .join(Incident, Incident.id == SensitiveDate.incident_id)
        .join(AffectedPerson, AffectedPerson.incident_id == Incident.id)
        .where(*mine)
    )
    quiet: list[Quiet] = [quiet_on(_rule(one), person.zone) for one in days]
    funerals = session.scalars(
        select(Incident.funeral_at)
        .join(AffectedPerson, AffectedPerson.incident_id == Incident.id)
        .where(*mine, Incident.funeral_at.is_not(None))
    )
    quiet += [quiet_around(moment) for moment in funerals if moment is not None]
    return quiet_until(now, quiet)


def _let_go(session: Session, item: AffectedPerson) -> bool:
    """Whether they were asked to keep in touch and said nothing: silence is no."""
    if item.keep_in_touch:
        return False
    asked = session.scalar(
        select(Step.id).where(
            Step.subject_id == item.id,
            Step.kind == StepKind.OPT_IN,
            Step.state == StepState.DONE,
            Step.outcome.in_(["sent", "merged with another incident's check-in"]),
        )
    )
    return asked is not None


def _refuse(
    row: Incident,
    day: date,
    kind: DateKind,
    hours: tuple[time, time] | None,
    by: str | None,
    now: datetime,
) -> None:
    _refuse_affected(row, by)
    if row.state is not IncidentState.OPEN:
        message = "the incident is over; `cism reopen REF` opens it again"
        raise AlreadyDone(message)
    if day < now.date():
        message = f"{day} is past; give the day on which it falls next, like {now:%Y}-12-31"
        raise BadInput(message)
    if hours is not None and hours[1] <= hours[0]:
        message = "the hours run backwards; give from and until on the same day, like 10:00 and 14:00"
        raise BadInput(message)
    if any(one.day == day.isoformat() and one.kind is kind for one in row.dates):
        message = f"{day} is among this incident's dates already"
        raise AlreadyDone(message)


def _refuse_affected(row: Incident, by: str | None) -> None:
    if by is not None and any(item.person_id == by for item in row.affected):
        message = "you are on this incident's list: your deputy does this"
        raise NotAllowed(message)


def _rule(row: SensitiveDate) -> Rule:
    return Rule(day=date.fromisoformat(row.day), kind=row.kind, starts=row.starts, ends=row.ends)


def _whole(row: SensitiveDate) -> Rule:
    return Rule(day=date.fromisoformat(row.day), kind=row.kind)
