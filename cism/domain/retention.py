"""How long what is kept is kept: a table of classes, and what an agency may choose instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from importlib import resources
from types import MappingProxyType
from typing import Any, Final

from cism.domain.durations import format_duration, parse_duration
from cism.domain.yaml_lines import plain_yaml


class Kept(StrEnum):
    """The classes of what is kept for a while."""

    WORDS = "words"
    INVITATIONS = "invitations"
    SENT = "sent"
    CALLS = "calls"
    LINKS = "links"
    CONTACTS = "contacts"
    ESCALATIONS = "escalations"
    CONSENTS = "consents"
    SHELLS = "shells"


@dataclass(frozen=True, slots=True)
class Class:
    """One class: what it is, from when on and how long it is kept, what an agency may choose, and why."""

    says: str
    counted_from: str
    kept: timedelta
    source: str
    least: timedelta | None = None
    most: timedelta | None = None


def _read(entry: Mapping[str, Any]) -> Class:
    spans = {name: parse_duration(entry[name]) for name in ("kept", "least", "most") if name in entry}
    return Class(entry["says"], entry["counted_from"], source=entry["source"], **spans)


_DATA: Final[Mapping[str, Any]] = plain_yaml(
    resources.files("cism.domain.data").joinpath("retention.yaml").read_text(encoding="utf-8")
)
CLASSES: Final[Mapping[Kept, Class]] = MappingProxyType({kept: _read(_DATA[kept.value]) for kept in Kept})


def kept_for(kept: Kept, chosen: Mapping[str, str]) -> timedelta:
    """How long an agency keeps a class: what it chose, else what the table says."""
    written = chosen.get(kept.value)
    return parse_duration(written) if written is not None else CLASSES[kept].kept


def choose(name: str, written: str) -> tuple[Kept, str]:
    """An agency's choice, as it is kept. Raises ValueError, which says what may be chosen."""
    free = {kept: item for kept, item in CLASSES.items() if item.least is not None and item.most is not None}
    if name not in [kept.value for kept in free]:
        message = f"{name!r} cannot be chosen; an agency chooses {', '.join(kept.value for kept in free)}"
        raise ValueError(message)
    kept = Kept(name)
    least, most = free[kept].least or timedelta(0), free[kept].most or timedelta.max
    span = parse_duration(written)
    if not least <= span <= most:
        message = f"{name} are kept between {format_duration(least)} and {format_duration(most)}"
        raise ValueError(message)
    return kept, format_duration(span)


class HoldReason(StrEnum):
    """Why records must stay as they are. A code, never a story."""

    LITIGATION = "litigation"  # a case is pending, or expected
    SUBPOENA = "subpoena"  # a court or an authority asked for them
    INVESTIGATION = "investigation"  # of the event, by whoever may
    RECORDS_REQUEST = "records_request"  # under a public records law
    COUNSEL = "counsel"  # the agency's counsel asks for it


class LiftReason(StrEnum):
    """Why they need not stay any more."""

    OVER = "over"  # the case or the request is over
    COUNSEL = "counsel"  # the agency's counsel allows it
    MISTAKE = "mistake"  # it was set on the wrong records
