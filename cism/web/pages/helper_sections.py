"""What a helper sees: whom to call, at what number, by when (domain.md 7.3: their own persons alone)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cism.domain.access import Access, Datum, Fact, best_access, relations
from cism.domain.briefs import brief_of
from cism.domain.escalation import EscalationState
from cism.domain.incident_types import INCIDENT_TYPES
from cism.domain.offer_kinds import OfferKind
from cism.domain.people import PersonStatus
from cism.domain.plan import StepKind, StepState
from cism.services import notices, people, session_rows
from cism.services.notify import lines
from cism.services.rungs import SHARED
from cism.store.states import AssignmentState, OfferState, SessionState
from cism.store.tables import (
    Assignment,
    Escalation,
    InboundMessage,
    Incident,
    Offer,
    Person,
    Question,
    Step,
)
from cism.web.pages.brief_words import in_words
from cism.web.pages.local_time import spoken
from cism.web.pages.offer_sections import brief, offer_list
from cism.web.pages.sections import LEVELS, REPORT_LABELS, Section, buttons, open_question, over
from cism.web.words import Said, _

_HANDED = {
    OfferState.WANTED: _("A clinician is asked to take them over. A text tells you when one has them."),
    OfferState.TAKEN: _("A clinician has received them."),
    OfferState.DONE: _("A clinician has received them."),
}
_GONE = _("This is no longer yours; there is nothing to do. Thank you.")


def assignment(session: Session, helper: Person, subject: str | None, now: datetime) -> Section:
    """Whom to call and by when; the brief before it."""
    row = session.get(Assignment, subject or "")
    if row is None or row.peer_id != helper.id:
        return over(_GONE)
    incident = session.get_one(Incident, row.incident_id)
    serves = row.state is AssignmentState.ACCEPTED
    persons = _persons(session, helper, incident, every=serves)
    if not (serves or persons):
        return over(_GONE)
    if not people.is_staff_for(session, helper, incident.id):
        return over(_GONE)
    kind = INCIDENT_TYPES.get(incident.type)
    own = open_question(session, helper.id, row.id, "assignment")
    return Section(
        "sections/assignment.html",
        {
            "ref": incident.ref,
            "kind": Said(kind.label if kind else incident.type),
            "jeopardy": kind is not None and kind.jeopardy and not incident.statements_complete,
            "persons": persons,
            "notice": notices.of(session, incident.agency, helper.language),
            "brief": in_words(brief_of("one_on_one")),
            "meetings": _meetings(session, helper, incident, now),
            "code": own.code if own else None,
            "hand_back": buttons(own, {"9": _("Hand the whole assignment back")}),
            "duty": lines(session, incident.agency)[0],
        },
        row.id,
    )


def escalation(session: Session, helper: Person, subject: str | None, now: datetime) -> Section:
    """Take it; then whom to call, and how it ended."""
    row = session.get(Escalation, subject or "")
    if row is None or row.person_id == helper.id or not _was_asked(session, helper, row):
        return over(_GONE)
    if row.state is EscalationState.CLOSED:
        return over(
            _("How this ended is recorded. If nobody was reached, the clinical director goes on. Thank you.")
        )
    if row.state is EscalationState.ACKED and row.acked_by != helper.id:
        return over(_("Somebody else has taken this and makes the call. Thank you."))
    question = open_question(session, helper.id, row.id, "escalation", "welfare")
    shown: dict[str, Any] = {
        "level": LEVELS[row.level],
        "welfare": row.welfare,
        "opened": spoken(row.opened_at, helper.zone),
        "code": question.code if question else None,
        "lines": lines(session, row.agency),
    }
    if row.state is EscalationState.OPEN:
        by = question.deadline if question else None
        shown |= {
            "by": spoken(by, helper.zone) if by else None,
            "buttons": buttons(question, {"1": _("I take it and call"), "0": _("Not now, ask the next")}),
        }
        return Section("sections/escalation_open.html", shown, row.id)
    shown |= {
        "by": spoken(row.voice_by, helper.zone) if row.voice_by else None,
        "buttons": buttons(question, REPORT_LABELS),
        **_whom(session, row, helper),
    }
    return Section("sections/escalation_mine.html", shown, row.id)


def _meetings(session: Session, helper: Person, incident: Incident, now: datetime) -> list[dict[str, Any]]:
    return [
        brief(session, helper, incident, item)
        for item in session_rows.of_incident(session, incident.id)
        if item.state is SessionState.APPROVED and item.starts_at is not None and item.starts_at > now
    ]


def _persons(session: Session, helper: Person, incident: Incident, *, every: bool) -> list[dict[str, Any]]:
    """Whom this helper looks after; once it was called off, only whom they are still to call."""
    found = [
        _person(session, helper, incident, item)
        for item in people.looked_after(session, helper.id, incident.id)
        if item.status is not PersonStatus.DECEASED
    ]
    return [one for one in found if every or one["open"]]


def _person(session: Session, helper: Person, incident: Incident, person: Person) -> dict[str, Any]:
    question = session.scalars(
        select(Question)
        .where(
            Question.person_id == helper.id,
            Question.about_id == person.id,
            Question.incident_id == incident.id,
            Question.kind == "contact_report",
        )
        .order_by(Question.asked_at.desc())
    ).first()
    waits = question if question is not None and question.state == "open" else None
    return {
        "id": person.id,
        "name": person.name,
        "phone": person.phone if person.frozen_at is None else None,
        "by": _spoken(waits.deadline, helper) if waits else None,
        "due": waits.deadline if waits else None,
        "open": waits is not None,
        "code": question.code if question else None,
        "reported": question is not None and waits is None,
        "next": _spoken(_next_call(session, incident, person), helper),
        "buttons": buttons(waits, REPORT_LABELS),
        "question": question.id if question else None,
        "worried": _is_worried_about(session, person),
        "offers": offer_list(session, helper, incident, person.id),
        "told_limits": _told_limits(session, helper, person),
        **_handed(session, incident, person),
    }


def _next_call(session: Session, incident: Incident, person: Person) -> datetime | None:
    return session.scalar(
        select(func.min(Step.due_at)).where(
            Step.incident_id == incident.id,
            Step.person_id == person.id,
            Step.kind == StepKind.PEER_TASK,
            Step.state == StepState.PLANNED,
        )
    )


def _told_limits(session: Session, helper: Person, person: Person) -> Said | None:
    """Since when they know the limits of confidentiality; None where they have not been told."""
    given = notices.when_given(session, person)
    return spoken(given.at, helper.zone) if given is not None else None


def _handed(session: Session, incident: Incident, person: Person) -> dict[str, Any]:
    """How handing them over to a clinician stands, and whether they may be handed over now."""
    query = select(Offer.state).where(
        Offer.incident_id == incident.id, Offer.person_id == person.id, Offer.kind == OfferKind.REFERRAL
    )
    state = session.scalar(query.order_by(Offer.since.desc(), Offer.id.desc()).limit(1))
    under_way = state in {OfferState.WANTED, OfferState.TAKEN}
    return {"handed": _HANDED.get(state) if state is not None else None, "may_hand": not under_way}


def _is_worried_about(session: Session, person: Person) -> bool:
    """Whether a clinician is asked about them because a helper is worried."""
    query = select(Escalation.id).where(
        Escalation.person_id == person.id,
        Escalation.reason == "worry",
        Escalation.state != EscalationState.CLOSED,
    )
    return session.scalar(query) is not None


def _whom(session: Session, row: Escalation, helper: Person) -> dict[str, Any]:
    person = session.get(Person, row.person_id) if row.person_id else None
    inbound = session.get(InboundMessage, row.inbound_sid) if row.inbound_sid else None
    number = person.phone if person is not None else (inbound.from_number if inbound else None)
    return {
        "name": person.name if person is not None else None,
        "phone": number,
        "words": inbound.body if inbound is not None else None,
        "worried": row.reason == "worry",
        "asks_who": row.reason == "unread_worry",
        "shared": row.reason == SHARED and _may_know_of_questions(helper),
    }


def _may_know_of_questions(helper: Person) -> bool:
    """That somebody shared the private questions is for the clinician who has the call alone."""
    held = relations([item.role for item in helper.roles], assigned=True)
    shared = {Fact.OWN_PERSON, Fact.SHARED}
    return best_access(held, Datum.SCREENING_SCORE, shared) is Access.YES


def _was_asked(session: Session, helper: Person, row: Escalation) -> bool:
    """By a question of ours, and still in a role that answers."""
    if helper.status is not PersonStatus.ACTIVE:
        return False
    found = session.scalar(
        select(Question.id).where(
            Question.person_id == helper.id,
            Question.subject_id == row.id,
            Question.kind.in_(["escalation", "welfare"]),
        )
    )
    return found is not None


def _spoken(at: datetime | None, helper: Person) -> str | None:
    return spoken(at, helper.zone) if at is not None else None
