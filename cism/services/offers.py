"""Offers beside the groups: written down, put before whoever makes them, and kept as made.

Of a person it is kept that something was offered. What they do with it is theirs, but for the employer's acts
such as relief from duty (domain.md 7.3, 7.5).
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.access import Act, may_do
from cism.domain.offer_kinds import EMPLOYERS, OfferKind
from cism.domain.offers import OfferBlocked, OfferPlan, plan_offers
from cism.domain.plan import PlannedStep
from cism.errors import AlreadyDone, BadInput
from cism.services import choice, notify, people, questions, steps
from cism.services.offer_rows import (
    CHARGE,
    PEER,
    TO_MAKE,
    both_steps,
    get,
    move,
    not_needed,
    of_incident,
    rule_of,
)
from cism.services.offer_telling import tell, to_charge
from cism.store.states import OfferState, SessionState
from cism.store.tables import GroupSession, Incident, Offer, Person, Question, Step

_ASKED_FOR = (OfferState.OPEN, OfferState.WANTED)


class Made(StrEnum):
    """What became of an offer when it was made."""

    MADE = "made"  # whatever they do with it
    WANTED = "wanted"  # they want it: whoever does it is asked
    ACCEPTED = "accepted"  # an employer's act alone
    DECLINED = "declined"  # an employer's act alone


def planned_steps(session: Session, row: Incident, now: datetime) -> list[PlannedStep]:
    """Write down every offer that this incident calls for; planning again adds only what is new."""
    if not choice.protocol_of(row).offers:
        return []
    affected = people.by_ids(session, [item.person_id for item in row.affected])
    plans = plan_offers(
        people.incident_snapshot(row),
        {person_id: people.snapshot(item) for person_id, item in affected.items()},
        choice.protocol_of(row),
        now,
        session_ends=_session_ends(session, row),
    )
    known = {offer.key: offer for offer in of_incident(session, row.id)}
    found: list[PlannedStep] = []
    for plan in plans:
        offer = _written(session, row, plan, known.get(plan.key), now)
        if offer is not None and offer.state is not OfferState.BLOCKED:
            found += both_steps(offer, plan.due_at, plan.by_at)
    return found


def on_offer(session: Session, step: Step, now: datetime) -> str | None:
    """Remind whoever makes it of this offer and of what else they have to make; one text for all of it."""
    row = people.lock_incident(session, step.incident_id or "")
    offer = get(session, step.subject_id or "")
    if offer.state not in TO_MAKE or offer.told is not None:
        return offer.state.value
    if not_needed(session, row, offer):
        move(session, offer, OfferState.CANCELLED, now)
        return "not needed"
    return tell(session, row, offer, now)


def answer(session: Session, question: Question, digit: str, now: datetime) -> None:
    """1: all of them were offered. 0: a peer passes, and those in charge make them."""
    row = people.lock_incident(session, question.incident_id or "")
    reader = people.get(session, question.person_id)
    questions.answer(session, question, digit, now)
    mine = [one for one in of_incident(session, row.id) if one.state in TO_MAKE and _told(one, reader)]
    for offer in mine:
        if digit == "1":
            make(session, offer.id, Made.MADE, by=reader.id, now=now)
        elif offer.told_to == reader.id:
            to_charge(session, row, offer, now)
    if digit == "1":
        session.flush()
        _close_others(session, row, now)
    notify.noted(session, reader, question, now)


def make(session: Session, offer_id: str, how: Made, *, by: str | None, now: datetime) -> Offer:
    """Keep that it was offered, by whom and when; a wish for it has somebody asked at once.

    Raises AlreadyDone where it is not to be made any more, BadInput where `how` does not fit its kind.
    """
    offer = get(session, offer_id)
    row = people.lock_incident(session, offer.incident_id)
    session.refresh(offer)  # it may have been made while the row was waited for
    if offer.state not in {*TO_MAKE, OfferState.OFFERED}:
        message = f"this offer is {offer.state.value} already"
        raise AlreadyDone(message)
    if how in {Made.ACCEPTED, Made.DECLINED}:
        if OfferKind(offer.kind) not in EMPLOYERS:
            message = "whether this was accepted is theirs and is not kept: say made, or wanted"
            raise BadInput(message)
        offer.accepted = how is Made.ACCEPTED
    if offer.offered_at is None:
        offer.offered_at, offer.offered_by = now, by
    if how is Made.WANTED:
        _wanted(session, row, offer, now)
    else:
        move(session, offer, OfferState.DONE if offer.state is OfferState.NOBODY else OfferState.OFFERED, now)
    return offer


def call_off(session: Session, row: Incident, now: datetime) -> None:
    """The incident ended: what was not made or done is not needed any more."""
    over = {OfferState.BLOCKED, OfferState.OFFERED, OfferState.DONE, OfferState.CANCELLED}
    for offer in of_incident(session, row.id):
        if offer.state not in over:
            move(session, offer, OfferState.CANCELLED, now)


def waiting_for(session: Session, row: Incident, reader: Person) -> list[Offer]:
    """What this reader may make: of their own persons, or of all where they are in charge."""
    affected = any(item.person_id == reader.id for item in row.affected)
    if _in_charge(reader, affected=affected):
        return [one for one in of_incident(session, row.id) if one.state in TO_MAKE]
    mine = {item.person_id for item in row.affected if item.peer_id == reader.id}
    return [
        one
        for one in of_incident(session, row.id)
        if one.state in {*TO_MAKE, OfferState.OFFERED}
        and one.person_id in mine
        and rule_of(row, one).by == PEER
    ]


def _session_ends(session: Session, row: Incident) -> dict[str, datetime]:
    query = select(GroupSession.id, GroupSession.ends_at).where(
        GroupSession.incident_id == row.id,
        GroupSession.state.in_([SessionState.APPROVED, SessionState.HELD]),
        GroupSession.ends_at.is_not(None),
    )
    return {session_id: end for session_id, end in session.execute(query) if end is not None}


def _written(
    session: Session, row: Incident, plan: OfferPlan, known: Offer | None, now: datetime
) -> Offer | None:
    if known is not None and known.state is not OfferState.BLOCKED:
        if plan.blocked is OfferBlocked.SCENE_OVER and known.state in _ASKED_FOR:
            questions.close(session, state="expired", now=now, subject_id=known.id)
            known.reason = plan.blocked.value
            move(session, known, OfferState.CANCELLED, now)
        return None  # planned before; what was promised stays
    direct = plan.rule.by is None or plan.formal
    state = OfferState.WANTED if direct else OfferState.OPEN
    offer = known or Offer(incident_id=row.id, key=plan.key, kind=plan.kind.value, state=OfferState.BLOCKED)
    offer.person_id, offer.session_id = plan.person_id, plan.session_id
    offer.since, offer.due_at, offer.by_at = plan.since, plan.due_at, plan.by_at
    offer.reason = plan.blocked.value if plan.blocked else None
    session.add(offer)
    session.flush()
    if plan.blocked is None:
        move(session, offer, state, now)
    return offer


def _told(offer: Offer, reader: Person) -> bool:
    if offer.told == PEER:
        return offer.told_to == reader.id
    return offer.told == CHARGE and _in_charge(reader)


def _in_charge(reader: Person, *, affected: bool = False) -> bool:
    """Whether they make offers of any incident; also by mutual aid, where they were asked."""
    roles = [item.role for item in reader.roles]
    return may_do(roles, Act.MAKE_OFFER, same_agency=True, affected=affected)


def _close_others(session: Session, row: Incident, now: datetime) -> None:
    """The other coordinators need not answer what one of them has answered."""
    left = [one for one in of_incident(session, row.id) if one.state in TO_MAKE and one.told == CHARGE]
    if left:
        return
    still = {one.told_to for one in of_incident(session, row.id) if one.state in TO_MAKE and one.told_to}
    query = select(Question).where(
        Question.kind == "offers", Question.subject_id == row.id, Question.state == "open"
    )
    for other in session.scalars(query).all():
        if other.person_id not in still:
            questions.close(session, state="expired", now=now, subject_id=row.id, person_id=other.person_id)


def _wanted(session: Session, row: Incident, offer: Offer, now: datetime) -> None:
    rule = rule_of(row, offer)
    if not rule.serve:
        message = "nobody is asked for this kind of offer: say made"
        raise BadInput(message)
    move(session, offer, OfferState.WANTED, now)
    offer.by_at = max(offer.by_at, now + rule.ack * len(rule.serve))
    steps.plan(session, both_steps(offer, now, offer.by_at, f":{now.timestamp():.3f}"))
