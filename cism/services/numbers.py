"""Phone numbers age: they are given to somebody else, and an old confirmation says less every year."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session

from cism.domain.incident import IncidentState
from cism.domain.people import PersonStatus, SleepWindow
from cism.domain.plan import PlannedStep, StepKind, StepState
from cism.domain.quiet_hours import next_open
from cism.services import events, outbox, questions, sign_ins, steps
from cism.store.tables import AffectedPerson, Incident, Person, Step

GOOD_FOR = timedelta(days=365)  # domain.md 11.15: verified again each year
ANSWER_WITHIN = timedelta(days=14)  # design: then silence means that nobody knows whose number it is
_IN_SERVICE = (PersonStatus.ACTIVE, PersonStatus.LEAVE)


def is_old(person: Person, now: datetime) -> bool:
    """Whether the number has to be confirmed again."""
    return person.phone_confirmed_at is not None and person.phone_confirmed_at + GOOD_FOR <= now


def proved(session: Session, person: Person, now: datetime) -> None:
    """A code that went to this number came back: it is theirs, unless we have reason to doubt it."""
    if person.frozen_at is not None or person.phone_hash is None:
        return
    if person.phone_confirmed_at is None:
        events.record(session, "phone.confirmed", now, subject_id=person.id, after="code")
    person.phone_confirmed_at = now
    for question in questions.of_person(session, person.id, now):
        if question.kind == "confirm_phone" and question.state == "open":
            questions.answer(session, question, "1", now)


def taken_over(session: Session, person: Person, now: datetime) -> int:
    """This number is this person's now: whoever had it and has left cannot be reached by it any more.

    Nothing that was meant for them goes there; at each contact point a peer calls. Returns how many had it.
    """
    earlier = select(Person).where(
        Person.phone_hash == person.phone_hash,
        Person.phone_hash.is_not(None),
        Person.id != person.id,
        Person.status.not_in(_IN_SERVICE),
    )
    found = session.scalars(earlier).all()
    for other in found:
        other.phone = other.phone_hash = other.phone_confirmed_at = None
        sign_ins.end_all(session, other.id)
        outbox.cancel(session, reason="number given away", person_id=other.id)
        questions.close(session, state="superseded", now=now, person_id=other.id, kinds=("confirm_phone",))
        events.record(session, "phone.given_away", now, subject_id=other.id)
    return len(found)


def look_through(session: Session, now: datetime) -> tuple[int, int]:
    """Each night: ask for confirmation of what is a year old, and trust no longer what nobody confirmed.

    Whoever is on an open list is left in peace: each answer to a check-in confirms the number too, and who
    ended the contacts shall not hear of us again so soon.
    Returns how many are asked and how many are trusted no longer.
    """
    old = (Person.phone_confirmed_at <= now - GOOD_FOR, ~_on_a_list())
    asked = steps.plan(session, [_again(person, now) for person in session.scalars(_to_ask(*old))])
    lost = [person for person in session.scalars(select(Person).where(*old)) if _over(session, person, now)]
    for person in lost:
        person.phone_confirmed_at = None
        questions.close(session, state="expired", now=now, person_id=person.id, kinds=("confirm_phone",))
        events.record(session, "phone.lapsed", now, subject_id=person.id, after="unconfirmed")
    return asked, len(lost)


def _on_a_list() -> ColumnElement[bool]:
    return Person.id.in_(
        select(AffectedPerson.person_id)
        .join(Incident, Incident.id == AffectedPerson.incident_id)
        .where(Incident.state == IncidentState.OPEN)
    )


def _to_ask(*where: ColumnElement[bool]) -> Select[Person]:
    return select(Person).where(
        *where,
        Person.status == PersonStatus.ACTIVE,
        Person.consent_care.is_(True),
        Person.revoked_care.is_(False),
        Person.phone_hash.is_not(None),
        Person.opted_out_at.is_(None),
        Person.frozen_at.is_(None),
    )


def _key(person: Person) -> str:
    """One question for each confirmation that has grown old."""
    since = f"{person.phone_confirmed_at:%Y%m%d}"
    return f"confirm:{person.id}:{(person.phone_hash or '')[:12]}:{since}"


def _again(person: Person, now: datetime) -> PlannedStep:
    return PlannedStep(
        kind=StepKind.CONFIRM_PHONE,
        due_at=next_open(now, person.zone, SleepWindow(person.sleep_start, person.sleep_end)),
        key=_key(person),
        person_id=person.id,
    )


def _over(session: Session, person: Person, now: datetime) -> bool:
    """Whether two weeks have passed since the question, or since it could have been asked."""
    asked = session.scalars(
        select(Step).where(Step.key.startswith(_key(person), autoescape=True), Step.state == StepState.DONE)
    ).all()
    if asked:
        return all((step.done_at or now) + ANSWER_WITHIN <= now for step in asked)
    return person.status is not PersonStatus.ACTIVE and is_old(person, now - ANSWER_WITHIN)
