"""What the buttons of the pages do, behind a link and after a sign-in alike; each checks whose it is."""

from __future__ import annotations

from sqlalchemy.orm import Session

from cism.domain.escalation import EscalationState
from cism.domain.offer_kinds import OfferKind
from cism.domain.questions import ALLOWED_DIGITS, QuestionKind
from cism.errors import AlreadyDone, BadInput, NotAllowed, NotFound
from cism.services import (
    answers,
    escalation_desk,
    escalations,
    handing_on,
    notices,
    offers,
    people,
    queue,
    response,
    rungs,
    turns,
    warm_hand_over,
    worry,
)
from cism.services.links import Opened
from cism.services.offers import Made
from cism.store.db import now as product_now
from cism.store.tables import Assignment, Escalation, GroupSession, Incident, Person, Question
from cism.web.pages import link_view, offer_sections, other_sections
from cism.web.pages.forms import Form
from cism.web.words import _


def answer(session: Session, opened: Opened, form: Form) -> None:
    """A button: the same as its digit by text."""
    people.lock_person(session, opened.person_id)
    question = session.get(Question, form.one("question"))
    if question is None or question.person_id != opened.person_id:
        message = _("This question is not yours.")
        raise NotAllowed(message)
    digit, number = form.one("digit"), form.one("number")
    if question.state != "open" and question.answer == digit:
        return  # pressed twice
    if digit not in ALLOWED_DIGITS[QuestionKind(question.kind)] or (number and not number.isdecimal()):
        message = _("This answer does not fit the question. Open the page again.")
        raise BadInput(message)
    answers.apply(session, question, digit, int(number[:4]) if number else None, product_now(session))


def handled(session: Session, opened: Opened, form: Form) -> None:
    """The words were read, and the reader has acted."""
    now = product_now(session)
    helper = people.get(session, opened.person_id)
    subject = link_view.subject_of(session, opened, "queue", form.one("subject"))
    shown = other_sections.queue_item(session, helper, subject, now)
    if shown.subject is None:
        raise AlreadyDone  # handled meanwhile, or theirs no longer: the page says which
    queue.handle(session, shown.subject, by=helper.id, now=now)


def take_over(session: Session, opened: Opened, form: Form) -> None:
    """The coordinator takes over; the logging supervisor no longer sees the list."""
    now = product_now(session)
    helper = people.get(session, opened.person_id)
    subject = link_view.subject_of(session, opened, "incident", form.one("subject"))
    shown = other_sections.incident(session, helper, subject, now)
    if shown.subject is None:
        message = _("This is not yours to take over.")
        raise NotAllowed(message)
    response.accept(session, shown.subject, by=helper.id, now=now)


def end_welfare(session: Session, opened: Opened, form: Form) -> None:
    """How the search for somebody ended: met in person, or emergency services asked by a human."""
    subject = link_view.subject_of(session, opened, "escalation", form.one("subject"))
    row = rungs.locked(session, subject) if subject else None
    if row is not None and row.state is EscalationState.CLOSED:
        raise AlreadyDone
    if row is None or row.acked_by != opened.person_id or row.state is not EscalationState.ACKED:
        message = _("Take it first; only who has it says how it ended.")
        raise NotAllowed(message)
    outcome, by_name = form.one("outcome"), form.one("by_name")[:80]
    if outcome == "handed_to_emergency_services":
        if not by_name:
            message = _("Write who asked the emergency services.")
            raise BadInput(message)
        outcome = f"{outcome}:{by_name}"
    helper = people.get(session, opened.person_id)
    escalations.close(session, row, helper, outcome, product_now(session))


def worried(session: Session, opened: Opened, form: Form) -> None:
    """The same as 7 by text."""
    question = session.get(Question, form.one("question"))
    if question is None or question.person_id != opened.person_id or question.about_id is None:
        message = _("This question is not yours.")
        raise NotAllowed(message)
    helper = people.lock_person(session, opened.person_id)
    worry.about(session, helper, question, product_now(session))


def offered(session: Session, opened: Opened, form: Form) -> None:
    """Something was offered; what they do with it is theirs."""
    reader = people.lock_person(session, opened.person_id)
    how = form.one("how")
    if how not in set(Made) or offer_sections.refused(session, reader, form.one("offer")):
        message = _("This offer is not yours to make, or has been made.")
        raise NotAllowed(message)
    offers.make(session, form.one("offer"), Made(how), by=reader.id, now=product_now(session))


def hand_over(session: Session, opened: Opened, form: Form) -> None:
    """A person agreed that a clinician takes over from their peer."""
    helper = people.lock_person(session, opened.person_id)
    subject = link_view.subject_of(session, opened, "assignment", form.one("subject"))
    person, part = _theirs(session, helper, subject, form.one("person"))
    row = people.lock_incident(session, part.incident_id)
    turns.refer(session, row, person.id, by=helper.id, now=product_now(session), to=OfferKind.REFERRAL)


def limits_told(session: Session, opened: Opened, form: Form) -> None:
    """A peer told somebody whom they look after the limits of confidentiality, in the agency's words."""
    helper = people.lock_person(session, opened.person_id)
    subject = link_view.subject_of(session, opened, "assignment", form.one("subject"))
    person, _part = _theirs(session, helper, subject, form.one("person"))
    notices.given(session, person, notices.ALOUD, product_now(session))


def limits_read_out(session: Session, opened: Opened, form: Form) -> None:
    """The leader of a meeting read the limits out before it began; of nobody that they were there."""
    now = product_now(session)
    leader = people.lock_person(session, opened.person_id)
    subject = link_view.subject_of(session, opened, "session", form.one("subject"))
    shown = offer_sections.meeting(session, leader, subject, now)
    if shown.subject is None or not shown.values["leads"]:
        message = _("Whoever leads the meeting says so.")
        raise NotAllowed(message)
    row = session.get_one(GroupSession, shown.subject)
    agency = session.get_one(Incident, row.incident_id).agency
    notices.read_out(session, row, agency, leader, now)


def take(session: Session, opened: Opened, form: Form) -> None:
    """Take an escalation that they see, whether or not they were asked by text."""
    helper = people.lock_person(session, opened.person_id)
    row, asked = _escalation(session, helper, opened.subject_id or form.one("subject"))
    if not escalation_desk.may_take(helper, asked=asked):
        message = _("This is not yours to take.")
        raise NotAllowed(message)
    theirs = row.acked_by in {None, helper.id} or handing_on.giver(session, row, helper.id) is not None
    if row.state is EscalationState.CLOSED or not theirs:
        raise AlreadyDone  # somebody was first: the page says so
    escalations.acknowledge(session, row, helper, product_now(session))


def hand_on(session: Session, opened: Opened, form: Form) -> None:
    """Ask a colleague to take it over; it stays theirs until the colleague says yes."""
    holder = people.lock_person(session, opened.person_id)
    row, _asked = _escalation(session, holder, opened.subject_id or "")
    warm_hand_over.ask(session, row, holder, form.one("colleague"), product_now(session))


def _escalation(session: Session, reader: Person, escalation_id: str) -> tuple[Escalation, bool]:
    """The row, held, where this reader sees it; and whether they were asked. NotFound else."""
    found = escalation_desk.find(session, reader, escalation_id)
    if found is None:
        raise NotFound
    return rungs.locked(session, found.id), escalation_desk.was_asked(session, reader, found)


def _theirs(session: Session, helper: Person, subject: str | None, wanted: str) -> tuple[Person, Assignment]:
    """Somebody whom this helper looks after in the assignment, or a refusal."""
    part = session.get(Assignment, subject or "")
    mine = people.looked_after(session, helper.id, part.incident_id) if part is not None else []
    found = next((one for one in mine if one.id == wanted), None)
    if part is None or found is None:
        message = _("This person is not yours to look after.")
        raise NotAllowed(message)
    return found, part
