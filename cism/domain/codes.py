"""Codes that tie a reply to one question: letter digit letter digit, easy to read aloud and to thumb in.

Letters that look like digits (I O L S Z) and digits that look like letters (0 1) are left out, so that no
code can be mistyped into another by a look-alike. A code never begins with a digit and is never a word.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from itertools import product
from typing import Final, Protocol

from cism.domain.reply_text import tidy
from cism.errors import CismError

LETTERS: Final = "ABCDEFGHJKMNPQRTUVWXY"
DIGITS: Final = "23456789"
# Voice-to-text and careful thumbs put a space or a hyphen in the middle: "A7 K2".
CODE_PATTERN: Final = rf"[{LETTERS}][{DIGITS}][ -]?[{LETTERS}][{DIGITS}]"
_IN_TEXT: Final = re.compile(rf"(?<![A-Z]){CODE_PATTERN}(?![A-Z])")
_TRIES: Final = 64


class NoCodeLeft(CismError):
    """Every code was given to this person within the last 180 days; close old questions first."""

    problem = "no-code-left"


class Chooser(Protocol):
    """A source of chance: `random.Random`, `secrets.SystemRandom` or the `secrets` module."""

    def choice(self, seq: Sequence[str], /) -> str:
        """One element of `seq`."""
        ...


def new_code(rng: Chooser, taken: Collection[str]) -> str:
    """A code that is not in `taken` (the codes this person was given in the last 180 days, upper case).

    Raises NoCodeLeft when all 28,224 are taken.
    """
    for _ in range(_TRIES):
        code = "".join(rng.choice(part) for part in (LETTERS, DIGITS, LETTERS, DIGITS))
        if code not in taken:
            return code
    free = [code for code in all_codes() if code not in taken]
    if not free:
        raise NoCodeLeft
    return rng.choice(free)


def all_codes() -> list[str]:
    """Every possible code, in alphabetical order."""
    return ["".join(parts) for parts in product(LETTERS, DIGITS, LETTERS, DIGITS)]


def canonical(code: str) -> str:
    """The one spelling of a code: upper case, nothing in the middle."""
    return re.sub(r"[ -]", "", code).upper()


def find_codes(text: str) -> tuple[str, ...]:
    """Every different code written in `text`, in order; it may touch a digit, never a letter."""
    found = (canonical(match) for match in _IN_TEXT.findall(tidy(text).upper()))
    return tuple(dict.fromkeys(found))


def find_code(text: str) -> str | None:
    """The one code in `text`; None when there is none or more than one."""
    codes = find_codes(text)
    return codes[0] if len(codes) == 1 else None


def without_codes(text: str) -> str:
    """`text` with every code taken out."""
    return re.sub(_IN_TEXT.pattern, " ", tidy(text), flags=re.IGNORECASE)
