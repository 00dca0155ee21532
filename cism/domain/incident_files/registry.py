"""The known formats: which one a file is in, and what each of its rows becomes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from cism.domain.csv_lines import CsvLine, csv_lines, did_you_mean, shown
from cism.domain.incident_files import cad, killings, lodd, schools, shootings, toronto
from cism.domain.incident_files.cells import RowRefusedError, not_in_future
from cism.domain.incident_files.known_format import Format
from cism.domain.incident_files.report import Imported, IncidentReport, PassedOver, Refused, RowResult
from cism.errors import BadInput

FORMATS: Mapping[str, Format] = {
    module.FORMAT.name: module.FORMAT for module in (lodd, killings, shootings, toronto, schools, cad)
}


def detect(header: Sequence[str]) -> Format:
    """The format whose columns the header names, in any order; more columns do no harm.

    Raises BadInput that names the nearest known format and the columns it misses.
    """
    names = {name.strip() for name in header}
    for known in FORMATS.values():
        if names.issuperset(known.columns):
            return known
    nearest = max(
        FORMATS.values(), key=lambda known: len(names.intersection(known.columns)) / len(known.columns)
    )
    missing = [column for column in nearest.columns if column not in names]
    message = (
        f"This is no known file of incidents. The nearest format is {nearest.name}, "
        f"which also needs the columns {', '.join(missing)}. Known: {', '.join(FORMATS)}."
    )
    raise BadInput(message, errors=[f"line 1: {message}"])


def format_named(name: str) -> Format:
    """A format by its name; raises BadInput with the known names."""
    if name not in FORMATS:
        message = (
            f"{shown(name)} is not a format{did_you_mean(name, list(FORMATS))}. Known: {', '.join(FORMATS)}."
        )
        raise BadInput(message, errors=[message])
    return FORMATS[name]


def read_incidents(
    text: str,
    *,
    format: str | None = None,
    today: date | None = None,
) -> Iterator[RowResult]:
    """One result for each line below the header that is not blank.

    `format` is a known name; without it the header tells. With `today` a row of a later day is refused.
    A row that repeats an earlier one of the same file is refused. Raises BadInput at once when the file
    is empty or its header does not fit.
    """
    lines = list(csv_lines(text))
    if not lines:
        message = "The file is empty."
        raise BadInput(message, errors=[f"line 1: {message}"])
    header = lines[0]
    if header.problem:
        message = f"line {header.number}: {header.problem}"
        raise BadInput(message, errors=[message])
    known = detect(header.cells) if format is None else _fitting(format_named(format), header)
    return _results(lines[1:], known, header.cells, today)


def _fitting(known: Format, header: CsvLine) -> Format:
    missing = [column for column in known.columns if column not in header.cells]
    if missing:
        message = f"The file lacks the columns {', '.join(missing)} of the format {known.name}."
        raise BadInput(message, errors=[f"line {header.number}: {message}"])
    return known


def _results(
    lines: Sequence[CsvLine], known: Format, columns: tuple[str, ...], today: date | None
) -> Iterator[RowResult]:
    first: dict[str, int] = {}
    for line in lines:
        result = _result(line, known, columns, today)
        if isinstance(result, Refused):
            yield result
            continue
        seen = first.setdefault(result.source_key, line.number)
        if seen == line.number or isinstance(result, PassedOver):
            yield result
        else:
            reason = f"the same incident as line {seen} (same {known.identity}); once is enough"
            yield Refused(line.number, result.source_key, reason)


def _result(line: CsvLine, known: Format, columns: tuple[str, ...], today: date | None) -> RowResult:
    if line.problem:
        return Refused(line.number, None, line.problem)
    if len(line.cells) != len(columns):
        return Refused(line.number, None, f"{len(line.cells)} cells, {len(columns)} columns")
    try:
        found = known.read_row(dict(zip(columns, line.cells, strict=True)))
        not_in_future(found.date if isinstance(found, IncidentReport) else found.day, today)
    except RowRefusedError as refused:
        return Refused(line.number, None, str(refused))
    if isinstance(found, IncidentReport):
        return Imported(line.number, found)
    return PassedOver(line.number, found.key, found.reason)
