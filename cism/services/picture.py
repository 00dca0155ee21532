"""One incident as a picture: past and planned, each against its window; counts and times, nobody by name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cism.domain.offer_kinds import OfferKind
from cism.domain.plan import StepKind, StepState
from cism.services import calls_made, contact_plan, offer_rows, session_rows, session_standing
from cism.services.calls_made import Stage
from cism.services.contact_rules import TOO_LATE
from cism.services.overdue import DUE_STEP
from cism.store.states import AssignmentState, OfferState, SessionState
from cism.store.tables import Assignment, GroupSession, Incident, Step


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
    ASKED = "asked"  # somebody has it, and nothing is known of it yet
    PLANNED = "planned"
    LATE = "late"  # its moment has passed, and it may still happen
    MISSED = "missed"  # it did not happen in its time
    OFF = "off"  # it is not to happen


@dataclass(frozen=True, slots=True)
class Item:
    """Something that happened or is to happen `at` a moment, within a window where it has one.

    `name` is a point of the plan, a kind of meeting or offer, or a move of the team. `count`: how many of it.
    `how` says more than the standing does: a call's stage, a meeting's state, what came of a check-in.
    """

    lane: Lane
    name: str
    standing: Standing
    at: datetime
    begins: datetime | None = None
    ends: datetime | None = None
    count: int = 1
    how: str = ""


BY_PEER: Final = "by_peer"  # a check-in that a peer makes by voice, because no text may go
UNREPORTED: Final = "unreported"  # a meeting that is over, and whose leader has not said how many came
TO_PUT: Final = "to_put"  # a meeting that no clinician has been asked about yet
_OF_CALL: Final = {
    Stage.TO_COME: Standing.PLANNED,
    Stage.BEHIND: Standing.LATE,
    Stage.ASKED: Standing.ASKED,
    Stage.LATE: Standing.LATE,
    Stage.REPORTED: Standing.DONE,
    Stage.IN_CHARGE: Standing.ASKED,
    Stage.SEEN_TO: Standing.DONE,
    Stage.PASSED: Standing.MISSED,
}
# What came of a check-in whose time came; whatever is not here was moved, or was not needed any more.
_OF_CHECK_IN: Final = {
    contact_plan.SENT: (Standing.DONE, ""),
    contact_plan.MERGED: (Standing.DONE, ""),
    contact_plan.TO_PEER: (Standing.DONE, BY_PEER),
    TOO_LATE: (Standing.MISSED, ""),
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


def began(row: Incident) -> datetime:
    """From when the picture counts: the earliest end of exposure, else what is known of the event."""
    ends = [item.exposure_end for item in row.affected if item.exposure_end is not None]
    known = [*ends, *([row.ended_at] if row.ended_at else [])]
    return min(known, default=row.occurred_at or row.logged_at)


def items(session: Session, row: Incident, now: datetime) -> list[Item]:
    """Everything on the picture, in order of time within each lane."""
    found = [
        *_team(session, row),
        *_check_ins(session, row, now),
        *_calls(session, row, now),
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


def _check_ins(session: Session, row: Incident, now: datetime) -> Iterator[Item]:
    """Points of the plan, however many people they are for: one line of counts each."""
    point = Step.payload["point"].as_string().label("point")
    when = func.coalesce(Step.done_at, Step.due_at)
    query = (
        select(
            point,
            Step.state,
            Step.outcome,
            func.count(),
            func.min(when),
            func.min(Step.due_at),
            func.max(func.coalesce(Step.expires_at, Step.due_at)),
            func.min(Step.due_at).filter(Step.due_at < now - DUE_STEP),
        )
        .where(
            Step.incident_id == row.id,
            Step.kind == StepKind.CONTACT,
            Step.state.in_([StepState.PLANNED, StepState.DONE, StepState.EXPIRED]),
        )
        .group_by(point, Step.state, Step.outcome)
    )
    found: dict[tuple[str, Standing, str], Item] = {}
    for name, state, outcome, count, at, begins, ends, late in session.execute(query):
        standing, how = _of_check_in(state, outcome, late=late is not None)
        if standing is not None:
            item = Item(Lane.CHECK_INS, name or "", standing, at, begins, ends, count, how)
            key = (item.name, standing, how)
            found[key] = _together(found[key], item) if key in found else item
    yield from found.values()


def _of_check_in(state: StepState, outcome: str | None, *, late: bool) -> tuple[Standing | None, str]:
    if state is StepState.DONE:
        return _OF_CHECK_IN.get(outcome or "", (None, ""))
    if state is StepState.EXPIRED:
        return Standing.MISSED, ""
    return (Standing.LATE if late else Standing.PLANNED), ""


def _calls(session: Session, row: Incident, now: datetime) -> Iterator[Item]:
    """What peers report of their calls, or have not: one line of counts for each point and stage."""
    found: dict[tuple[str, Stage], Item] = {}
    for one in calls_made.of_incident(session, row.id, now):
        key = (one.point, one.stage)
        item = Item(
            Lane.CALLS, one.point, _OF_CALL[one.stage], one.at, one.begins, one.ends, how=one.stage.value
        )
        found[key] = _together(found[key], item) if key in found else item
    yield from found.values()


def _together(one: Item, other: Item) -> Item:
    """Two of the same as one: since the first of them, until the last."""
    begins = min(moment for moment in (one.begins, other.begins) if moment) if one.begins else other.begins
    ends = max((moment for moment in (one.ends, other.ends) if moment), default=None)
    at, count = min(one.at, other.at), one.count + other.count
    return replace(one, at=at, begins=begins, ends=ends, count=count)


def _meetings(session: Session, row: Incident, now: datetime) -> Iterator[Item]:
    to_put = session_standing.to_put(session, [row.id])
    for one in session_rows.of_incident(session, row.id):
        at = one.starts_at or one.window_from
        if at is None:
            continue
        standing, how = _of_meeting(one, now, put=one.id not in to_put)
        yield Item(Lane.MEETINGS, one.kind, standing, at, one.window_from, one.window_to, how=how)


def _of_meeting(one: GroupSession, now: datetime, *, put: bool) -> tuple[Standing, str]:
    standing, how = _OF_MEETING.get(one.state, Standing.OFF), one.state.value
    if one.state is SessionState.PROPOSED and not put:
        how = TO_PUT
    if session_standing.unreported(one.state, one.ends_at, now):
        late = session_standing.report_late(one.ends_at, now)
        return (Standing.LATE if late else Standing.ASKED), UNREPORTED
    if standing is Standing.PLANNED and one.window_to is not None and one.window_to < now:
        standing = Standing.LATE
    return standing, how


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
