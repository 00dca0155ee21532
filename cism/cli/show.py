"""How the command line speaks: tables for people, JSON for programs, progress on standard error."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from cism.services.clockwork import stamp

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?Z")
_WIDE = 160  # columns where nobody looks: a file or another program
AsJson = Annotated[bool, typer.Option("--json", help="As JSON, for programs.")]


def data(value: object) -> None:
    """One JSON document on standard output."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def line(text: str) -> None:
    """One line on standard output, exactly as it is."""
    typer.echo(text)


def table(title: str, columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]], empty: str) -> None:
    """Rows as a table; `columns` are the keys to show and their headings."""
    if not rows:
        line(empty)
        return
    shown = Table(title=title, title_justify="left", header_style="bold")
    for place, heading in enumerate(columns.values()):
        shown.add_column(heading, overflow="fold", no_wrap=place == 0)  # ids stay whole: people copy them
    for row in rows:
        shown.add_row(*(_cell(row.get(key)) for key in columns))
    # markup and highlighting would change what a roster or a file says
    console = Console(markup=False, highlight=False)
    if not console.is_terminal:
        console = Console(markup=False, highlight=False, width=_WIDE)
    console.print(shown)


def listing(
    rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str], *, title: str, empty: str, as_json: bool
) -> None:
    """A listing either way: all keys as JSON, or the given columns as a table."""
    if as_json:
        data(rows)
    else:
        table(title, columns, rows, empty)


def moment(at: datetime | None) -> str | None:
    """ISO 8601 in UTC."""
    return stamp(at) if at is not None else None


@contextmanager
def progress(text: str) -> Iterator[Progress]:
    """A bar on standard error, only where a person looks at it."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        bar.add_task(text, total=None)
        yield bar


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    return f"{text[:10]} {text[11:16]}Z" if _INSTANT.fullmatch(text) else text
