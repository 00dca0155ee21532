"""What services refuse, in the reader's language.

Services word their refusals in English and know no page. Their sentences stand in locale/es/refusals.po, and
those about a roster's lines in roster.po, with %(one)s, %(two)s where a value is filled in; a page finds the
sentence again by its words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Final

from babel.messages.pofile import read_po

from cism.domain.roster_rows import COLUMNS
from cism.web.words import LOCALE, Said, _

_VALUE: Final = re.compile(r"%\\\((\w+)\\\)s")  # as `re.escape` leaves it
_LINE: Final = re.compile(r"line (\d+): (.*)", re.DOTALL)
_CELL: Final = re.compile(rf"({'|'.join(COLUMNS)}): (.*)", re.DOTALL)
_REFUSALS, _ROSTER = "refusals", "roster"


def told(words: str) -> Said:
    """A refusal as a sentence that a page translates; one that is not known reads as it is."""
    if isinstance(words, Said):
        return words
    return _found(words, _REFUSALS) or Said(words)


def by_line(words: str) -> Said:
    """The same for what a roster's import says: perhaps of a line, perhaps of a cell of that line."""
    if isinstance(words, Said):
        return words
    if line := _LINE.fullmatch(words):
        return _("line %(number)s: %(problem)s", number=line[1], problem=by_line(line[2]))
    if cell := _CELL.fullmatch(words):
        return Said("%(column)s: %(problem)s", {"column": cell[1], "problem": by_line(cell[2])})
    return _found(words, _ROSTER) or told(words)


def listed(items: Iterable[str]) -> Said:
    """Several sentences or names behind each other."""
    values = {f"n{place}": one for place, one in enumerate(items)}
    return Said("; ".join(f"%({name})s" for name in values), values)


def _found(words: str, file: str) -> Said | None:
    if words in _whole(file):
        return Said(words)
    for pattern, msgid in _filled(file):
        if found := pattern.fullmatch(words):
            return Said(msgid, {name: _value(value) for name, value in found.groupdict().items()})
    return None


def _value(written: str) -> str:
    """A value as the sentence gives it; a part of a sentence is a sentence itself."""
    return _found(written, _ROSTER) or written


@cache
def _filled(file: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    """The sentences with values, the longest first: a short one may begin like another."""
    ids = (one for one in _ids(file) if "%(" in one)
    return tuple((_pattern(one), one) for one in sorted(ids, key=lambda one: (-len(one), one)))


@cache
def _whole(file: str) -> frozenset[str]:
    return frozenset(one for one in _ids(file) if "%(" not in one)


def _ids(file: str) -> set[str]:
    found = set()
    for path in LOCALE.glob(f"*/{file}.po"):
        with path.open("rb") as read:
            found |= {str(message.id) for message in read_po(read) if message.id}
    return found


def _pattern(msgid: str) -> re.Pattern[str]:
    return re.compile(_VALUE.sub(r"(?P<\1>.*)", re.escape(msgid)), re.DOTALL)
