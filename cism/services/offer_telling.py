"""Who makes an offer, and the one text that puts several of them before one reader."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from cism.domain.plan import StepKind
from cism.domain.quiet_hours import next_open
from cism.services import events, in_charge, notify, people, questions, steps
from cism.services.contact_rules import hours, open_now
from cism.services.offer_rows import (
    CHARGE,
    PEER,
    TO_MAKE,
    is_peers,
    move,
    not_needed,
    of_incident,
    one_step,
    peer_of,
    rule_of,
)
from cism.store.states import OfferState
from cism.store.tables import Incident, Offer, Person

_TOGETHER = timedelta(hours=1)  # design: what falls due so soon is said in the same text
_MOMENT = timedelta(hours=4)  # design: what is overdue is asked for by then


def overdue(session: Session, row: Incident, offer: Offer, now: datetime) -> str:
    """Not made in time: those in charge hear of it, once more where it was theirs already."""
    if not_needed(session, row, offer):
        move(session, offer, OfferState.CANCELLED, now)
        return "not needed"
    events.record(session, "offer.overdue", now, incident_id=row.id, subject_id=offer.id, after=offer.kind)
    for other in of_incident(session, row.id):  # what is overdue with it stands in the same text
        if other.state is OfferState.OPEN and other.by_at <= now and not not_needed(session, row, other):
            other.told, other.told_to = CHARGE, None
    return to_charge(session, row, offer, now)


def to_charge(session: Session, row: Incident, offer: Offer, now: datetime) -> str:
    """It is for those in charge from here."""
    offer.told, offer.told_to = CHARGE, None
    session.flush()
    return tell(session, row, offer, now)


def tell(session: Session, row: Incident, offer: Offer, now: datetime) -> str:
    """One text to each who makes it, in their open hours unless it cannot wait."""
    readers = makers(session, row, offer)
    rule = rule_of(row, offer)
    awake = [one for one in readers if rule.at_once or open_now(one, now)]
    if readers and not awake:
        due = min(next_open(now, *hours(one)) for one in readers)
        key = f"offer:{offer.id}@{int(due.timestamp())}"
        kind = StepKind.OFFER_DEADLINE if offer.told == CHARGE else StepKind.OFFER
        steps.plan(session, [one_step(kind, offer, due, key, tell=1)])
        return "moved to open hours"
    for reader in awake:
        _remind(session, row, offer, reader, now)
    return f"told {len(awake)}"


def makers(session: Session, row: Incident, offer: Offer) -> list[Person]:
    """Who makes it: the person's peer, or those in charge: who took over before the others."""
    peer = peer_of(session, row, offer)
    if offer.told != CHARGE and rule_of(row, offer).by == PEER and peer is not None:
        return [peer]
    if row.accepted_by is not None:
        one = people.get(session, row.accepted_by)
        if people.reachable(one) and all(item.person_id != one.id for item in row.affected):
            return [one]
    return in_charge.in_charge(session, row)


def _remind(session: Session, row: Incident, offer: Offer, reader: Person, now: datetime) -> None:
    listed = _together(session, row, offer, reader, now)
    earliest = min(one.by_at for one in listed)
    by = earliest if earliest > now else now + _MOMENT
    question = questions.ask(
        session,
        person_id=reader.id,
        kind="offers",
        now=now,
        incident_id=row.id,
        subject_id=row.id,
        deadline=by,
    )
    notify.offers_due(session, reader, question, len(listed), by, now)
    for one in listed:
        if one.told is None:
            one.told = PEER if peer_of(session, row, one) is reader and is_peers(row, one) else CHARGE
            one.told_to = reader.id if one.told == PEER else None


def _together(
    session: Session, row: Incident, offer: Offer, reader: Person, now: datetime
) -> Sequence[Offer]:
    """This one, and what else is this reader's to make by now or very soon."""
    return [
        one
        for one in of_incident(session, row.id)
        if one is offer
        or (
            one.state in TO_MAKE
            and not not_needed(session, row, one)
            and one.due_at <= now + _TOGETHER
            and any(maker.id == reader.id for maker in makers(session, row, one))
        )
    ]
