"""What every known format of incident file has: a name, its columns, and a reader of one row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

from cism.domain.incident_files.report import IncidentReport

Cells: TypeAlias = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class NotCritical:
    """A row that can be read and is not a critical incident, and why."""

    key: str
    reason: str
    day: date


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of file. `read_row` raises RowRefusedError; `identity` says what makes a row the same."""

    name: str
    title: str
    columns: tuple[str, ...]
    identity: str
    read_row: Callable[[Cells], IncidentReport | NotCritical]
