"""What a row of a file of real incidents becomes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeAlias

from cism.domain.incident import Severity
from cism.domain.people import Discipline


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentReport:
    """A real incident as its source tells it; None where the source does not say.

    `source_key` is the same whenever the same row is read again. `event_key` is equal for reports of two
    sources that may be about one event. Instants are aware UTC and only there where both clock time and
    zone are known; `date` is the local day. `note` says in a sentence what had to be decided.
    """

    source_key: str
    event_key: str | None = None
    type: str
    severity: Severity
    source_agency: str
    discipline: Discipline
    date: date
    occurred_at: datetime | None = None
    ended_at: datetime | None = None
    zone: str | None = None
    place_code: str | None = None
    people_exposed: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Imported:
    """The row is a critical incident."""

    line: int
    report: IncidentReport

    @property
    def source_key(self) -> str:
        """The stable identity of the row."""
        return self.report.source_key


@dataclass(frozen=True, slots=True)
class PassedOver:
    """The row can be read and is not a critical incident."""

    line: int
    source_key: str
    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The row cannot be read, contradicts itself, or repeats another; no identity where none can be read."""

    line: int
    source_key: str | None
    reason: str


RowResult: TypeAlias = Imported | PassedOver | Refused


def row_key(format_name: str, *identity: str) -> str:
    """A short stable key of a row: the same for the same words, whatever their case and spacing."""
    words = "\x1f".join(" ".join(part.split()).casefold() for part in identity)
    return f"{format_name}:{hashlib.sha256(words.encode()).hexdigest()[:20]}"
