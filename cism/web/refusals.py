"""What services refuse, in the reader's language.

Services word their refusals in English and know no page. Their sentences stand in locale/es/refusals.po with
%(one)s, %(two)s where a value is filled in; a page finds the sentence again by its words.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from babel.messages.pofile import read_po

from cism.web.words import LOCALE, Said

_VALUE: Final = re.compile(r"%\\\((\w+)\\\)s")  # as `re.escape` leaves it


def told(words: str) -> Said:
    """A refusal as a sentence that a page translates; one that is not known reads as it is."""
    if isinstance(words, Said):
        return words
    for pattern, msgid in _filled():
        if found := pattern.fullmatch(words):
            return Said(msgid, found.groupdict())
    return Said(words)


@cache
def _filled() -> tuple[tuple[re.Pattern[str], str], ...]:
    """The sentences with values, the longest first: a short one may begin like another."""
    ids = set()
    for path in LOCALE.glob("*/refusals.po"):
        with path.open("rb") as file:
            ids |= {str(message.id) for message in read_po(file) if message.id and "%(" in str(message.id)}
    return tuple((_pattern(one), one) for one in sorted(ids, key=lambda one: (-len(one), one)))


def _pattern(msgid: str) -> re.Pattern[str]:
    return re.compile(_VALUE.sub(r"(?P<\1>.*)", re.escape(msgid)), re.DOTALL)
