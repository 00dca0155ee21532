"""The clinical director ends a call for help that a colleague has and cannot end: with a reason, kept."""

from __future__ import annotations

from typing import Final

from sqlalchemy.orm import Session

from cism.domain.access import Act, may_do
from cism.domain.escalation import EscalationState, Outcome, WelfareOutcome
from cism.errors import AlreadyDone, BadInput, NotAllowed, NotFound
from cism.services import escalation_desk, escalations, events, people, rungs
from cism.services.links import Opened
from cism.store.db import now as product_now
from cism.store.tables import Escalation, Person
from cism.web.pages.forms import Form
from cism.web.pages.local_time import spoken
from cism.web.pages.sections import LEVELS, Section
from cism.web.words import _

REASONS: Final = {
    "told_me": _("They told me how it ended"),
    "i_called": _("I made the call myself"),
    "cannot_answer": _("They cannot answer, and I know how it ended"),
    "opened_twice": _("It was opened twice"),
}
_OUTCOMES: Final = {
    Outcome.REACHED.value: _("A human has spoken with them"),
    Outcome.DECLINED.value: _("Spoken with; they want nothing now"),
    Outcome.NOT_REACHED.value: _("Not reached: the search goes on"),
}
# Emergency services need a name and stay with whoever has it.
_OF_WELFARE: Final = {
    WelfareOutcome.REACHED.value: _("A human has spoken with them"),
    WelfareOutcome.MET_IN_PERSON.value: _("Met in person"),
}


def may(row: Escalation, reader: Person) -> bool:
    """Whether somebody else has it, and this reader may end it all the same."""
    roles = [item.role for item in reader.roles]
    others = row.state is EscalationState.ACKED and row.acked_by not in {None, reader.id}
    return others and may_do(roles, Act.CLOSE_FOR_ANOTHER, same_agency=row.agency == reader.agency)


def section(session: Session, row: Escalation, reader: Person) -> Section:
    """Who has it and until when; how it ended, and why they do not say so themselves. Nothing about whom."""
    return Section(
        "sections/escalation_other.html",
        {
            "level": LEVELS[row.level],
            "welfare": row.welfare,
            "taker": people.get(session, row.acked_by or "").name,
            "by": spoken(row.voice_by, reader.zone) if row.voice_by else None,
            "outcomes": _outcomes(row),
            "reasons": REASONS,
        },
        row.id,
    )


def close(session: Session, opened: Opened, form: Form) -> None:
    """End it, with the reason beside it in the record."""
    by, now = people.lock_person(session, opened.person_id), product_now(session)
    found = escalation_desk.find(session, by, opened.subject_id or "")
    if found is None:
        raise NotFound
    row = rungs.locked(session, found.id)
    if row.state is EscalationState.CLOSED:
        raise AlreadyDone
    if not may(row, by):
        message = _("Take it first; only who has it says how it ended.")
        raise NotAllowed(message)
    outcome, reason = form.one("outcome"), form.one("reason")
    if outcome not in _outcomes(row) or reason not in REASONS:
        message = _("Choose how it ended, and a reason.")
        raise BadInput(message)
    events.record(session, "reason.close_for", now, subject_id=row.id, actor_id=by.id, after=reason)
    escalations.close(session, row, by, outcome, now)


def _outcomes(row: Escalation) -> dict[str, str]:
    return {**(_OF_WELFARE if row.welfare else _OUTCOMES)}
