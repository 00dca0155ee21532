"""One incident as a picture: past and planned, each against its window; counts and times, nobody by name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cism.domain.offer_kinds import OfferKind
from cism.domain.plan import StepKind, StepState
from cism.services import offer_rows, sessions
from cism.services.overdue import DUE_STEP
from cism.store.states import AssignmentState, OfferState, SessionState
from cism.store.tables import Assignment, Incident, Step


class Lane(StrEnum):
    """What stands on one line of the picture."""

    TEAM = "team"
    CHECK_INS = "check_ins"
    CALLS = "calls"
    MEETINGS = "meetings"
    OFFERS = "offers"


class Standing(StrEnum):
    """How something on the picture stands."""

    DONE = "done"
    PLANNED = "planned"
    LATE = "late"  # its moment has passed, and it may still happen
    MISSED = "missed"  # it did not happen in its time
    OFF = "off"  # it is not to happen


@dataclass(frozen=True, slots=True)
class Item:
    """Something that happened or is to happen `at` a moment, within a window where it has one.

    `name` is a point of the plan, a kind of meeting or offer, or a move of the team. `count`: how many of it.
    """

    lane: Lane
    name: str
    standing: Standing
    at: datetime
    begins: datetime | None = None
    ends: datetime | None = None
    count: int = 1


_OF_STEP: Final = {
    StepState.DONE: Standing.DONE,
    StepState.PLANNED: Standing.PLANNED,
    StepState.EXPIRED: Standing.MISSED,
}
_OF_MEETING: Final = {
    SessionState.PROPOSED: Standing.PLANNED,
    SessionState.APPROVED: Standing.PLANNED,
    SessionState.HELD: Standing.DONE,
    SessionState.LAPSED: Standing.MISSED,
}
_OF_OFFER: Final = {
    OfferState.BLOCKED: Standing.OFF,
    OfferState.CANCELLED: Standing.OFF,
    OfferState.DONE: Standing.DONE,
}
_LANES: Final = {StepKind.CONTACT: Lane.CHECK_INS, StepKind.PEER_TASK: Lane.CALLS}


def began(row: Incident) -> datetime:
    """From when the picture counts: the earliest end of exposure, else what is known of the event."""
    ends = [item.exposure_end for item in row.affected if item.exposure_end is not None]
    known = [*ends, *([row.ended_at] if row.ended_at else [])]
    return min(known, default=row.occurred_at or row.logged_at)


def items(session: Session, row: Incident, now: datetime) -> list[Item]:
    """Everything on the picture, in order of time within each lane."""
    found = [
        *_team(session, row),
        *_contacts(session, row, now),
        *_meetings(session, row, now),
        *_offers(session, row, now),
    ]
    return sorted(found, key=lambda item: (list(Lane).index(item.lane), item.at, item.name))


def _team(session: Session, row: Incident) -> Iterator[Item]:
    yield Item(Lane.TEAM, "logged", Standing.DONE, row.logged_at)
    if row.accepted_at is not None:
        yield Item(Lane.TEAM, "taken_over", Standing.DONE, row.accepted_at)
    joined = session.scalars(
        select(Assignment.changed_at).where(
            Assignment.incident_id == row.id, Assignment.state == AssignmentState.ACCEPTED
        )
    )
    yield from (Item(Lane.TEAM, "joined", Standing.DONE, at) for at in joined)
    if row.closed_at is not None:
        yield Item(Lane.TEAM, "ended", Standing.DONE, row.closed_at)


def _contacts(session: Session, row: Incident, now: datetime) -> Iterator[Item]:
    """Points of the plan, however many people they are for: one line of counts each."""
    point = Step.payload["point"].as_string().label("point")
    when = func.coalesce(Step.done_at, Step.due_at)
    query = (
        select(
            Step.kind,
            point,
            Step.state,
            func.count(),
            func.min(when),
            func.min(Step.due_at),
            func.max(func.coalesce(Step.expires_at, Step.due_at)),
            func.min(Step.due_at).filter(Step.due_at < now - DUE_STEP),
        )
        .where(Step.incident_id == row.id, Step.kind.in_(list(_LANES)), Step.state.in_(list(_OF_STEP)))
        .group_by(Step.kind, point, Step.state)
    )
    for kind, name, state, count, at, begins, ends, late in session.execute(query):
        standing = _OF_STEP[state]
        if standing is Standing.PLANNED and late is not None:
            standing = Standing.LATE
        yield Item(_LANES[kind], name or "", standing, at, begins, ends, count)


def _meetings(session: Session, row: Incident, now: datetime) -> Iterator[Item]:
    for one in sessions.of_incident(session, row.id):
        at = one.starts_at or one.window_from
        if at is None:
            continue
        standing = _OF_MEETING.get(one.state, Standing.OFF)
        if standing is Standing.PLANNED and one.window_to is not None and one.window_to < now:
            standing = Standing.LATE
        yield Item(Lane.MEETINGS, one.kind, standing, at, one.window_from, one.window_to)


def _offers(session: Session, row: Incident, now: datetime) -> Iterator[Item]:
    """That they were made, by kind: what came of one is no line here."""
    groups: dict[tuple[str, Standing], list[tuple[datetime, datetime, datetime]]] = {}
    for one in offer_rows.of_incident(session, row.id):
        standing = _of_offer(one.state, one.by_at, now, made=one.offered_at is not None)
        at = one.offered_at or one.by_at
        groups.setdefault((one.kind, standing), []).append((at, one.due_at, one.by_at))
    for (kind, standing), moments in groups.items():
        at, begins, ends = min(moments)[0], min(m[1] for m in moments), max(m[2] for m in moments)
        yield Item(Lane.OFFERS, OfferKind(kind).value, standing, at, begins, ends, len(moments))


def _of_offer(state: OfferState, by: datetime, now: datetime, *, made: bool) -> Standing:
    if made:
        return Standing.DONE
    planned = Standing.PLANNED if by >= now else Standing.LATE
    return _OF_OFFER.get(state, planned)
