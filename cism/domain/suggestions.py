"""Say what somebody probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(word: str, known: Iterable[str], *, at_most: int = 3) -> list[str]:
    """Up to `at_most` known words that look like `word`, the likeliest first; case does not matter."""
    by_folded = {name.casefold(): name for name in known}
    return [
        by_folded[found] for found in get_close_matches(word.casefold(), by_folded, n=at_most, cutoff=0.5)
    ]


def nearest_hint(word: str, known: Iterable[str]) -> str:
    """A sentence with the nearest known words, or with all of them when none is near."""
    names = sorted(known)
    close = nearest(word, names)
    return f"Did you mean {' or '.join(close)}?" if close else f"Known: {', '.join(names)}."
