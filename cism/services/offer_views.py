"""What is shown of offers: that they were made; what came of them only where that is no secret."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from cism.domain.offer_kinds import EMPLOYERS, OfferKind
from cism.domain.offers import instead_of
from cism.services import offer_rows
from cism.services.clockwork import stamp
from cism.store.states import OfferState
from cism.store.tables import Incident, Offer

_THEIRS = frozenset({OfferState.WANTED, OfferState.TAKEN, OfferState.DONE})


def shown_state(offer: Offer) -> str:
    """To those in charge a person's offer was made or is to be made: whether it was taken is the person's."""
    if offer.person_id is not None and offer.state in _THEIRS:
        return OfferState.OFFERED.value
    return offer.state.value


def listed(session: Session, row: Incident) -> list[tuple[Offer, dict[str, Any]]]:
    """Every offer of an incident as those in charge may see it, with how long it took and whether in time."""
    return [(offer, _shown(offer)) for offer in offer_rows.of_incident(session, row.id)]


def _shown(offer: Offer) -> dict[str, Any]:
    took = offer.offered_at - offer.since if offer.offered_at is not None else None
    instead = instead_of(OfferKind(offer.kind)) if offer.state is OfferState.BLOCKED else None
    return {
        "id": offer.id,
        "kind": offer.kind,
        "state": shown_state(offer),
        "reason": offer.reason,
        "instead": instead.value if instead is not None and offer.reason != "kin_not_told" else None,
        "by": stamp(offer.by_at),
        "offered_at": stamp(offer.offered_at) if offer.offered_at is not None else None,
        "minutes": int(took.total_seconds() // 60) if took is not None else None,
        "in_time": offer.offered_at <= offer.by_at if offer.offered_at is not None else None,
        "accepted": offer.accepted if OfferKind(offer.kind) in EMPLOYERS else None,
    }
