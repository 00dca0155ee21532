"""What somebody does for themselves: answer a check-in, ask for a call, ask how they are, stop everything.

Looking at these pages leaves no trace, and the private questions leave none at all: they are scored in the
request that brings them, and nothing of it is kept, counted, logged or put into an address.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from cism.domain.consents import How
from cism.domain.screening import PAIR_CUT, PAIR_ITEMS, PTSD_CUT, PTSD_ITEMS, pair, pc_ptsd_5
from cism.errors import AlreadyDone, BadInput, NotAllowed
from cism.services import answers, care_calls, notify, opting_out, own_care, people
from cism.services.own_care import Care
from cism.store.db import now as product_now
from cism.store.tables import Person, Question
from cism.web.backend import backend_of
from cism.web.pages.forms import Form, posted
from cism.web.pages.local_time import spoken, spoken_day, zone_name
from cism.web.pages.own import act_on_own
from cism.web.pages.showing import show
from cism.web.pages.who import owner
from cism.web.words import _

router = APIRouter(prefix="/me/care", include_in_schema=False)

T = TypeVar("T")
_HOME: Final = "/me/care"
_OF_A_CHECK_IN: Final = frozenset({"1", "0"})
# by number, so that an address tells whoever finds it nothing
_SAID: Final = {
    "1": _("Thank you. Your answer has arrived."),
    "2": _("You have asked for a call. A text to your phone says by when, too."),
    "3": _(
        "A clinician is asked to call you. They know that you looked at these questions, and nothing more."
    ),
    "4": _("Somebody has your call already. If you would rather speak with a clinician, tell them so."),
    "5": _("Everything has stopped. Nothing more is texted to you."),
}
_PAIRS: Final = ("phq", "gad")


@router.get("")
async def look(request: Request) -> Response:
    """How things stand, and what can be asked for."""
    said = _SAID.get(request.query_params.get("said", ""))

    def work(session: Session, person: Person) -> dict[str, Any]:
        return {"said": said, "early": _early(session, person)}

    return await _for_owner(request, "mine/care.html", work)


@router.post("/answer")
async def answer(request: Request) -> Response:
    """1 or 0 to the open check-in, as by text."""

    def work(session: Session, person: Person, form: Form) -> None:
        question, digit = session.get(Question, form.one("question")), form.one("digit")
        if question is None or question.person_id != person.id or question.kind != "check_in":
            message = _("This question is not yours.")
            raise NotAllowed(message)
        if digit not in _OF_A_CHECK_IN:
            message = _("This answer does not fit. Open the page again.")
            raise BadInput(message)
        if question.state == "open":  # else pressed twice, or answered by text meanwhile
            answers.apply(session, question, digit, None, product_now(session))

    return await act_on_own(request, work, "care", to=f"{_HOME}?said=1")


@router.post("/call")
async def call(request: Request) -> Response:
    """2 or 3, as by text; no incident is needed."""

    def work(session: Session, person: Person, form: Form) -> None:
        care_calls.press(session, person, form.one("digit"), product_now(session))

    return await act_on_own(request, work, "care", to=f"{_HOME}?said=2")


@router.post("/share")
async def share(request: Request) -> Response:
    """The same, and a clinician is asked first and told that these questions were looked at."""

    def work(session: Session, person: Person, form: Form) -> None:
        care_calls.share(session, person, form.one("digit"), product_now(session))

    try:
        return await act_on_own(request, work, "care", to=f"{_HOME}?said=3")
    except AlreadyDone:
        return RedirectResponse(f"{_HOME}?said=4", status_code=303)


@router.get("/stop")
async def before_stopping(request: Request) -> Response:
    """What stops, and what goes on."""
    return await _for_owner(request, "mine/stop.html", lambda session, person: {})


@router.post("/stop")
async def stop(request: Request) -> Response:
    """What STOP by text does."""

    def work(session: Session, person: Person, form: Form) -> None:
        opting_out.stop(session, person, How.PAGE, product_now(session))

    return await act_on_own(request, work, "care", to=f"{_HOME}?said=5")


@router.get("/data")
async def data(request: Request) -> Response:
    """What is kept of what is done here, and who sees it."""
    return await _for_owner(request, "mine/data.html", lambda session, person: {})


@router.get("/questions")
async def questions(request: Request) -> Response:
    """The private questions, or why it is too early for them."""
    return await _for_owner(request, "mine/questions.html", _blank)


@router.post("/questions")
async def score(request: Request) -> Response:
    """The scores, to this browser alone. Nothing is written, here or anywhere."""
    given = await posted(request)
    found = _scored(given)

    def work(session: Session, person: Person) -> dict[str, Any]:
        asked = _asked(session, person, given)
        if found is None or asked["early"]:
            return asked
        return {**asked, **found, "template": "mine/result.html"}

    status = 422 if found is None else 200
    return await _for_owner(request, "mine/questions.html", work, status=status)


def _blank(session: Session, person: Person) -> dict[str, Any]:
    return _asked(session, person, Form([])) | {"incomplete": False}


def _asked(session: Session, person: Person, given: Form) -> dict[str, Any]:
    early = _early(session, person)
    return {
        "early": early is not None,
        "since": early["since"] if early else None,
        "given": given,
        "incomplete": True,
    }


def _early(session: Session, person: Person) -> dict[str, Any] | None:
    """From which day on the questions mean something, where they do not yet; None as the day: not known."""
    early = own_care.questions_too_early(session, person, product_now(session))
    if early is None:
        return None
    return {"since": spoken_day(early.since) if early.since is not None else None}


def _scored(given: Form) -> dict[str, Any] | None:
    """What can be scored; None where nothing can, because everywhere an answer is missing."""
    gate = _yes(given.one("event"))
    ptsd = pc_ptsd_5(gate, [_yes(given.one(f"ptsd{n}")) for n in range(1, PTSD_ITEMS + 1)])
    pairs = {
        name: pair([_points(given.one(f"{name}{n}")) for n in range(1, PAIR_ITEMS + 1)]) for name in _PAIRS
    }
    if ptsd is None and not any(pairs.values()):
        return None
    return {"ptsd": ptsd, "ptsd_cut": PTSD_CUT, "pair_cut": PAIR_CUT, **pairs}


def _yes(written: str) -> bool | None:
    return {"yes": True, "no": False}.get(written)


def _points(written: str) -> int | None:
    return int(written) if written in {"0", "1", "2", "3"} else None


async def _for_owner(
    request: Request,
    template: str,
    more: Callable[[Session, Person], dict[str, Any]],
    *,
    status: int = 200,
) -> Response:
    """A page about the person themselves; reading it is not audited, because it shows nobody else."""
    person_id = await owner(request)

    def work(session: Session) -> dict[str, Any]:
        person, now = people.get(session, person_id), product_now(session)
        care = own_care.standing(session, person, now)
        shown = {
            "care": care,
            "by": _spoken_by(care, person),
            "emergency": notify.EMERGENCY_NUMBER,
            "zone": zone_name(person.zone, now),
        }
        return shown | more(session, person)

    shown = await backend_of(request).read(work)
    return await show(request, shown.pop("template", template), status=status, **shown)


def _spoken_by(care: Care, person: Person) -> str | None:
    return spoken(care.call.by, person.zone) if care.call is not None else None
