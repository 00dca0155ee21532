"""What an agency says of itself: name, lines, protocol, what it attests, and who lends it mutual aid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain import retention, roster_cells
from cism.domain.protocol import load_protocol
from cism.errors import BadInput
from cism.services import events
from cism.store.tables import Agency
from notifications.lint import banned_words
from notifications.message_base import LINE_FIELD, NAME_FIELD


@dataclass(frozen=True, slots=True, kw_only=True)
class AgencyChange:
    """What is to change; None stays as it is. `mutual_aid`: the agencies it may ask besides itself.

    `ask_everybody`: it may ask every agency of the installation, as one that never named any.
    """

    display: str | None = None
    crisis_line: str | None = None
    duty_phone: str | None = None
    protocol: str | None = None
    command_blind: bool | None = None
    mutual_aid: tuple[str, ...] | None = None
    ask_everybody: bool = False
    keep: tuple[str, ...] | None = None  # CLASS=SPAN: how long it keeps what it may choose


def get(session: Session, key: str) -> Agency:
    """The agency by its key; raises BadInput, which names the known ones."""
    row = session.get(Agency, key)
    if row is None:
        known = ", ".join(sorted(session.scalars(select(Agency.key)))) or "none yet: import a roster first"
        message = f"there is no agency {key!r}; known: {known}"
        raise BadInput(message)
    return row


def listed(session: Session) -> list[Agency]:
    """Every agency, by key."""
    return list(session.scalars(select(Agency).order_by(Agency.key)))


def facts(row: Agency) -> dict[str, Any]:
    """What it says of itself; `mutual_aid` None: every agency of the installation."""
    return {
        "key": row.key,
        "display": row.display,
        "protocol": row.protocol,
        "duty_phone": row.duty_phone,
        "crisis_line": row.crisis_line,
        "attests_command_blind": row.command_blind,
        "mutual_aid": row.mutual_aid,
        "keeps": dict(row.retention),
    }


def change(
    session: Session, key: str, wanted: AgencyChange, *, by: str | None, now: datetime
) -> dict[str, Any]:
    """Set what is given, all of it or nothing; returns what differs now, by name.

    Raises BadInput with everything that cannot be.
    """
    row = get(session, key)
    values, problems = _read(session, row, wanted)
    if problems:
        raise BadInput("; ".join(problems), errors=problems)
    differing = {name: value for name, value in values.items() if getattr(row, name) != value}
    for name, value in differing.items():
        setattr(row, name, value)
        events.record(session, f"agency.{name}", now, subject_id=key, actor_id=by)
    session.flush()
    return differing


def _read(session: Session, row: Agency, wanted: AgencyChange) -> tuple[dict[str, Any], list[str]]:
    values: dict[str, Any] = {}
    problems: list[str] = []
    readers: Mapping[str, Any] = {
        "display": _display,
        "crisis_line": _line,
        "duty_phone": lambda text: roster_cells.phone(text, row.region),
        "protocol": lambda text: load_protocol(text).key,
        "command_blind": bool,
        "mutual_aid": lambda keys: _lenders(session, row.key, keys),
    }
    for name, read in readers.items():
        given = getattr(wanted, name)
        if given is None:
            continue
        try:
            values[name] = read(given)
        except roster_cells.CellError as error:
            problems.append(f"{name.replace('_', ' ')}: {error}")
    if wanted.keep:
        try:
            values["retention"] = {**row.retention, **_kept(wanted.keep)}
        except ValueError as error:
            problems.append(f"keep: {error}")
    if wanted.ask_everybody:
        values["mutual_aid"] = None
    return values, problems


def _display(text: str) -> str:
    """A name that stands whole in every text, and says nothing on a locked screen."""
    if not text.strip() or not NAME_FIELD.fits(text):
        message = f"write 1 to {len(NAME_FIELD.longest)} plain characters, as texts have room for"
        raise roster_cells.CellError(message)
    if words := banned_words(text):
        message = f"{', '.join(words)} would stand on locked screens; choose a neutral name"
        raise roster_cells.CellError(message)
    return text


def _line(text: str) -> str:
    """What to do to reach the crisis line, as it ends a sentence: call or text 988."""
    if not text.strip() or not LINE_FIELD.fits(text):
        longest = len(LINE_FIELD.longest)
        message = f"write at most {longest} plain characters that say what to do, like call or text 988"
        raise roster_cells.CellError(message)
    return text


def _kept(given: tuple[str, ...]) -> dict[str, str]:
    """How long what is kept, as CLASS=SPAN; raises ValueError."""
    found = {}
    for one in given:
        name, _, span = one.partition("=")
        kept, written = retention.choose(name.strip(), span)
        found[kept.value] = written
    return found


def _lenders(session: Session, own: str, keys: tuple[str, ...]) -> list[str]:
    known = set(session.scalars(select(Agency.key)))
    strange = sorted(set(keys) - known)
    if strange:
        message = f"there is no agency {', '.join(strange)}; known: {', '.join(sorted(known))}"
        raise roster_cells.CellError(message)
    return sorted(set(keys) - {own})
