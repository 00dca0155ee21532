"""Reads the log form: from fields to a report, or what is wrong with which field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from cism.domain.incident import Circle, Severity
from cism.domain.incident_types import INCIDENT_TYPES, IncidentType, suggest_types
from cism.errors import BadInput
from cism.services.intake import AffectedInput, IncidentInput
from cism.web import refusals
from cism.web.pages.forms import Form
from cism.web.pages.local_time import instant
from cism.web.pages.log_choices import Candidate, Choices
from cism.web.words import Said, _

NONE: Final = "none"
OTHER: Final = "other"
LATER: Final = "later"
AGO: Final = ("15", "30", "60", "120")  # minutes, one touch each
_OTHERS: Final = ("dispatcher", "call_taker")
_MOST_MINUTES: Final = 72 * 60
_MOST_WAITED: Final = 12 * 60  # minutes that a form is kept by a phone without a line
_SPLIT: Final = " - "  # between code and label in the search field


@dataclass
class Read:
    """What a form says, and what is wrong, by field."""

    problems: dict[str, str] = field(default_factory=dict)
    type: IncidentType | None = None
    severity: Severity | None = None
    occurred_at: datetime | None = None
    ended_at: datetime | None = None
    kin_notified: bool = False
    funeral_at: datetime | None = None
    affected: dict[str, Circle] = field(default_factory=dict)  # by roster key


def pressed_at(form: Form, arrived_at: datetime) -> datetime:
    """When the button was pressed: a phone without a line says for how many minutes it kept the form."""
    waited = form.one("waited")
    if not (waited.isascii() and waited.isdigit()):
        return arrived_at
    return arrived_at - timedelta(minutes=min(int(waited[:9]), _MOST_WAITED))


def is_relative(form: Form) -> bool:
    """Whether the end is counted from the moment of sending."""
    return form.one("ended") in {"now", "ago"} or form.one("ended") in AGO


def is_for_later(form: Form) -> bool:
    """Whether it was filled in without a line, where no names are kept: its list is still to come."""
    return form.one("list") == LATER


def read(form: Form, offered: Choices, *, sent_at: datetime) -> Read:
    """Read every field; `sent_at` (aware) is what "now" and "minutes ago" count from.

    Of a form whose list is still to come: what and when, and whoever logs it, as one in charge. The family
    counts as not told then, so that nobody close is texted.
    """
    found = Read()
    _type(form, found)
    _severity(form, found)
    _ended(form, found, offered, sent_at)
    _began(form, found, offered)
    if is_for_later(form):
        found.affected = {item.roster_id: Circle.E for item in offered.roster if item.id == offered.me}
        return found
    read_crew(form, found, offered)
    if form.one("nobody_else") != "yes":
        found.problems["nobody_else"] = _("Confirm that nobody else was there, or add whoever is missing.")
    _kin(form, found, offered)
    return found


def read_crew(form: Form, found: Read, offered: Choices) -> None:
    """Read who was there."""
    known = {item.id: item for item in offered.roster}
    _there(form, found, known)
    _asked(form, found, known, "dispatcher")
    _asked(form, found, known, "call_taker")
    _others(form, found)


def crew(found: Read) -> tuple[AffectedInput, ...]:
    """Everybody who was there."""
    return tuple(
        AffectedInput(person_id=key, circle=circle) for key, circle in sorted(found.affected.items())
    )


def report(found: Read, offered: Choices) -> IncidentInput:
    """The report of a form without problems."""
    return IncidentInput(
        type=found.type.code if found.type else "",
        agency=offered.agency,
        severity=found.severity,
        occurred_at=found.occurred_at,
        ended_at=found.ended_at,
        kin_notified=found.kin_notified,
        funeral_at=found.funeral_at,
        affected=crew(found),
        logged_by=offered.me,
    )


_REFUSED: Final = {"ended_at": "ended", "occurred_at": "began"}


def refused(form: Form, error: BadInput) -> dict[str, str]:
    """What the intake refused, beside the field where it was written; else above the form."""
    problems: dict[str, str] = {}
    for problem in error.errors or [str(error)]:
        first = problem.partition(" ")[0]
        name = _REFUSED.get(first, "others" if first == "affected:" else "form")
        if name == "others":
            written = (item for item in _OTHERS if repr(form.one(f"{item}_other")) in problem)
            name = next(written, name)
        problems[name] = refusals.told(worded(problem))
    return problems


def worded(problem: str) -> str:
    """A problem of the intake in the words of the form: it stands beside its field, and names none."""
    first, _space, rest = problem.partition(" ")
    said = rest if first == "affected:" else f"This {rest}" if first in _REFUSED else problem
    said = said.replace("occurred_at", "the time it began").replace(", with its zone", "")
    said = said.replace("AGENCY:ID for somebody of another agency", "north-fire:R12 for R12 of north-fire")
    return f"{said[:1].upper()}{said[1:]}."


def _type(form: Form, found: Read) -> None:
    searched, chosen = form.one("type_search"), form.one("type") or form.one("favourite")
    if form.one("type") and form.one("favourite") not in {"", form.one("type")}:
        found.problems["type"] = _("You chose two kinds: keep one of them.")
        return
    code = searched.split(_SPLIT, 1)[0].strip() if searched else chosen
    if not code:
        found.problems["type"] = _("Choose what happened.")
        return
    found.type = INCIDENT_TYPES.get(code.upper()) or _by_label(searched)
    if found.type is None:
        near = [Said(INCIDENT_TYPES[item].label) for item in suggest_types(code)]
        found.problems["type"] = (
            _("There is no such kind of incident. Did you mean: %(near)s?", near=refusals.listed(near))
            if near
            else _("There is no such kind of incident.")
        )
    elif searched and chosen and chosen != found.type.code:
        found.problems["type"] = _("The search and the list say different things: empty one of them.")


def _by_label(text: str) -> IncidentType | None:
    wanted = text.casefold()
    return next((item for item in INCIDENT_TYPES.values() if item.label.casefold() == wanted), None)


def _severity(form: Form, found: Read) -> None:
    given = form.one("severity")
    if given and given not in Severity.__members__:
        found.problems["severity"] = _("Choose one of the list.")
    elif given:
        found.severity = Severity(given)


def _ended(form: Form, found: Read, offered: Choices, sent_at: datetime) -> None:
    match form.one("ended"):
        case "now":
            found.ended_at = sent_at
        case "ago":
            found.ended_at = _minutes_ago(form, found, sent_at)
        case "at":
            found.ended_at = _instant(form, found, offered, "ended")
        case "ongoing":
            found.ended_at = None
        case chip if chip in AGO:
            found.ended_at = sent_at - timedelta(minutes=int(chip))
        case _:
            found.problems["ended"] = _("Say when it ended, or that it is not over.")


def _minutes_ago(form: Form, found: Read, sent_at: datetime) -> datetime | None:
    text = form.one("minutes_ago")
    if not (text.isascii() and text.isdigit()) or int(text[:9]) > _MOST_MINUTES:
        found.problems["ended"] = _("Write how many minutes ago, up to 4320 (three days).")
        return None
    return sent_at - timedelta(minutes=int(text))


def _began(form: Form, found: Read, offered: Choices) -> None:
    if form.one("began_time") or form.one("began_date"):
        found.occurred_at = _instant(form, found, offered, "began")


def _instant(form: Form, found: Read, offered: Choices, name: str) -> datetime | None:
    try:
        return instant(form.one(f"{name}_date"), form.one(f"{name}_time"), offered.zone)
    except BadInput as error:
        found.problems[name] = error.args[0]
        return None


def _there(form: Form, found: Read, known: Mapping[str, Candidate]) -> None:
    for person_id in form.many("there"):
        if person_id not in known:
            found.problems["there"] = _(
                "Somebody on this list is no longer on the roster; look through it again."
            )
            continue
        circle = form.one(f"circle_{person_id}") or Circle.B.value
        if circle not in Circle.__members__:
            found.problems["there"] = _("Choose how near each person was.")
            continue
        found.affected[known[person_id].roster_id] = Circle(circle)


def _asked(form: Form, found: Read, known: Mapping[str, Candidate], name: str) -> None:
    """The two who are forgotten most often: an answer is always needed."""
    given = form.one(name)
    if given == NONE:
        return
    if given == OTHER:
        key = form.one(f"{name}_other")
        if not key:
            found.problems[name] = _(
                "Write their number on the roster, with their service before it, like north-fire:R12."
            )
        else:
            found.affected.setdefault(key, Circle.C)
    elif given in known:
        found.affected.setdefault(known[given].roster_id, Circle.C)
    else:
        found.problems[name] = _("Choose who it was, or that there was none.")


def _others(form: Form, found: Read) -> None:
    for line in form.one("others").splitlines():
        words = line.split()
        if not words:
            continue
        circle = words[1].upper() if len(words) > 1 else Circle.B.value
        if circle not in Circle.__members__ or len(words) > 2:  # an id and a letter
            found.problems["others"] = _(
                "Write one person a line: their number on the roster, then a letter A to F."
            )
            continue
        found.affected.setdefault(words[0], Circle(circle))


def _kin(form: Form, found: Read, offered: Choices) -> None:
    """Asked only where somebody died in the line of duty: nobody close is texted before the family knows."""
    if found.type is None or not found.type.lodd:
        return
    answer = form.one("kin")
    if answer not in {"yes", "no"}:
        found.problems["kin"] = _("Say whether the family has been told. Nobody close is texted before.")
    found.kin_notified = answer == "yes"
    if form.one("funeral_date") or form.one("funeral_time"):
        found.funeral_at = _instant(form, found, offered, "funeral")
