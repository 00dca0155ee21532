"""What a coordinator does to one incident from its page: take over, graver or milder, facts, days, its end.

Whatever goes against the plan takes one of a few reasons. It is kept in the incident's own record, with who
said it; there is no field for words.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import date, datetime
from typing import Final

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from cism.domain.access import Act, patch_act
from cism.domain.incident import Severity
from cism.domain.sensitive_dates import DateKind
from cism.errors import AlreadyDone, BadInput, NotFound
from cism.services import (
    activation,
    audit,
    events,
    intake,
    people,
    removal,
    reopening,
    response,
    sensitive_dates,
)
from cism.store.db import now as product_now
from cism.web.pages import charge
from cism.web.pages.board_words import ASKING, REASONS
from cism.web.pages.charge import Case
from cism.web.pages.forms import Form
from cism.web.pages.local_time import instant
from cism.web.pages.who import Visitor
from cism.web.words import _

router = APIRouter(prefix="/board", include_in_schema=False)

_Work = Callable[[Session, Case, Form, datetime], None]


@router.post("/{ref}/{act}")
async def acted(request: Request, ref: str, act: str) -> Response:
    """One of the page's buttons; pressed twice it does nothing more."""

    def work(session: Session, visitor: Visitor, form: Form) -> None:
        found = charge.case(session, visitor, ref)
        if act not in _WORK:
            raise NotFound
        named, needed, doing = _WORK[act]
        found.require(needed(found, form))
        try:
            with session.begin_nested():
                doing(session, found, form, product_now(session))
        except AlreadyDone:
            return  # the page shows how it stands
        audit.write(session, visitor.person_id or "", f"page {named}", found.row.id)

    return await charge.do(request, Act.SEE_TIMELINE, work, to=f"/board/{ref}")


def _reason(
    session: Session, found: Case, form: Form, act: str, now: datetime, among: Collection[str] = REASONS
) -> None:
    """Why it goes against the plan: one of the page's words, beside what it is the reason of."""
    given = form.one("reason")
    if given not in among:
        message = _("Choose a reason.")
        raise BadInput(message)
    by = found.visitor.person_id
    events.record(session, f"reason.{act}", now, incident_id=found.row.id, actor_id=by, after=given)


def _take_over(session: Session, found: Case, _form: Form, now: datetime) -> None:
    response.accept(session, found.row.id, by=found.visitor.person_id, now=now)


def _stand_down(session: Session, found: Case, form: Form, now: datetime) -> None:
    _reason(session, found, form, "stand_down", now)
    response.stand_down(session, found.row.id, by=found.visitor.person_id, now=now)


def _close(session: Session, found: Case, form: Form, now: datetime) -> None:
    _reason(session, found, form, "close", now)
    response.close(session, found.row.id, by=found.visitor.person_id, now=now)


def _reopen(session: Session, found: Case, form: Form, now: datetime) -> None:
    _reason(session, found, form, "reopen", now)
    reopening.reopen(session, found.row.id, by=found.visitor.person_id, now=now)


def _severity(session: Session, found: Case, form: Form, now: datetime) -> None:
    _reason(session, found, form, "severity", now)
    intake.change(session, found.row.id, {"severity": _wanted(form)})


def _ended(session: Session, found: Case, form: Form, _now: datetime) -> None:
    person_zone = found.visitor.zone or "UTC"
    at = instant(form.one("ended_date"), form.one("ended_time"), person_zone)
    intake.change(session, found.row.id, {"ended_at": at})


def _kin(session: Session, found: Case, _form: Form, _now: datetime) -> None:
    intake.change(session, found.row.id, {"kin_notified": True})


def _statements(session: Session, found: Case, _form: Form, _now: datetime) -> None:
    intake.change(session, found.row.id, {"statements_complete": True})


def _keep_day(session: Session, found: Case, form: Form, now: datetime) -> None:
    if form.one("kind") not in set(DateKind):
        message = _("Choose what day it is.")
        raise BadInput(message)
    kind, by = DateKind(form.one("kind")), found.visitor.person_id
    sensitive_dates.add(session, found.row.id, _day(form), kind, hours=None, by=by, now=now)


def _forget_day(session: Session, found: Case, form: Form, now: datetime) -> None:
    sensitive_dates.remove(session, found.row.id, _day(form), by=found.visitor.person_id, now=now)


def _remove(session: Session, found: Case, form: Form, now: datetime) -> None:
    _reason(session, found, form, "remove", now)
    removal.remove(session, found.row.id, form.one("person"), by=found.visitor.person_id, now=now)


def _ask(session: Session, found: Case, form: Form, now: datetime) -> None:
    _reason(session, found, form, "ask", now, among=ASKING)
    row = people.lock_incident(session, found.row.id)
    activation.ask_by_name(session, row, form.one("helper"), now)


def _day(form: Form) -> date:
    try:
        return date.fromisoformat(form.one("day"))
    except ValueError:
        message = _("Write the day like 2026-03-07.")
        raise BadInput(message) from None


def _wanted(form: Form) -> Severity:
    if form.one("severity") not in set(Severity):
        message = _("Choose how grave it is.")
        raise BadInput(message)
    return Severity(form.one("severity"))


def _change_of_severity(found: Case, form: Form) -> Act:
    return patch_act("severity", lowers=_wanted(form).rank < found.row.severity.rank)


def _always(act: Act) -> Callable[[Case, Form], Act]:
    return lambda _found, _form: act


# By the end of the form's address: how the audit log names it, what the table must grant, and what it does.
_WORK: Final[Mapping[str, tuple[str, Callable[[Case, Form], Act], _Work]]] = {
    "take-over": ("accept incident", _always(Act.ACCEPT_INCIDENT), _take_over),
    "stand-down": ("stand down", _always(Act.STAND_DOWN), _stand_down),
    "close": ("close incident", _always(Act.CLOSE_INCIDENT), _close),
    "reopen": ("reopen incident", _always(Act.REOPEN_INCIDENT), _reopen),
    "severity": ("change incident", _change_of_severity, _severity),
    "ended": ("change incident", _always(patch_act("ended_at")), _ended),
    "kin": ("change incident", _always(patch_act("kin_notified")), _kin),
    "statements": ("change incident", _always(patch_act("statements_complete")), _statements),
    "keep-day": ("add date", _always(Act.KEEP_DATES), _keep_day),
    "forget-day": ("remove date", _always(Act.KEEP_DATES), _forget_day),
    "ask": ("ask helper", _always(Act.ASK_HELPER), _ask),
    "remove": ("remove affected", _always(Act.REMOVE_AFFECTED), _remove),
}
