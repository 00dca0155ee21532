"""A helper's on-call week: their turns, swaps that both agree to, rest and leave without a reason."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from cism.domain.access import Act, may_do
from cism.domain.people import Role
from cism.errors import BadInput, NotFound
from cism.services import away, on_call, on_call_swaps, own_load, passing_on, people, resting
from cism.services.links import Opened
from cism.services.on_call_swaps import Swap
from cism.store.db import now as product_now
from cism.store.tables import Person
from cism.web.pages.forms import Form, posted
from cism.web.pages.local_time import instant, local, spoken
from cism.web.pages.signed import Work, do, look
from cism.web.words import Said, _

router = APIRouter(prefix="/week", include_in_schema=False)

_ROLES: Final[Mapping[str, Said]] = {
    "peer": _("peer"),
    "clinician": _("clinician"),
    "clinical_director": _("clinical director"),
    "coordinator": _("coordinator"),
    "chaplain": _("chaplain"),
    "family_peer": _("family peer"),
}
_HERE: Final = "/week"


@router.get("")
async def week(request: Request) -> Response:
    """Their own turns and swaps, and until when nobody asks them."""

    def work(session: Session, person: Person) -> dict[str, Any]:
        now = product_now(session)
        load, roles = own_load.of(session, person, now), [item.role for item in person.roles]
        swaps = on_call_swaps.open_swaps(session, person.id, now)
        return {
            "turns": _turns(session, person, now),
            "kept": bool(on_call.kept(session, agency=person.agency)),
            "swaps": [_swap(session, person, one) for one in swaps],
            "rest": may_do(roles, Act.ASK_FOR_REST, same_agency=True),
            "away": spoken(load.away_until, person.zone) if load.away_until else None,
            "first_day": local(now + timedelta(days=1), person.zone).date().isoformat(),
            "last_day": local(now + away.LONGEST - timedelta(days=1), person.zone).date().isoformat(),
            "rest_days": away.REST.days,
            "own": spoken(load.own_until, person.zone) if load.own_until else None,
            "said_ready": load.said_ready,
        }

    return await look(request, Act.BE_ASKED, "peer/week.html", work)


@router.post("/away")
async def be_away(request: Request) -> Response:
    """Nobody asks them for anything before a day; what they were asked goes to the next at once."""

    def work(session: Session, opened: Opened, form: Form) -> None:
        person, now = people.lock_person(session, opened.person_id), product_now(session)
        away.say(session, person, _until(person, form, now), now)
        passing_on.plan(session, person, now, taken=form.one("hand_back") == "yes")

    return await do(request, Act.ASK_FOR_REST, work, "away", to=_HERE)


@router.post("/{button}")
async def pressed(request: Request, button: str) -> Response:
    """Another button of this page."""
    found = _BUTTONS.get(button)
    if found is None:
        await posted(request)
        raise NotFound
    act, work = found
    return await do(request, act, work, f"week {button}", to=_HERE)


def _until(person: Person, form: Form, now: datetime) -> datetime:
    """The chosen day, by the person's own clock; without one, as long as a rest lasts."""
    if form.one("day"):
        return instant(form.one("day"), "00:00", person.zone)
    return now + away.REST


def _back(session: Session, opened: Opened, form: Form) -> None:
    del form
    away.come_back(session, people.lock_person(session, opened.person_id), product_now(session))


def _ready(session: Session, opened: Opened, form: Form) -> None:
    del form
    person = people.lock_person(session, opened.person_id)
    resting.say_ready(session, person, person, product_now(session))


def _ask_swap(session: Session, opened: Opened, form: Form) -> None:
    person, now = people.lock_person(session, opened.person_id), product_now(session)
    turns = on_call.own_turns(session, person.id, now, now + on_call_swaps.AHEAD)
    turn = next((one for one in turns if _key(one) == form.one("turn")), None)
    if turn is None:
        message = _("That turn is not yours any more. Open the page again.")
        raise BadInput(message)
    colleague, back = form.one("colleague"), None
    if form.one("back"):
        day = instant(form.one("back"), "00:00", person.zone).astimezone(ZoneInfo(person.zone)).date()
        back = on_call_swaps.turn_on(session, colleague, day, person.zone, now, turn.role)
        if back is None:
            message = _(
                "Your colleague has no turn that begins on that day. Choose another, or leave it empty."
            )
            raise BadInput(message)
    in_return = (back.start, back.end) if back is not None else None
    on_call_swaps.ask_once(session, person, turn, colleague, now, in_return=in_return)


def _accept(session: Session, opened: Opened, form: Form) -> None:
    on_call_swaps.accept(session, form.one("subject"), opened.person_id, product_now(session))


def _refuse(session: Session, opened: Opened, form: Form) -> None:
    on_call_swaps.refuse(session, form.one("subject"), opened.person_id, product_now(session))


def _withdraw(session: Session, opened: Opened, form: Form) -> None:
    on_call_swaps.withdraw(session, form.one("subject"), opened.person_id, product_now(session))


_BUTTONS: Final[Mapping[str, tuple[Act, Work]]] = {
    "back": (Act.ASK_FOR_REST, _back),
    "ready": (Act.ASK_FOR_REST, _ready),
    "swap": (Act.BE_ASKED, _ask_swap),
    "accept": (Act.BE_ASKED, _accept),
    "refuse": (Act.BE_ASKED, _refuse),
    "withdraw": (Act.BE_ASKED, _withdraw),
}


def _turns(session: Session, person: Person, now: datetime) -> list[dict[str, Any]]:
    by_role: dict[Role, list[dict[str, str]]] = {}
    found = []
    for turn in on_call.own_turns(session, person.id, now, now + on_call_swaps.AHEAD):
        if turn.role not in by_role:
            others = on_call_swaps.colleagues(session, person, turn.role)
            by_role[turn.role] = [{"id": one.id, "name": one.name} for one in others]
        found.append(
            {
                "key": _key(turn),
                "role": _ROLES[turn.role.value],
                "start": spoken(turn.start, person.zone),
                "end": spoken(turn.end, person.zone),
                "now": turn.start <= now,
                "colleagues": by_role[turn.role] if turn.start > now else [],
            }
        )
    return found


def _swap(session: Session, person: Person, one: Swap) -> dict[str, Any]:
    mine = one.from_id == person.id
    back = one.in_return
    return {
        "id": one.id,
        "mine": mine,
        "who": people.get(session, one.to_id if mine else one.from_id).name,
        "role": _ROLES[one.role.value],
        "start": spoken(one.span[0], person.zone),
        "end": spoken(one.span[1], person.zone),
        "back": None if back is None else (spoken(back[0], person.zone), spoken(back[1], person.zone)),
    }


def _key(turn: on_call.OwnTurn) -> str:
    return f"{turn.role.value} {turn.start.isoformat()} {turn.end.isoformat()}"
