"""Lives change while we look after people: somebody dies, leaves, moves, or is given another superior.

What was written on the roster is followed through here, in the same transaction: nothing waits for the next
time that somebody happens to look (domain.md 11.16, 11.17).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from cism.domain.incident import IncidentState
from cism.domain.people import PersonStatus, Role
from cism.domain.plan import StepKind
from cism.services import (
    activation,
    contact_answers,
    events,
    let_go,
    outbox,
    people,
    questions,
    queue,
    sessions,
    sign_ins,
    stepping_back,
    steps,
)
from cism.services.chain import Chart
from cism.store.states import AssignmentState, QueueState
from cism.store.tables import (
    AffectedPerson,
    Agency,
    Assignment,
    Escalation,
    Incident,
    Person,
    Question,
    QueueItem,
    Token,
)

DECEASED = "deceased"  # why contacts ended
DIED = "person_died"  # kind of an item of the human queue: it names nobody, and nobody is called about it
_SERVES = (AssignmentState.ASKED, AssignmentState.SILENT, AssignmentState.ACCEPTED)
_GONE = (PersonStatus.RETIRED, PersonStatus.DECEASED)
# what we left undone towards somebody; it is over where they are dead
_OUR_OWN = ("call_needed", "call_unreported", "contact_missed", "unsettled_send", "care_held")


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody stands, as far as the rules of the choice look at it."""

    status: PersonStatus
    agency: str
    unit: str
    reports_to: str | None
    roles: frozenset[Role]
    not_with: frozenset[str]


def place(row: Person) -> Place:
    """Where somebody stands now."""
    return Place(
        status=row.status,
        agency=row.agency,
        unit=row.unit,
        reports_to=row.reports_to,
        roles=frozenset(item.role for item in row.roles),
        not_with=frozenset(item.other_id for item in row.conflicts),
    )


def places(session: Session) -> dict[str, Place]:
    """Where everybody on the roster stands now, by opaque id."""
    return {row.id: place(row) for row in session.scalars(select(Person))}


def follow(session: Session, before: Mapping[str, Place], now: datetime) -> None:
    """Draw the consequences of everything that differs from `before`; who is new has none."""
    session.flush()
    moved: set[str] = set()
    for person_id in sorted(before):
        person = people.get(session, person_id)
        was, here = before[person_id], place(person)
        if was == here:
            continue
        moved.add(person_id)
        if was.status is not here.status:
            _status_changed(session, person, now)
        if here.status is not PersonStatus.ACTIVE or was.agency != here.agency:
            _duty_phone(session, was.agency, person)
        _revoke(session, person, was, here)
    for incident_id in _concerned(session, moved):
        _look_again(session, incident_id, now)


def set_status(
    session: Session, person: Person, status: PersonStatus, *, by: str | None, now: datetime
) -> None:
    """Somebody is on leave, is back, has left, or has died. Nobody comes back from the dead by mistake."""
    before = {person.id: place(person)}
    events.record(
        session,
        "person.status",
        now,
        subject_id=person.id,
        actor_id=by,
        before=person.status.value,
        after=status.value,
    )
    person.status = status
    follow(session, before, now)


def end_for_the_dead(session: Session, row: Incident, now: datetime) -> None:
    """Somebody who has died may stand on a list; nothing is planned for them, and nobody calls."""
    known = people.by_ids(session, [item.person_id for item in row.affected])
    for item in row.affected:
        if item.ended_at is None and known[item.person_id].status is PersonStatus.DECEASED:
            item.ended_at, item.ended_reason = now, DECEASED
            events.record(
                session, "contacts.ended", now, incident_id=row.id, subject_id=item.id, after=DECEASED
            )


def _status_changed(session: Session, person: Person, now: datetime) -> None:
    if person.status is PersonStatus.DECEASED:
        _died(session, person, now)
    elif person.status is not PersonStatus.ACTIVE:
        _steps_aside(session, person, now)


def _died(session: Session, person: Person, now: datetime) -> None:
    """Nothing is texted to this number any more, ever; what is open about them is for a human to end."""
    concerned = _is_concerned(session, person)
    outbox.cancel(session, reason=DECEASED, person_id=person.id)
    _steps_aside(session, person, now)
    stepping_back.stop_serving(session, person, now)
    mine = select(AffectedPerson.incident_id).where(
        AffectedPerson.person_id == person.id, AffectedPerson.ended_at.is_(None)
    )
    for incident_id in session.scalars(mine.order_by(AffectedPerson.incident_id)).all():
        contact_answers.end_contacts(session, incident_id, person.id, DECEASED, now)
    steps.cancel(session, reason=DECEASED, now=now, person_id=person.id)
    questions.close(session, state="superseded", now=now, person_id=person.id)
    _nothing_left_undone(session, person, now)
    if concerned:
        queue.add(session, DIED, now=now, within=queue.TELL_AGAIN, agency=person.agency)


def _revoke(session: Session, person: Person, was: Place, here: Place) -> None:
    """Whoever left an agency, or lost a role, reads nothing with it any more; given back, it is made anew."""
    if (was.status, was.agency, was.roles) == (here.status, here.agency, here.roles):
        return
    sign_ins.end_all(session, person.id)
    ends = [Token.person_id == person.id]
    if here.status not in _GONE and was.agency == here.agency:
        ends.append(Token.role.in_(was.roles - here.roles))
    session.execute(update(Token).where(*ends).values(revoked=True))


def _steps_aside(session: Session, person: Person, now: datetime) -> None:
    """Calls that they took, and decisions that were theirs, pass to the next at once."""
    let_go.given_up(session, person, now)
    asked = select(Question).where(
        Question.person_id == person.id, Question.kind == "approval", Question.state == "open"
    )
    for question in session.scalars(asked).all():
        steps.hasten(session, StepKind.APPROVAL_DEADLINE, f"approve-by:{question.id}", now)


def _nothing_left_undone(session: Session, person: Person, now: datetime) -> None:
    """Calls that somebody was to make to them are moot; words that they wrote are still read by a human."""
    found = session.scalars(
        select(QueueItem).where(
            QueueItem.person_id == person.id,
            QueueItem.state == QueueState.OPEN,
            QueueItem.kind.in_(_OUR_OWN),
        )
    )
    for item in found.all():
        item.state, item.handled_at = QueueState.HANDLED, now
        steps.cancel(session, reason=DECEASED, now=now, subject_id=item.id)
        events.record(session, "queue.moot", now, subject_id=item.id, after=DECEASED)


def _duty_phone(session: Session, agency_key: str, person: Person) -> None:
    """People in need are told this number: another coordinator's, or none and the crisis line alone."""
    agency = session.get_one(Agency, agency_key)
    if agency.duty_phone is None or agency.duty_phone != person.phone:
        return
    left = [item for item in people.with_role(session, [Role.COORDINATOR], agency_key) if item.phone]
    others = [item.phone for item in left if item.id != person.id]
    if others or person.status in _GONE or person.agency != agency_key:
        agency.duty_phone = next(iter(others), None)


def _is_concerned(session: Session, person: Person) -> bool:
    """Whether somebody looks after them now, is being found for them, or counts on them."""
    looked_after = (
        select(AffectedPerson.id)
        .join(Incident, Incident.id == AffectedPerson.incident_id)
        .where(
            AffectedPerson.person_id == person.id,
            AffectedPerson.ended_at.is_(None),
            Incident.state == IncidentState.OPEN,
        )
    )
    sought = select(Escalation.id).where(Escalation.person_id == person.id, Escalation.closed_at.is_(None))
    serves = select(Assignment.id).where(
        Assignment.peer_id == person.id, Assignment.state == AssignmentState.ACCEPTED
    )
    return any(session.scalar(query.limit(1)) is not None for query in (looked_after, sought, serves))


def _concerned(session: Session, moved: Collection[str]) -> list[str]:
    """The open incidents in which one of them serves or is looked after, or a pair is in one chain now."""
    if not moved:
        return []
    chart = Chart.load(session)
    pairs = session.execute(
        select(AffectedPerson.incident_id, AffectedPerson.person_id, AffectedPerson.peer_id)
        .join(Incident, Incident.id == AffectedPerson.incident_id)
        .where(Incident.state == IncidentState.OPEN, AffectedPerson.ended_at.is_(None))
    )
    found = {
        incident_id
        for incident_id, person_id, peer_id in pairs
        if person_id in moved or (peer_id is not None and chart.in_chain(person_id, peer_id))
    }
    serving = (
        select(Assignment.incident_id)
        .join(Incident, Incident.id == Assignment.incident_id)
        .where(
            Assignment.peer_id.in_(moved), Assignment.state.in_(_SERVES), Incident.state == IncidentState.OPEN
        )
    )
    return sorted(found | set(session.scalars(serving)))


def _look_again(session: Session, incident_id: str, now: datetime) -> None:
    """Whoever may not serve any more steps back, and nobody keeps a helper whom a rule now forbids."""
    row = people.lock_incident(session, incident_id)
    if row.state is not IncidentState.OPEN:
        return
    if not stepping_back.step_back(session, row, now) and activation.team_changed(session, row, now):
        activation.look(session, row, now)
    sessions.tell_team(session, row, now)
