"""The rows of offers: how each is made, its moves, and whether it is still needed."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.offer_kinds import OfferKind
from cism.domain.people import PersonStatus
from cism.domain.plan import PlannedStep, StepKind
from cism.domain.protocol import OfferRule
from cism.errors import NotFound
from cism.services import choice, events, people
from cism.store.states import OfferState, SessionState
from cism.store.tables import AffectedPerson, GroupSession, Incident, Offer, Person

PEER, CHARGE = "assigned_peer", "coordinator"
TO_MAKE = (OfferState.OPEN, OfferState.NOBODY)
# design: what somebody asks for is never refused because a protocol does not speak of it
_ASKED: dict[str, OfferRule] = {
    OfferKind.REFERRAL: OfferRule(
        kind=OfferKind.REFERRAL, within=timedelta(days=7), serve=("clinician", "clinical_director")
    ),
    OfferKind.PASTORAL: OfferRule(
        kind=OfferKind.PASTORAL, within=timedelta(days=2), by="assigned_peer", serve=("chaplain",)
    ),
}


def of_incident(session: Session, incident_id: str) -> list[Offer]:
    """Every offer of an incident, those that are not made with their reason."""
    query = select(Offer).where(Offer.incident_id == incident_id)
    return list(session.scalars(query.order_by(Offer.since, Offer.by_at, Offer.key)))


def get(session: Session, offer_id: str) -> Offer:
    """The offer by that id."""
    offer = session.get(Offer, offer_id)
    if offer is None:
        message = f"there is no offer {offer_id!r}; `cism offers REF` lists an incident's offers"
        raise NotFound(message)
    return offer


def rule_of(row: Incident, offer: Offer) -> OfferRule:
    """How the protocol that the incident began with has it made."""
    each = "person" if offer.person_id else "session" if offer.session_id else "incident"
    rules = [rule for rule in choice.protocol_of(row).offers if rule.kind == offer.kind]
    exact = [rule for rule in rules if rule.each == each]
    return exact[0] if exact else rules[0] if rules else _ASKED[offer.kind]


def not_needed(session: Session, row: Incident, offer: Offer) -> bool:
    """The person ended this or died, the session did not take place."""
    if offer.person_id is not None:
        item = next((one for one in row.affected if one.person_id == offer.person_id), None)
        person = people.get(session, offer.person_id)
        return item is None or item.ended_at is not None or person.status is PersonStatus.DECEASED
    if offer.session_id is not None:
        state = session.get_one(GroupSession, offer.session_id).state
        return state not in {SessionState.APPROVED, SessionState.HELD}
    return False


def move(session: Session, offer: Offer, state: OfferState, now: datetime, by: str | None = None) -> None:
    """Every move is an event."""
    events.record(
        session,
        "offer.moved",
        now,
        incident_id=offer.incident_id,
        subject_id=offer.id,
        actor_id=by,
        before=f"{offer.kind}: {offer.state.value}"[:40],
        after=state.value,
    )
    offer.state = state
    if state in {OfferState.DONE, OfferState.CANCELLED}:
        offer.closed_at = now


def both_steps(offer: Offer, due: datetime, by: datetime, mark: str = "") -> list[PlannedStep]:
    """Its moment, and until when it is made or taken; `mark` tells a second round apart."""
    return [
        one_step(StepKind.OFFER, offer, due, f"offer:{offer.id}{mark}"),
        one_step(StepKind.OFFER_DEADLINE, offer, by, f"offer-by:{offer.id}{mark}"),
    ]


def one_step(kind: StepKind, offer: Offer, due: datetime, key: str, **payload: str | int) -> PlannedStep:
    """One step about an offer."""
    return PlannedStep(
        kind=kind,
        due_at=due,
        key=key,
        incident_id=offer.incident_id,
        person_id=offer.person_id,
        subject_id=offer.id,
        payload=payload,
    )


def peer_of(session: Session, row: Incident, offer: Offer) -> Person | None:
    """Who looks after the person that it is offered to."""
    item: AffectedPerson | None = next(
        (one for one in row.affected if one.person_id == offer.person_id), None
    )
    return people.get(session, item.peer_id) if item is not None and item.peer_id else None


def is_peers(row: Incident, offer: Offer) -> bool:
    """Whether the person's peer makes it."""
    return rule_of(row, offer).by == PEER
