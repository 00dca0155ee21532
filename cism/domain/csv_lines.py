"""CSV read one physical line at a time, so that one bad line can never swallow its neighbours.

Neither the roster nor any known file of incidents has line breaks inside a cell; a quote that is left
open is therefore an error of its own line, and every line number is exact.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass

from cism.domain.suggestions import nearest
from cism.errors import BadInput

_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffd]"
)
# What UTF-8 looks like after somebody read it as Latin-1 or Windows-1252.
_MISREAD = re.compile("[\u00c2\u00c3][\u0080-\u00bf\u0152-\u0178\u2018-\u2122]|\u00e2\u20ac")


@dataclass(frozen=True, slots=True)
class CsvLine:
    """One line that is not blank: its number in the file (from 1) and its cells, or what is wrong with it."""

    number: int
    cells: tuple[str, ...]
    problem: str | None = None


def decode_utf8(raw: bytes) -> str:
    """The text of a UTF-8 file, with or without a byte order mark.

    Raises BadInput naming the first line that is not UTF-8.
    """
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # `error.object` and not `raw`: without the byte order mark, as `start` counts
        line = len((error.object[: error.start] + b"?").splitlines())
        message = f"Line {line} is not UTF-8: save the file as CSV in UTF-8 and import it again."
        raise BadInput(message, errors=[f"line {line}: not UTF-8"]) from error


def csv_lines(text: str) -> Iterator[CsvLine]:
    """Every line that is not blank, cells stripped of outer spaces."""
    unix = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    for number, line in enumerate(unix.split("\n"), start=1):
        if line.strip():
            yield _read(number, line)


def _read(number: int, line: str) -> CsvLine:
    if len(line) > csv.field_size_limit():
        return CsvLine(number, (), "the line is far too long to be one row")
    try:
        # The added line break is what csv expects at the end of a closed row.
        rows = list(csv.reader([line + "\n"], strict=True))
    except csv.Error:
        return CsvLine(number, (), 'a quote (") is not closed on its line; close it, or double it in a value')
    return CsvLine(number, tuple(cell.strip() for cell in rows[0]))


def garbled(text: str) -> bool:
    """Whether a text holds control characters or the marks of a wrong character set."""
    return bool(_CONTROL.search(text) or _MISREAD.search(text))


def shown(value: str) -> str:
    """A value quoted for an error message, cut to 40 characters, nothing unprintable."""
    kept = "".join(char if char.isprintable() else "?" for char in value)
    return f"'{kept[:40]}…'" if len(kept) > 40 else f"'{kept}'"


def did_you_mean(value: str, known: list[str]) -> str:
    """' (did you mean …?)' with the nearest known value, or nothing."""
    near = nearest(value, known, at_most=1)
    return f" (did you mean {near[0]}?)" if near else ""
