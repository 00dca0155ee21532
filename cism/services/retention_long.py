"""What is forgotten after months: that somebody was on a list or helped, and that a call was needed.

What is counted stays: of an incident how many were on its list and helped, of escalations how many a year.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, delete, exists, func, null, or_, select, update
from sqlalchemy.orm import Session

from cism.domain.escalation import EscalationState
from cism.domain.incident import IncidentState
from cism.domain.plan import StepState
from cism.domain.retention import Kept, kept_for
from cism.services import party_rows
from cism.services.legal_holds import Held
from cism.services.retention_short import Due, pairs, parts
from cism.store.past_tables import PastMember
from cism.store.states import AssignmentState, OfferState, QueueState
from cism.store.tables import (
    AffectedPerson,
    Agency,
    Assignment,
    Counter,
    Escalation,
    Event,
    GroupSession,
    Incident,
    IncidentParty,
    Invitation,
    Offer,
    Outbox,
    Question,
    QueueItem,
    Step,
)

CLOSED: Final = "escalations_closed"
_UNDER_WAY: Final = (OfferState.OPEN, OfferState.OFFERED, OfferState.WANTED, OfferState.TAKEN)


def contacts(session: Session, now: datetime, held: Held) -> Due:
    """Who was on a list and has nothing more to come, and the helpers of lists on which nobody is left."""
    found: list[tuple[str, datetime]] = []
    for agency in session.scalars(select(Agency).order_by(Agency.key)).all():
        cutoff = now - kept_for(Kept.CONTACTS, agency.retention)
        found += _affected(session, agency.key, cutoff, held)
        found += _helpers(session, agency.key, cutoff, held)
        found += _past(session, agency.key, cutoff, held)
    return found


def _affected(session: Session, agency: str, cutoff: datetime, held: Held) -> Due:
    here, theirs = Incident.id, AffectedPerson.person_id
    last = [
        _latest(Step.done_at, Step.incident_id == here, Step.person_id == theirs),
        _latest(Question.asked_at, Question.incident_id == here, _asked_about(theirs)),
        _latest(Question.answered_at, Question.incident_id == here, _asked_about(theirs)),
        _latest(Escalation.closed_at, Escalation.person_id == theirs),
    ]
    waits = [
        exists().where(Step.incident_id == here, Step.person_id == theirs, Step.state == StepState.PLANNED),
        exists().where(Question.state == "open", _asked_about(theirs)),
        exists().where(Escalation.person_id == theirs, Escalation.state != EscalationState.CLOSED),
        exists().where(QueueItem.person_id == theirs, QueueItem.state == QueueState.OPEN),
        exists().where(Offer.incident_id == here, Offer.person_id == theirs, Offer.state.in_(_UNDER_WAY)),
    ]
    query = (
        select(AffectedPerson.id, AffectedPerson.added_at, AffectedPerson.ended_at, *last)
        .join(Incident, Incident.id == AffectedPerson.incident_id)
        .where(
            Incident.agency == agency,
            AffectedPerson.added_at <= cutoff,
            *(~one for one in waits),
            *held.free(AffectedPerson.incident_id, AffectedPerson.person_id),
        )
    )
    found = []
    for row_id, *moments in session.execute(query):
        latest = max(moment for moment in moments if moment is not None)
        if latest <= cutoff:
            found.append((row_id, latest))
    return found


def _helpers(session: Session, agency: str, cutoff: datetime, held: Held) -> Due:
    still = exists().where(AffectedPerson.incident_id == Incident.id)
    asked = exists().where(
        Question.incident_id == Incident.id,
        Question.person_id == Assignment.peer_id,
        Question.state == "open",
    )
    over = or_(Incident.state != IncidentState.OPEN, ~still)
    query = (
        select(Assignment.id, Assignment.changed_at)
        .join(Incident, Incident.id == Assignment.incident_id)
        .where(
            Incident.agency == agency,
            Assignment.changed_at <= cutoff,
            or_(Incident.closed_at.is_(None), Incident.closed_at <= cutoff),
            over,
            ~asked,
            *held.free(Assignment.incident_id, Assignment.peer_id),
        )
    )
    return pairs(session.execute(query))


def _past(session: Session, agency: str, cutoff: datetime, held: Held) -> Due:
    """Who was on a list, of incidents that ended so long ago: nobody is asked to help there any more."""
    query = (
        select(PastMember.id, Incident.closed_at)
        .join(Incident, Incident.id == PastMember.incident_id)
        .where(
            Incident.agency == agency,
            Incident.state != IncidentState.OPEN,
            Incident.closed_at <= cutoff,
            *held.free(PastMember.incident_id, None),
        )
    )
    return pairs(session.execute(query))


def forget_contacts(session: Session, ids: Sequence[str]) -> None:
    """The link and whatever else would tell of it; on the incident stays how many they were."""
    for part in parts(ids):
        listed = session.scalars(select(AffectedPerson).where(AffectedPerson.id.in_(part))).all()
        for row in listed:
            _bar(session, session.get_one(Incident, row.incident_id), row.person_id)
            _sever(session, row.incident_id, row.person_id, row.id)
            session.delete(row)
        helped = session.scalars(select(Assignment).where(Assignment.id.in_(part))).all()
        for done in helped:
            incident = session.get_one(Incident, done.incident_id)
            incident.past_team += done.state is AssignmentState.ACCEPTED
            _sever(session, done.incident_id, done.peer_id, done.id)
            session.delete(done)
        over = PastMember.id.in_(part)
        ended = set(session.scalars(select(PastMember.incident_id).where(over)))
        session.execute(delete(PastMember).where(over))
        session.flush()
        named = {row.incident_id for row in listed} | {done.incident_id for done in helped}
        _parties(session, ended | named)


def _bar(session: Session, incident: Incident, person_id: str) -> None:
    """While it goes on, whoever was on its list is still asked to serve nobody of it."""
    incident.past_affected += 1
    if incident.state is IncidentState.OPEN:
        mark = party_rows.past_mark(session, incident.id, person_id)
        session.add(PastMember(incident_id=incident.id, mark=mark))


def _sever(session: Session, incident_id: str, person_id: str, row_id: str) -> None:
    """Questions keep their code, texts their place in a phone's caps; neither says what it was of."""
    theirs = or_(Question.person_id == person_id, Question.about_id == person_id)
    blank = {"incident_id": None, "subject_id": None, "about_id": None, "answer": None, "merged": null()}
    _set(session, Question, blank, Question.incident_id == incident_id, theirs)
    for other in session.scalars(select(Question).where(Question.person_id == person_id)):
        if incident_id in (other.merged or ()):
            other.merged = [one for one in other.merged or () if one != incident_id]
    of_both: tuple[Any, ...] = (Outbox, Escalation, QueueItem)
    for table in of_both:
        mine = (table.incident_id == incident_id, table.person_id == person_id)
        _set(session, table, {"incident_id": None}, *mine)
    session.execute(
        delete(Step).where(
            Step.incident_id == incident_id,
            or_(Step.person_id == person_id, Step.subject_id == row_id),
            Step.state != StepState.PLANNED,
        )
    )
    session.execute(delete(Offer).where(Offer.incident_id == incident_id, Offer.person_id == person_id))
    meetings = select(GroupSession.id).where(GroupSession.incident_id == incident_id)
    session.execute(
        delete(Invitation).where(Invitation.person_id == person_id, Invitation.session_id.in_(meetings))
    )
    of_it = Event.incident_id == incident_id
    session.execute(delete(Event).where(of_it, Event.subject_id.in_([row_id, person_id])))
    _set(session, Event, {"actor_id": None}, of_it, Event.actor_id == person_id)


def _parties(session: Session, incidents: Iterable[str]) -> None:
    """Whoever had a part in it is barred from helping there, until it is over and nobody is left to help."""
    for incident_id in incidents:
        left = exists().where(AffectedPerson.incident_id == incident_id)
        goes_on = exists().where(Incident.id == incident_id, Incident.state == IncidentState.OPEN)
        if not session.scalar(select(left | goes_on)):
            session.execute(delete(IncidentParty).where(IncidentParty.incident_id == incident_id))


def escalations(session: Session, now: datetime, held: Held) -> Due:
    """Those that a human closed so long ago."""
    found: list[tuple[str, datetime]] = []
    for agency in session.scalars(select(Agency).order_by(Agency.key)).all():
        query = select(Escalation.id, Escalation.closed_at).where(
            Escalation.agency == agency.key,
            Escalation.state == EscalationState.CLOSED,
            Escalation.closed_at <= now - kept_for(Kept.ESCALATIONS, agency.retention),
            *held.free(Escalation.incident_id, Escalation.person_id),
        )
        found += pairs(session.execute(query))
    return found


def forget_escalations(session: Session, ids: Sequence[str]) -> None:
    """The row; how many there were of an agency, a level and a year is counted."""
    for part in parts(ids):
        for row in session.scalars(select(Escalation).where(Escalation.id.in_(part))).all():
            _count(session, f"{row.agency}:{row.level.value}:{row.opened_at.year}")
            session.execute(delete(Event).where(Event.subject_id == row.id))
            session.delete(row)
        session.flush()


def _count(session: Session, label: str) -> None:
    row = session.get(Counter, (CLOSED, label))
    if row is None:
        row = Counter(name=CLOSED, label=label, value=0)
        session.add(row)
    row.value += 1


def _asked_about(person: ColumnElement[Any] | Any) -> ColumnElement[bool]:
    return or_(Question.person_id == person, Question.about_id == person)


def _latest(column: Any, *where: ColumnElement[bool]) -> Any:
    return select(func.max(column)).where(and_(*where)).correlate(Incident, AffectedPerson).scalar_subquery()


def _set(session: Session, table: Any, values: dict[str, Any], *where: ColumnElement[bool]) -> None:
    session.execute(update(table).where(*where).values(**values))
