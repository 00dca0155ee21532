"""Reads what stands on the command line: instants, affected people, files."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from pathlib import Path

import typer

from cism.domain.csv_lines import decode_utf8
from cism.domain.incident import Circle
from cism.errors import BadInput
from cism.services.intake import AffectedInput

# An end of exposure begins with a year, a circle is one letter: so nothing can be read in two ways.
_AFFECTED = re.compile(
    r"(?:(?P<agency>[a-z0-9-]{2,32}):)?(?P<id>[^:\s]+):(?P<circle>[A-Fa-f])(?::(?P<end>[0-9]{4}-.+))?"
)


def instant(text: str) -> datetime:
    """An ISO 8601 instant with its zone."""
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        message = f"{text!r} is not an instant with a zone; write 2026-03-02T14:30-05:00 or 2026-03-02T19:30Z"
        raise typer.BadParameter(message)
    return found


def day(text: str) -> date:
    """A calendar day."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        message = f"{text!r} is not a day; write it like 2026-10-15"
        raise typer.BadParameter(message) from None


def wall(text: str) -> time:
    """A time on the wall clock, to the minute."""
    try:
        return datetime.strptime(text.strip(), "%H:%M").time()  # noqa: DTZ007 - a wall clock has no zone
    except ValueError:
        message = f"{text!r} is not a time of day; write it like 14:30"
        raise typer.BadParameter(message) from None


def affected(text: str) -> AffectedInput:
    """`ID:CIRCLE` or `ID:CIRCLE:EXPOSURE_END`; ID may be `AGENCY:ID` for somebody of another agency."""
    match = _AFFECTED.fullmatch(text.strip())
    if match is None:
        message = (
            f"{text!r} is not an affected person; write ID:CIRCLE with a circle from A to F, "
            "or ID:CIRCLE:EXPOSURE_END like P104:B:2026-03-02T14:30-05:00 (AGENCY:ID for another agency)"
        )
        raise typer.BadParameter(message)
    who = f"{match['agency']}:{match['id']}" if match["agency"] else match["id"]
    end = instant(match["end"]) if match["end"] else None
    return AffectedInput(person_id=who, circle=Circle(match["circle"].upper()), exposure_end=end)


def file(path: Path) -> str:
    """The text of a UTF-8 file, or a refusal that names it."""
    try:
        return decode_utf8(path.read_bytes())
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}; give the path of a readable file"
        raise BadInput(message) from error
