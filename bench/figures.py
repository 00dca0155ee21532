"""Figures and how they are shown."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Aim:
    """What is promised, what was measured, and whether the one holds against the other."""

    what: str
    reached: bool
    measured: str


@dataclass(slots=True)
class Report:
    """One measurement: a table, aims, and what a reader must know about it."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list)
    aims: list[Aim] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    raw: dict[str, Any] = field(default_factory=dict)

    def show(self, console: Console) -> None:
        """For people."""
        table = Table(title=self.title, title_justify="left", title_style="bold")
        for place, column in enumerate(self.columns):
            table.add_column(column, justify="right" if place else "left")
        for row in self.rows:
            table.add_row(*row)
        console.print(table)
        for aim in self.aims:
            word = "[green]reached[/]" if aim.reached else "[red]MISSED[/]"
            console.print(f"  aim: {aim.what}: {aim.measured}, {word}", highlight=False)
        for note in self.notes:
            console.print(f"  {note}", style="dim", highlight=False)
        console.print()

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest rank: the smallest value that at least this share does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def median(values: Sequence[float]) -> float:
    """The middle."""
    return statistics.median(values)


def seconds(value: float) -> str:
    """Milliseconds below one second."""
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2f} s"


def instant(stamp: str) -> datetime:
    """An instant as the phone wall writes it."""
    return datetime.fromisoformat(stamp)
