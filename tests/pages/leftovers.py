"""What a Spanish page says in the words of the English one: names and codes, or a sentence left behind."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html.parser import HTMLParser

_UNREAD = frozenset({"script", "style"})
_SAID = frozenset({"aria-label", "aria-description", "placeholder", "title", "alt", "content"})
# Frequent in English, and no Spanish words: where one stands, a part of a sentence was left behind.
_ENGLISH = re.compile(
    r"\b(the|is|are|was|were|and|or|of|with|this|that|not|your|have|for|from|nobody|who|which|been|it|to)\b",
    re.IGNORECASE,
)
_RUN_ON = re.compile(r"[^\W\d_]{2}[.!?](?=[A-ZÁÉÍÓÚÑ¿¡])")  # the next begins at once
_LETTERS = re.compile(r"[^\W\d_]{2}")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: set[str] = set()
        self._within: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNREAD:
            self._within.append(tag)
        found = dict(attrs)
        if "lang" in found and tag != "html":
            self._within.append("named")
        elif tag != "meta":
            self.texts |= {found[name] or "" for name in _SAID & set(found)}

    def handle_endtag(self, tag: str) -> None:
        if self._within and (tag in _UNREAD or self._within[-1] == "named"):
            self._within.pop()

    def handle_data(self, data: str) -> None:
        if not self._within:
            self.texts.add(" ".join(data.split()))


def texts(html: str) -> set[str]:
    """All that a page shows or reads out, a text node or attribute each, where it has letters.

    What names another language of itself (a link "Español" with its `lang`) is no part of the page's own.
    """
    reader = _Reader()
    reader.feed(html)
    return {one for one in reader.texts if _LETTERS.search(one)}


def left(english: str, spanish: str, allowed: Iterable[str]) -> list[str]:
    """What both say alike and no pattern of `allowed` covers whole."""
    patterns = [re.compile(one) for one in allowed]
    both = texts(english) & texts(spanish)
    return sorted(one for one in both if not any(pattern.fullmatch(one) for pattern in patterns))


def mixed(spanish: str, allowed: Iterable[str]) -> list[str]:
    """What has an English word in it and no pattern of `allowed` covers whole."""
    patterns = [re.compile(one, re.DOTALL) for one in allowed]
    return sorted(
        one
        for one in texts(spanish)
        if _ENGLISH.search(one) and not any(pattern.fullmatch(one) for pattern in patterns)
    )


def run_on(html: str) -> list[str]:
    """Where one sentence runs into the next, since a template ate the space between them."""
    return sorted(one for one in texts(html) if _RUN_ON.search(one))
