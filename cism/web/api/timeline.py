"""What has happened in an incident and what is planned: times, kinds, states; nothing that was said."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.access import Datum
from cism.domain.plan import StepState
from cism.services import people
from cism.store.tables import Event, Step
from cism.web.api.rights import Standing
from cism.web.api.views import moment, roster_key


def timeline(session: Session, stands: Standing) -> dict[str, Any]:
    """Past and planned. A planned step names its person to whoever may see the list of affected people.

    What is past names nobody: who accepted, declined or stayed silent is a headcount.
    """
    row = stands.row
    steps = list(
        session.scalars(select(Step).where(Step.incident_id == row.id).order_by(Step.due_at, Step.key))
    )
    planned = [step for step in steps if step.state is StepState.PLANNED]
    names = _names(session, stands, planned)
    return {
        "ref": row.ref,
        "past": sorted(
            [
                *_events(session, row.id),
                *(_past(step) for step in steps if step.state is not StepState.PLANNED),
            ],
            key=lambda item: (str(item["at"]), str(item["what"])),
        ),
        "planned": [_planned(step, names) for step in planned],
    }


def _events(session: Session, incident_id: str) -> list[dict[str, Any]]:
    rows = session.scalars(select(Event).where(Event.incident_id == incident_id).order_by(Event.id))
    return [
        {"at": moment(row.at), "what": row.kind, "before": row.before, "after": row.after} for row in rows
    ]


def _past(step: Step) -> dict[str, Any]:
    return {
        "at": moment(step.done_at or step.due_at),
        "what": f"step.{step.kind.value}",
        "point": step.payload.get("point"),
        "after": step.state.value,
    }


def _planned(step: Step, names: dict[str, str]) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "due_at": moment(step.due_at),
        "expires_at": moment(step.expires_at),
        "what": step.kind.value,
        "point": step.payload.get("point"),
    }
    if step.person_id in names:
        shown["person_id"] = names[step.person_id]
    return shown


def _names(session: Session, stands: Standing, planned: list[Step]) -> dict[str, str]:
    if not stands.sees(Datum.AFFECTED_ROSTER):
        return {}
    known = people.by_ids(session, {step.person_id for step in planned if step.person_id})
    return {key: roster_key(person, stands.row.agency) for key, person in known.items()}
