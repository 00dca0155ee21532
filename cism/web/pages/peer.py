"""A helper's day on one page: what they are asked, whom they call by when, their rest, their own support."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from fastapi import APIRouter
from sqlalchemy import or_, select
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from cism.domain.access import Act, may_do
from cism.domain.incident import IncidentState
from cism.services import audit, on_call_swaps, own_load, passing_on, people, session_team
from cism.store.db import now as product_now
from cism.store.states import AssignmentState, SessionState
from cism.store.tables import Assignment, GroupSession, Incident, Person, Question
from cism.web.pages import helper_sections, link_view, offer_sections
from cism.web.pages.local_time import spoken
from cism.web.pages.signed import look, press
from cism.web.pages.waiting import waiting
from cism.web.words import Said, _, best

router = APIRouter(prefix="/peer", include_in_schema=False)

# What is answered on this page itself or opens from it, and how it is called there.
_TO_ANSWER: Final = {
    "escalation": _("Somebody needs a call"),
    "page": _("Can you take a turn?"),
    "turn": _("A turn for you"),
    "offers": _("To offer"),
    "report": _("How many came?"),
    "approval": _("A group meeting is proposed"),
    "queue": _("For you to read"),
}
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


@router.get("")
async def today(request: Request) -> Response:
    """All that is theirs; each look at a person's name is audited."""

    def work(session: Session, person: Person) -> dict[str, Any]:
        now = product_now(session)
        parts = _assignments(session, person, now)
        calls = [call for part in parts for call in part["calls"]]
        return {
            "name": person.name,
            "asked": _asked(session, person, now),
            "calls": sorted(calls, key=_due),
            "assignments": parts,
            "meetings": _meetings(session, person, now),
            "load": _load(session, person, now),
            "swaps": _swaps(session, person, now),
            "words": "PALABRAS" if best(person.language) == "es" else "WORDS",
        }

    return await look(request, Act.SERVE, "peer/today.html", work, scripts=("countdown.js",))


@router.post("/{button}")
async def pressed(request: Request, button: str) -> Response:
    """A button of this page."""
    return await press(request, Act.SERVE, button, to="/peer")


def _asked(session: Session, person: Person, now: datetime) -> list[dict[str, Any]]:
    """What waits for an answer, by purpose; what must not wait stands first."""
    found: list[dict[str, Any]] = []
    passed = passing_on.on_its_way(session, person)
    for purpose, subject in waiting(session, person):
        if purpose not in _TO_ANSWER:
            continue
        if subject in passed:
            found.append({"title": _TO_ANSWER[purpose], "passed": True})
            continue
        section = link_view.read(session, person, purpose, subject, now)
        if section.subject is None:
            continue
        audit.write(session, person.id, f"page {section.template[9:-5]}", section.subject)
        shown = section.values
        found.append(
            {
                "title": shown.get("what") or _TO_ANSWER[purpose],
                "level": shown.get("level"),
                "by": shown.get("by"),
                "passed": False,
                "since": shown.get("opened"),
                "welfare": bool(shown.get("welfare")),
                "code": None if purpose in {"report", "queue", "offers", "approval"} else shown.get("code"),
                "mine": bool(shown.get("mine")) or section.template.endswith("_mine.html"),
                "buttons": [] if purpose in {"report", "queue", "offers"} else shown.get("buttons", []),
                "href": f"/task/{purpose}/{subject}",
            }
        )
    return found


def _assignments(session: Session, person: Person, now: datetime) -> list[dict[str, Any]]:
    """Where they serve, or are still to call somebody although it was called off."""
    to_call = select(Question.incident_id).where(
        Question.person_id == person.id, Question.kind == "contact_report", Question.state == "open"
    )
    rows = session.scalars(
        select(Assignment)
        .join(Incident, Incident.id == Assignment.incident_id)
        .where(
            Assignment.peer_id == person.id,
            or_(
                (Assignment.state == AssignmentState.ACCEPTED) & (Incident.state == IncidentState.OPEN),
                Assignment.incident_id.in_(to_call),
            ),
        )
        .order_by(Assignment.changed_at, Assignment.id)
    )
    found = []
    for row in rows:
        section = helper_sections.assignment(session, person, row.id, now)
        if section.subject is None:
            continue
        audit.write(session, person.id, "page assignment", row.id)
        found.append(_assignment(row, section.values))
    return found


def _due(call: dict[str, Any]) -> datetime:
    """What is due first stands first; a call without an hour of its own is due today, and stands before."""
    return call["due"] or _LONG_AGO


def _assignment(row: Assignment, shown: dict[str, Any]) -> dict[str, Any]:
    href = f"/task/assignment/{row.id}"
    calls = [one | {"href": href} for one in shown["persons"] if one["open"]]
    return {
        "ref": shown["ref"],
        "kind": shown["kind"],
        "href": href,
        "calls": calls,
        "others": [one for one in shown["persons"] if not one["open"]],
        "persons": len(shown["persons"]),
    }


def _meetings(session: Session, person: Person, now: datetime) -> list[dict[str, Any]]:
    """Meetings to come that they lead or help with, where they have no assignment that tells of it."""
    rows = session.scalars(
        select(GroupSession)
        .where(
            GroupSession.state == SessionState.APPROVED,
            GroupSession.starts_at > now,
            or_(
                GroupSession.leader_id == person.id,
                GroupSession.incident_id.in_(
                    select(Assignment.incident_id).where(
                        Assignment.peer_id == person.id, Assignment.state == AssignmentState.ACCEPTED
                    )
                ),
            ),
        )
        .order_by(GroupSession.starts_at)
    )
    found = []
    for row in rows:
        incident = session.get_one(Incident, row.incident_id)
        if person.id not in {one.id for one, _code in session_team.of(session, incident, row, now)}:
            continue
        shown = offer_sections.brief(session, person, incident, row)
        found.append(shown | {"href": f"/task/session/{row.id}", "ref": incident.ref})
    return found


def _swaps(session: Session, person: Person, now: datetime) -> list[dict[str, Any]]:
    """Turns on call that colleagues ask this person to take."""
    return [
        {
            "who": people.get(session, one.from_id).name,
            "start": spoken(one.span[0], person.zone),
            "end": spoken(one.span[1], person.zone),
        }
        for one in on_call_swaps.open_swaps(session, person.id, now)
        if one.to_id == person.id
    ]


def _load(session: Session, person: Person, now: datetime) -> dict[str, Any]:
    found = own_load.of(session, person, now)
    roles = [item.role for item in person.roles]

    def when(moment: datetime | None) -> Said | None:
        return spoken(moment, person.zone) if moment is not None else None

    return {
        "counts": may_do(roles, Act.ASK_FOR_REST, same_agency=True),
        "persons": found.persons,
        "most": found.most_persons,
        "often": found.often,
        "rests": when(found.rests_until),
        "own": when(found.own_until),
        "said_ready": found.said_ready,
        "away": when(found.away_until),
    }
