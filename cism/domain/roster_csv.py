"""A roster file: every row is validated first, every error comes at once, by line (contract.md, Roster CSV).

Pure: nothing is looked up or saved here. Whether an import may change what is already known about a
person (it never widens a consent, never lifts a STOP) is decided where the rows meet the database.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from cism.domain.csv_lines import CsvLine, csv_lines, did_you_mean, shown
from cism.domain.roster_checks import Problem, check_rows, warnings_for
from cism.domain.roster_rows import COLUMNS, CellReader, RosterRow
from cism.errors import BadInput

__all__ = ["COLUMNS", "RosterFile", "RosterRow", "parse_roster"]


@dataclass(frozen=True, slots=True)
class RosterFile:
    """A roster without errors, and what a coordinator should know about it."""

    rows: tuple[RosterRow, ...]
    warnings: tuple[str, ...]


def parse_roster(text: str, *, today: date, region: str = "US", known: Collection[str] = ()) -> RosterFile:
    """Read a whole roster file or refuse all of it.

    `region` is the country of national phone numbers; `known` are keys `agency:id` of people already on
    the roster, who may be referred to without standing in the file. Raises BadInput with every error.
    """
    lines = list(csv_lines(text))
    if not lines:
        raise _refusal([f"line 1: the file is empty; its first line must be {','.join(COLUMNS)}"])
    columns = _header(lines[0])
    rows, problems = _rows(lines[1:], columns, region)
    if len(lines) == 1:
        problems.append(Problem(lines[0].number, "no people below the header; add one line a person"))
    seen = {f"{row.agency}:{row.id}" for row in rows}
    problems += check_rows(rows, seen.union(known), complete=not problems)
    if problems:
        raise _refusal([f"line {problem.line}: {problem.text}" for problem in sorted(problems)])
    return RosterFile(tuple(rows), tuple(warnings_for(rows, today)))


def _refusal(errors: list[str]) -> BadInput:
    count = "one error" if len(errors) == 1 else f"{len(errors)} errors"
    return BadInput(f"The roster has {count}; nothing was saved. First: {errors[0]}", errors=errors)


def _header(line: CsvLine) -> tuple[str, ...]:
    if line.problem:
        raise _refusal([f"line {line.number}: {line.problem}"])
    errors = [
        f"line {line.number}: unknown column {shown(name)}{did_you_mean(name, list(COLUMNS))}; "
        f"rename or remove it, the columns are {','.join(COLUMNS)}"
        for name in line.cells
        if name not in COLUMNS
    ]
    errors += [
        f"line {line.number}: column {name} is missing; add it" for name in COLUMNS if name not in line.cells
    ]
    errors += [
        f"line {line.number}: column {name} stands there more than once; keep one"
        for name in COLUMNS
        if line.cells.count(name) > 1
    ]
    if errors:
        raise _refusal(errors)
    return line.cells


def _rows(
    lines: Sequence[CsvLine], columns: tuple[str, ...], region: str
) -> tuple[list[RosterRow], list[Problem]]:
    rows: list[RosterRow] = []
    problems: list[Problem] = []
    for line in lines:
        if line.problem:
            problems.append(Problem(line.number, line.problem))
        elif len(line.cells) != len(columns):
            text = f"{len(line.cells)} cells, {len(columns)} columns; a value with a comma needs quotes"
            problems.append(Problem(line.number, text))
        else:
            reader = CellReader(line.number, dict(zip(columns, line.cells, strict=True)), region)
            row = reader.row()
            problems += [Problem(line.number, error) for error in reader.errors]
            rows.append(row)
    return rows, problems
