"""The table: for people at a terminal, and for docs/reliability.md, failures included."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.faults.campaign import Result, Row

_COLUMNS = (
    "case",
    "what goes wrong",
    "seeds",
    "injected",
    "sent",
    "lost",
    "doubled",
    "early",
    "late",
    "unknown",
)
_BEGIN, _END = "<!-- campaign: begin -->", "<!-- campaign: end -->"
_SHOWN = 4
_LINE = re.compile(r"^\| (F\d+[\w-]*) \|.*$", re.MULTILINE)


def show(rows: Sequence[Row], out: Console) -> None:
    """Print it, and below it why rows failed."""
    table = Table(title="Fault campaign, counted at the provider's side", title_justify="left")
    for place, column in enumerate((*_COLUMNS, "verdict", "time")):
        table.add_column(column, justify="left" if place < 2 else "right")
    for row in rows:
        table.add_row(*_cells(row), _verdict(row), _span(row.seconds), style="" if row.passes else "bold red")
    out.print(table)
    for row in rows:
        for why in row.failures[:_SHOWN]:
            out.print(f"{row.case}: {why}", markup=False, highlight=False)


def line(result: Result) -> str:
    """One seed, as it ends."""
    told = result.outcome
    bad = "" if told.kept else "  FAILED " + "; ".join(told.broken)[:900]
    counts = f"injected {told.injected} sent {told.sent} lost {told.lost} doubled {told.doubled}"
    more = f" early {told.early} late {told.late} unknown {told.unknown}"
    note = f"  {told.note}" if told.note else ""
    return f"{result.case} seed {result.seed}: {counts}{more}  {result.seconds:.1f} s{note}{bad}"


def write(rows: Sequence[Row], document: Path) -> None:
    """Put these rows into the document's table; rows of cases that were not run here stay as they are."""
    text = document.read_text()
    before, _, rest = text.partition(_BEGIN)
    old, _, after = rest.partition(_END)
    lines = {found[1]: found[0] for found in _LINE.finditer(old)}
    lines |= {row.case: _markdown(row) for row in rows}
    ordered = [lines[key] for key in sorted(lines, key=_order)]
    head = (*_COLUMNS, "verdict", "time", "measured")
    ruler = ["---", "---", *(["---:"] * (len(head) - 3)), "---"]
    table = "\n".join(["| " + " | ".join(head) + " |", "|" + "|".join(ruler) + "|", *ordered])
    document.write_text(f"{before}{_BEGIN}\n{table}\n\n{where()}.\n{_END}{after}")


def where() -> str:
    """What figures depend on."""
    facts = {
        "cores": os.cpu_count(),
        "CPU": _cpu(),
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
        **{name: version(name) for name in ("prefect", "sqlalchemy", "psycopg", "twilio")},
    }
    return ", ".join(f"{name} {value}" for name, value in facts.items())


def _markdown(row: Row) -> str:
    newest = max(result.at for result in row.results)
    load = max(result.load for result in row.results)
    measured = f"{newest[:10]} at {row.results[0].revision}, load up to {load:g}"
    notes = list(row.failures[:2]) or [_note(row)]
    title = f"{row.title}: {'; '.join(note for note in notes if note)}".rstrip(": ")
    title = " ".join(title.replace("|", "/").split())  # a line a row, whatever a failure says
    cells = [row.case, title, *_cells(row)[2:], _verdict(row), _span(row.seconds), measured]
    return "| " + " | ".join(cells) + " |"


def _note(row: Row) -> str:
    """The words of the seed that took longest; figures of several seeds are in the results file."""
    return max(row.results, key=lambda result: result.seconds).outcome.note


def _cells(row: Row) -> list[str]:
    return [row.case, row.title, _seeds(row), *(str(row.total(name)) for name in _COLUMNS[3:])]


def _seeds(row: Row) -> str:
    return str(len(row.results))


def _verdict(row: Row) -> str:
    return "pass" if row.passes else "FAIL"


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.1f} min"


def _order(key: str) -> tuple[int, str]:
    return int(re.sub(r"\D.*", "", key[1:])), key


def _cpu() -> str:
    try:
        found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        found = None
    return found[1] if found else platform.machine()
