"""Buttons about offers behind a link: it was offered, it is wanted, this person is handed over."""

from __future__ import annotations

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from cism.domain.offer_kinds import OfferKind
from cism.errors import NotAllowed
from cism.services import notices, offers, people, turns
from cism.services.links import Opened
from cism.services.offers import Made
from cism.store.db import now as product_now
from cism.store.tables import Assignment, Person
from cism.web.pages import link_view, offer_sections
from cism.web.pages.forms import Form
from cism.web.pages.links import act_once
from cism.web.words import _

router = APIRouter(include_in_schema=False)


@router.post("/a/{secret}/offer")
async def offered(request: Request, secret: str) -> Response:
    """Something was offered; what they do with it is theirs."""

    def work(session: Session, opened: Opened, form: Form) -> None:
        reader = people.lock_person(session, opened.person_id)
        how = form.one("how")
        if how not in set(Made) or offer_sections.refused(session, reader, form.one("offer")):
            message = _("This offer is not yours to make, or has been made.")
            raise NotAllowed(message)
        offers.make(session, form.one("offer"), Made(how), by=reader.id, now=product_now(session))

    return await act_once(request, secret, work, "make offer")


@router.post("/a/{secret}/refer")
async def hand_over(request: Request, secret: str) -> Response:
    """A person agreed that a clinician takes over from their peer."""

    def work(session: Session, opened: Opened, form: Form) -> None:
        helper = people.lock_person(session, opened.person_id)
        subject = link_view.subject_of(session, opened, "assignment", form.one("subject"))
        person, part = _theirs(session, helper, subject, form.one("person"))
        row = people.lock_incident(session, part.incident_id)
        turns.refer(session, row, person.id, by=helper.id, now=product_now(session), to=OfferKind.REFERRAL)

    return await act_once(request, secret, work, "hand over")


@router.post("/a/{secret}/limits")
async def limits_told(request: Request, secret: str) -> Response:
    """A peer told somebody whom they look after the limits of confidentiality, in the agency's words."""

    def work(session: Session, opened: Opened, form: Form) -> None:
        helper = people.lock_person(session, opened.person_id)
        subject = link_view.subject_of(session, opened, "assignment", form.one("subject"))
        person, _part = _theirs(session, helper, subject, form.one("person"))
        notices.given(session, person, notices.ALOUD, product_now(session))

    return await act_once(request, secret, work, "tell limits")


def _theirs(session: Session, helper: Person, subject: str | None, wanted: str) -> tuple[Person, Assignment]:
    """Somebody whom this helper looks after in the assignment, or a refusal."""
    part = session.get(Assignment, subject or "")
    mine = people.looked_after(session, helper.id, part.incident_id) if part is not None else []
    found = next((one for one in mine if one.id == wanted), None)
    if part is None or found is None:
        message = _("This person is not yours to look after.")
        raise NotAllowed(message)
    return found, part
