"""The coordinator's board: every open incident with its promises, and one incident as a picture."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from cism.domain.access import Act, patch_act
from cism.domain.incident import IncidentState, Severity
from cism.domain.sensitive_dates import DateKind
from cism.services import activation, audit, board, people, picture, replies_count, sensitive_dates
from cism.services.picture import Item, Lane
from cism.store.db import now as product_now
from cism.store.states import SessionState
from cism.store.tables import Incident, Person
from cism.web.pages import board_words, charge, other_sections
from cism.web.pages.charge import Case
from cism.web.pages.drawing import draw
from cism.web.pages.local_time import lasting, local, spoken
from cism.web.pages.log_choices import CIRCLES, SEVERITIES
from cism.web.pages.who import Visitor
from cism.web.words import Said, _

router = APIRouter(prefix="/board", include_in_schema=False)

_MOST_PEOPLE: Final = 100  # shown by name; the page stays small enough for a phone
_ACTS: Final = {
    "take_over": Act.ACCEPT_INCIDENT,
    "stand_down": Act.STAND_DOWN,
    "close": Act.CLOSE_INCIDENT,
    "reopen": Act.REOPEN_INCIDENT,
    "facts": Act.STATE_FACTS,
    "statements": patch_act("statements_complete"),
    "raise": patch_act("severity"),
    "lower": patch_act("severity", lowers=True),
    "dates": Act.KEEP_DATES,
    "remove": Act.REMOVE_AFFECTED,
    "ask": Act.ASK_HELPER,
}


@router.get("")
async def whole(request: Request) -> Response:
    """Open incidents, the newest first, a page at a time."""
    start = _start(request.query_params.get("from", "0"))

    def work(session: Session, visitor: Visitor, person: Person) -> dict[str, Any]:
        now = product_now(session)
        rows, total = board.page(session, visitor.agency, visitor.person_id, now, start=start)
        audit.write(session, person.id, "page board")
        return {
            "rows": [_row(one, person, now) for one in rows],
            "total": total,
            "later": start + board.A_PAGE if start + board.A_PAGE < total else None,
            "earlier": max(0, start - board.A_PAGE) if start else None,
        }

    return await charge.look(request, Act.SEE_TIMELINE, "coordinator/board.html", work)


@router.get("/{ref}")
async def one(request: Request, ref: str) -> Response:
    """One incident: its picture, its team, its people, and what its coordinator may do."""

    asking = "ask" in request.query_params  # whom one might ask is looked for only then: it weighs everybody

    def work(session: Session, visitor: Visitor, person: Person) -> dict[str, Any]:
        found, now = charge.case(session, visitor, ref), product_now(session)
        audit.write(session, person.id, "page read incident", found.row.id)
        audit.write(session, person.id, "page read timeline", found.row.id)
        return _whole(session, found, person, now) | {
            "to_ask": _to_ask(session, found, now) if asking else None
        }

    return await charge.look(request, Act.SEE_TIMELINE, "coordinator/incident.html", work)


def _start(given: str) -> int:
    return int(given) if given.isascii() and given.isdecimal() and len(given) < 7 else 0


def _row(one: board.Row, person: Person, now: datetime) -> dict[str, Any]:
    row = one.incident
    shown = _header(row, person) | {"mine": one.mine}
    return shown if one.mine else shown | _promises(one, person, now)


def _header(row: Incident, person: Person) -> dict[str, Any]:
    return {
        "ref": row.ref,
        "kind": board_words.kind_of(row.type),
        "grave": SEVERITIES[row.severity],
        "state": board_words.STATES[row.state],
        "open": row.state is IncidentState.OPEN,
        "logged": spoken(row.logged_at, person.zone),
        "accepted": spoken(row.accepted_at, person.zone) if row.accepted_at else None,
    }


def _promises(one: board.Row, person: Person, now: datetime) -> dict[str, Any]:
    return {
        "affected": one.affected,
        "team": one.team,
        "contacts": one.contacts,
        "calls_open": one.calls_open,
        "calls_untaken": one.calls_untaken,
        "count": one.count,
        "good": one.good,
        "meetings": [_meeting(item, person) for item in one.meetings],
        "next": None
        if one.next is None
        else {
            "what": board_words.step(one.next.kind),
            "at": spoken(one.next.at, person.zone),
            "who": board_words.OWNERS[one.next.owner],
            "late": one.next.overdue(now),
        },
    }


def _meeting(item: board.Meeting, person: Person) -> dict[str, Any]:
    state = board_words.UNREPORTED if item.unreported else board_words.MEETINGS[item.state]
    if item.put_at is not None:
        state = _("put to a clinician %(when)s", when=spoken(item.put_at, person.zone))
    at = spoken(item.starts_at, person.zone) if item.starts_at else None
    return {
        "kind": board_words.meeting(item.kind),
        "state": state,
        "at": _("proposed for %(when)s", when=at) if at and item.state is SessionState.PROPOSED else at,
        "until": spoken(item.window_to, person.zone) if item.window_to else None,
        "late": item.late,
    }


def _whole(session: Session, found: Case, person: Person, now: datetime) -> dict[str, Any]:
    row = found.row
    items = _items(session, row, person, now)
    drawn = draw(items, board_words.LANES, picture.began(row), now)
    return {
        **_header(row, person),
        "promised": _header(row, person) | _promises(board.one(session, row, now), person, now),
        "affected": len(row.affected),
        "ended": spoken(row.ended_at, person.zone) if row.ended_at else None,
        "closed": spoken(row.closed_at, person.zone) if row.closed_at else None,
        "kin_notified": row.kin_notified,
        "statements_complete": row.statements_complete,
        "drawing": drawn,
        "lanes": _in_words(items),
        "helpers": other_sections.team_of(session, row),
        "asking": board_words.ASKING,
        "replies": replies_count.of(session, row.id),
        "persons": _persons(session, row),
        "more_persons": max(0, len(row.affected) - _MOST_PEOPLE),
        "dates": [
            {"day": one["day"], "kind": board_words.DATES[DateKind(one["kind"] or "")]}
            for one in sensitive_dates.listed(row)
        ],
        "kinds_of_date": board_words.DATES,
        "reasons": board_words.REASONS,
        "graver": _severities(row, above=True),
        "milder": _severities(row, above=False),
        "may": {name: found.may(act) for name, act in _ACTS.items()},
        "today": f"{local(now, person.zone):%Y-%m-%d}",
    }


def _items(session: Session, row: Incident, person: Person, now: datetime) -> list[tuple[Item, Said, Said]]:
    found = picture.items(session, row, now)
    return [(one, board_words.item(one), _said(one, person, now)) for one in found]


def _said(item: Item, person: Person, now: datetime) -> Said:
    """One thing of the picture in a sentence, which is also what a screen reader says."""
    words: dict[str, Any] = {
        "what": board_words.item(item),
        "standing": board_words.standing(item),
        "when": spoken(item.at, person.zone),
        "count": item.count,
    }
    if item.lane is Lane.TEAM:
        return _("%(what)s, %(when)s", **words)
    if board_words.waits_for_report(item):
        return _late(item, words, now)
    if item.ends is None:
        return _counted(item, words)
    words["until"] = spoken(item.ends, person.zone)
    if item.count == 1:
        return _("%(what)s: %(standing)s, %(when)s, window until %(until)s", **words)
    return _("%(what)s: %(standing)s (%(count)s), the first %(when)s, window until %(until)s", **words)


def _late(item: Item, words: dict[str, Any], now: datetime) -> Said:
    words["span"] = lasting(now - item.at)
    if item.count == 1:
        return _("%(what)s: %(standing)s, late by %(span)s", **words)
    return _("%(what)s: %(standing)s (%(count)s), the first late by %(span)s", **words)


def _counted(item: Item, words: dict[str, Any]) -> Said:
    if item.count == 1:
        return _("%(what)s: %(standing)s, %(when)s", **words)
    return _("%(what)s: %(standing)s (%(count)s), the first %(when)s", **words)


def _in_words(items: list[tuple[Item, Said, Said]]) -> list[tuple[Said, list[Said]]]:
    lanes: dict[Said, list[Said]] = {}
    for one, _name, said in items:
        lanes.setdefault(board_words.LANES[one.lane], []).append(said)
    return list(lanes.items())


def _to_ask(session: Session, found: Case, now: datetime) -> list[dict[str, str]]:
    if not found.may(Act.ASK_HELPER) or found.row.state is not IncidentState.OPEN:
        return []
    ids = activation.to_choose_from(session, found.row, now)
    known = people.by_ids(session, ids)
    return [{"id": one, "name": known[one].name} for one in ids[:_MOST_PEOPLE]]


def _persons(session: Session, row: Incident) -> list[dict[str, str]]:
    listed = sorted(row.affected, key=lambda item: (item.circle, item.added_at, item.id))[:_MOST_PEOPLE]
    known = people.by_ids(session, [item.person_id for item in listed])
    return [
        {
            "id": item.person_id,
            "name": known[item.person_id].name,
            "circle": CIRCLES.get(item.circle, item.circle.value),
        }
        for item in listed
    ]


def _severities(row: Incident, *, above: bool) -> dict[Severity, str]:
    return {
        one: SEVERITIES[one]
        for one in Severity
        if (one.rank > row.severity.rank if above else one.rank < row.severity.rank)
    }
