"""What holds for every text to an affected person: whether one may go now, and what happens where not."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.followup import may_be_texted, waits_for_kin
from cism.domain.people import PersonStatus, SleepWindow
from cism.domain.quiet_hours import is_open, next_open
from cism.services import escalations, held, lateness, people, sabotage, sensitive_dates, steps
from cism.store.tables import AffectedPerson, InboundMessage, Incident, Person, Step

MOVED = "moved to open hours"
TOO_LATE = "too late for open hours"
# Readings that say something in words: whoever wrote has not been silent, and needs no reminder.
_WORDS = ("free_text", "crisis", "carrier_help", "opt_out", "who_is_this", "care_now", "care_later")


def why_not_now(session: Session, row: Incident, item: AffectedPerson, person: Person) -> str | None:
    """Why nothing about themselves may go to this person at this moment, or None."""
    if item.ended_at is not None:
        return "ended"
    if person.status is PersonStatus.DECEASED:
        return "deceased"
    if person.opted_out_at is not None:
        return "opted out"
    if escalations.open_about(session, person.id):
        return held.ESCALATION
    if person.care_held_at is not None:
        return held.ZERO
    snapshot = people.incident_snapshot(row)
    mine = next(one for one in snapshot.affected if one.person_id == person.id)
    return held.KIN if waits_for_kin(snapshot, mine) else None


def textable(person: Person) -> bool:
    """Whether a text about themselves may go to this person at all; else a peer calls."""
    return may_be_texted(people.snapshot(person))


def hours(person: Person) -> tuple[str, SleepWindow]:
    """The person's zone and sleep."""
    return person.zone, SleepWindow(person.sleep_start, person.sleep_end)


def open_now(person: Person, now: datetime) -> bool:
    """Whether this hour is open to this person."""
    return is_open(now, *hours(person)) or sabotage.opens(person)


def later(session: Session, step: Step, person: Person, now: datetime) -> str:
    """The hour is closed to this person: the same step at the next open minute, unless that is too late."""
    return moved_to(session, step, next_open(now, *hours(person)))


def not_on_this_day(session: Session, step: Step, person: Person, now: datetime) -> str | None:
    """A day on which nothing automatic goes to them: after it, unless that is too late. None: no such day."""
    until = sensitive_dates.held_until(session, person, now)
    return None if until is None else moved_to(session, step, next_open(until, *hours(person)))


def moved_to(session: Session, step: Step, due: datetime) -> str:
    """The same step once more at that moment, or TOO_LATE."""
    if step.expires_at is not None and due >= step.expires_at:
        return TOO_LATE
    moved = held.again(step, due, f"@{int(due.timestamp())}")
    payload = {lateness.OWED: step.due_at.isoformat(), **step.payload}
    steps.plan(session, [replace(moved, payload=payload)])
    return MOVED


def has_written(session: Session, person_id: str, since: datetime) -> bool:
    """Whether they said something in words since then: a human reads it, and nobody nags."""
    found = session.scalar(
        select(InboundMessage.sid)
        .where(
            InboundMessage.person_id == person_id,
            InboundMessage.received_at >= since,
            InboundMessage.reading.in_(_WORDS),
        )
        .limit(1)
    )
    return found is not None


def affected(session: Session, incident_id: str, person_id: str) -> AffectedPerson | None:
    """The row of one person in one incident."""
    return session.scalar(
        select(AffectedPerson).where(
            AffectedPerson.incident_id == incident_id, AffectedPerson.person_id == person_id
        )
    )


def helper_of(session: Session, row: Incident, person: Person) -> Person | None:
    """Who looks after this person here."""
    item = affected(session, row.id, person.id)
    return people.get(session, item.peer_id) if item is not None and item.peer_id else None
