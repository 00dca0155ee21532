"""An incident as JSON, as much of it as the caller's row of the access table shows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cism.domain.access import SUPERVISOR_FIELDS, Datum
from cism.domain.incident import IncidentState
from cism.services import choice, offer_views, people, session_rows
from cism.services.clockwork import stamp
from cism.services.response import OPEN_FOR
from cism.store.db import now
from cism.store.states import AssignmentState
from cism.store.tables import Assignment, Incident, Person
from cism.web.api.rights import Standing

_OVER = frozenset({IncidentState.STOOD_DOWN, IncidentState.HISTORY})


def incident(session: Session, stands: Standing) -> dict[str, Any]:
    """The header for everybody who may know of it; the rest for those in charge."""
    row = stands.row
    shown = {name: header(row, now(session))[name] for name in SUPERVISOR_FIELDS}
    if not stands.in_charge:
        return shown
    shown |= _details(row)
    shown["team"] = _team(session, row)
    if stands.sees(Datum.AFFECTED_ROSTER):
        shown["affected"] = _affected(session, row)
    if stands.sees(Datum.SESSION_TIME_PLACE):
        shown["sessions"] = _sessions(session, row)
    if stands.sees(Datum.OFFER_MADE):
        shown["offers"] = _offers(session, row)
    return shown


def header(row: Incident, at: datetime) -> dict[str, Any]:
    """What a supervisor may see, and nothing else (invariant 6)."""
    return {
        "ref": row.ref,
        "type": row.type,
        "severity": row.severity.value,
        "agency": row.agency,
        "occurred_at": moment(row.occurred_at),
        "logged_at": moment(row.logged_at),
        "state": public_state(row, at),
    }


def public_state(row: Incident, at: datetime) -> str:
    """`offered`, or `closed`: at a stand-down, else when the plan's longest time is over.

    A coordinator may end an incident early, perhaps because everybody declined: that must not show here, so
    the time depends on nobody's answers.
    """
    over = at >= (row.occurred_at or row.logged_at) + OPEN_FOR
    return "closed" if over or row.state in _OVER else "offered"


def moment(at: datetime | None) -> str | None:
    """ISO 8601 in UTC."""
    return stamp(at) if at is not None else None


def _details(row: Incident) -> dict[str, Any]:
    return {
        "id": row.id,
        "state": row.state.value,
        "ended_at": moment(row.ended_at),
        "place_code": row.place_code,
        "protocol": row.protocol,
        "kin_notified": row.kin_notified,
        "funeral_at": moment(row.funeral_at),
        "statements_complete": row.statements_complete,
        "accepted_at": moment(row.accepted_at),
        "closed_at": moment(row.closed_at),
    }


def _team(session: Session, row: Incident) -> dict[str, int]:
    counted = session.execute(
        select(Assignment.state, func.count())
        .where(Assignment.incident_id == row.id)
        .group_by(Assignment.state)
    )
    counts = {state: int(count) for state, count in counted}
    return {
        "needed": choice.team_need(row),
        "accepted": counts.get(AssignmentState.ACCEPTED, 0),
        "asked": sum(counts.values()),
    }


def _affected(session: Session, row: Incident) -> list[dict[str, Any]]:
    known = people.by_ids(session, [item.person_id for item in row.affected])
    return [
        {
            "person_id": roster_key(known[item.person_id], row.agency),
            "circle": item.circle.value,
            "exposure_end": moment(item.exposure_end),
        }
        for item in row.affected
    ]


def roster_key(person: Person, agency: str) -> str:
    """The roster's id, with the agency before it where that is another one."""
    return person.roster_id if person.agency == agency else f"{person.agency}:{person.roster_id}"


def _sessions(session: Session, row: Incident) -> list[dict[str, Any]]:
    return [
        {
            "id": item.id,
            "kind": item.kind,
            "state": item.state.value,
            "reason": item.reason,
            "starts_at": moment(item.starts_at),
            "ends_at": moment(item.ends_at),
            "team_size": item.team_size,
            "headcount": item.headcount,
        }
        for item in session_rows.of_incident(session, row.id)
    ]


def _offers(session: Session, row: Incident) -> list[dict[str, Any]]:
    """What it calls for beside the groups: what was offered to whom; never what a person said to it."""
    found = offer_views.listed(session, row)
    known = people.by_ids(session, {one.person_id for one, _ in found if one.person_id})
    return [
        shown | {"person_id": roster_key(known[one.person_id], row.agency) if one.person_id else None}
        for one, shown in found
    ]
