"""An incident as a person at a terminal may see it: the header, and the rest only for those in charge."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cism.cli.show import moment
from cism.cli.viewer import Viewer
from cism.domain import access
from cism.domain.access import SUPERVISOR_FIELDS, Act, Datum, may_do
from cism.domain.incident import IncidentState
from cism.domain.plan import StepState
from cism.services import choice, offer_views, people, session_rows
from cism.services.response import OPEN_FOR
from cism.store.states import AssignmentState
from cism.store.tables import Assignment, Event, Incident, Person, Step

_OVER = frozenset({IncidentState.STOOD_DOWN, IncidentState.HISTORY})


def header(viewer: Viewer, row: Incident) -> dict[str, Any]:
    """What a supervisor gets, and what only those in charge get besides."""
    every = {
        "ref": row.ref,
        "type": row.type,
        "severity": row.severity.value,
        "agency": row.agency,
        "occurred_at": moment(row.occurred_at),
        "logged_at": moment(row.logged_at),
        "state": _public_state(viewer, row),
    }
    shown = {name: every[name] for name in SUPERVISOR_FIELDS}
    if not in_charge(viewer, row):
        return shown
    return shown | {
        "state": row.state.value,
        "occurred_on": row.occurred_on.isoformat() if row.occurred_on else None,
        "ended_at": moment(row.ended_at),
        "place_code": row.place_code,
        "protocol": row.protocol,
        "accepted_at": moment(row.accepted_at),
        "closed_at": moment(row.closed_at),
        "source_agency": row.source_agency,
    }


def in_charge(viewer: Viewer, row: Incident) -> bool:
    """Whether they coordinate this incident."""
    return access.in_charge(viewer.relations_to(row))


def whole(viewer: Viewer, row: Incident) -> dict[str, Any]:
    """One incident with all that this viewer may see of it."""
    shown = header(viewer, row)
    if not in_charge(viewer, row):
        return shown
    session = viewer.session
    known = people.by_ids(session, [item.person_id for item in row.affected])
    shown["affected"] = [
        {
            "person_id": roster_key(known[item.person_id], row.agency),
            "circle": item.circle.value,
            "exposure_end": moment(item.exposure_end),
        }
        for item in sorted(row.affected, key=lambda item: (item.circle, item.added_at, item.id))
        if viewer.sees(row, Datum.AFFECTED_ROSTER)
    ]
    shown["team"] = _team(session, row)
    shown["sessions"] = [
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
    shown["offers"] = [item for _, item in offer_views.listed(session, row)]
    if may_do(viewer.roles, Act.SEE_TIMELINE, same_agency=viewer.at_home(row.agency)):
        shown |= _timeline(session, row)
    return shown


def roster_key(person: Person, agency: str) -> str:
    """The roster's id, with the agency before it where that is another one."""
    return person.roster_id if person.agency == agency else f"{person.agency}:{person.roster_id}"


def _public_state(viewer: Viewer, row: Incident) -> str:
    """`offered`, or `closed` at a time that depends on nobody's answers: an early end must not show."""
    over = viewer.now >= (row.occurred_at or row.logged_at) + OPEN_FOR
    return "closed" if over or row.state in _OVER else "offered"


def _team(session: Session, row: Incident) -> dict[str, int]:
    if row.state is IncidentState.HISTORY:
        return {"needed": 0, "asked": 0, "accepted": 0}
    counted = session.execute(
        select(Assignment.state, func.count())
        .where(Assignment.incident_id == row.id)
        .group_by(Assignment.state)
    )
    counts = {state: int(count) for state, count in counted}
    return {
        "needed": choice.team_need(row),
        "asked": sum(counts.values()),
        "accepted": counts.get(AssignmentState.ACCEPTED, 0),
    }


def _timeline(session: Session, row: Incident) -> dict[str, list[dict[str, Any]]]:
    """Past and planned, in order. What is past names nobody: who answered how is nobody's business."""
    steps = list(
        session.scalars(select(Step).where(Step.incident_id == row.id).order_by(Step.due_at, Step.key))
    )
    events = session.scalars(select(Event).where(Event.incident_id == row.id).order_by(Event.id))
    past = [
        {"at": moment(item.at), "what": item.kind, "before": item.before, "after": item.after}
        for item in events
    ]
    past += [
        {
            "at": moment(step.done_at or step.due_at),
            "what": _what(step),
            "before": None,
            "after": step.state.value,
        }
        for step in steps
        if step.state is not StepState.PLANNED
    ]
    planned = [step for step in steps if step.state is StepState.PLANNED]
    known = people.by_ids(session, {step.person_id for step in planned if step.person_id})
    keys = {key: roster_key(person, row.agency) for key, person in known.items()}
    return {
        "past": sorted(past, key=lambda item: str(item["at"])),
        "planned": [
            {
                "due_at": moment(step.due_at),
                "what": _what(step),
                "person_id": keys.get(step.person_id or ""),
                "expires_at": moment(step.expires_at),
            }
            for step in planned
        ],
    }


def _what(step: Step) -> str:
    point = step.payload.get("point")
    return f"{step.kind.value} {point}" if point else step.kind.value
