"""The words of the pages, in the reader's language.

Sentences are written in English where they are used and translated when a page is rendered: the threads that
read the database need not know who reads. Spanish stands in locale/es/, one gettext file a subject, read on
first use without a build step. What has no translation is shown in English.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from gettext import NullTranslations
from pathlib import Path
from typing import Any, Final

from babel.messages.catalog import Catalog
from markupsafe import escape

from notifications import catalogues

LOCALE: Final = Path(__file__).parent / "locale"
ENGLISH: Final = "en"
_now_in: ContextVar[str] = ContextVar("language of the page", default=ENGLISH)


class Said(str):
    """A sentence of ours: reads as English anywhere, and as the reader's language on a page."""

    __slots__ = ("msgid", "values")
    msgid: str
    values: dict[str, Any]

    def __new__(cls, msgid: str, values: Mapping[str, Any] | None = None) -> Said:
        """`values` fill the sentence's %(names)s; those that are sentences themselves are translated too."""
        made = super().__new__(cls, msgid % values if values else msgid)
        made.msgid, made.values = msgid, dict(values or {})
        return made

    def told(self) -> str:
        """In the language of the page that is being rendered."""
        words = gettext(self.msgid)
        return words % {name: told(value) for name, value in self.values.items()} if self.values else words

    def __html__(self) -> str:
        """What a template shows: translated, and escaped like any other text."""
        return str(escape(self.told()))


def _(msgid: str, **values: Any) -> Said:
    """A sentence that is translated when a page shows it."""
    return Said(msgid, values)


def told(value: Any) -> Any:
    """A value as the reader sees it: sentences in their language, all else as it is."""
    return value.told() if isinstance(value, Said) else value


def sentence(value: Any) -> str:
    """What a service worded for a terminal, as a page says it: with a capital and a full stop."""
    text = str(told(value))
    first = text.split(" ", 1)[0]
    text = text[:1].upper() + text[1:] if first.isalpha() else text  # a key or a reference stays
    return text if text.endswith((".", "!", "?", "…", ":")) else f"{text}."


def gettext(msgid: str) -> str:
    """A sentence in the language of the page that is being rendered."""
    return translations(_now_in.get()).gettext(str.__str__(msgid))


def ngettext(one: str, many: str, count: int) -> str:
    """The same for a sentence with a number."""
    return translations(_now_in.get()).ngettext(one, many, count)


def language() -> str:
    """The language of the page that is being rendered."""
    return _now_in.get()


@contextmanager
def spoken_in(tag: str) -> Iterator[None]:
    """Render in this language."""
    before = _now_in.set(tag)
    try:
        yield
    finally:
        _now_in.reset(before)


@cache
def languages() -> tuple[str, ...]:
    """The languages that pages exist in."""
    return (ENGLISH, *sorted(path.name for path in LOCALE.iterdir() if path.is_dir()))


def best(tag: str | None, accepted: str = "") -> str:
    """The page language of somebody: their own where it is one of ours, else the browser's, else English."""
    wanted = catalogues.wished(tag or accepted)
    return next((one for one in wanted if one in languages()), ENGLISH)


@cache
def translations(tag: str) -> NullTranslations:
    """All sentences of a language."""
    return NullTranslations() if tag == ENGLISH else catalogues.compiled(catalogue(tag))


def catalogue(tag: str) -> Catalog:
    """The files of a language as one."""
    return catalogues.read(sorted((LOCALE / tag).glob("*.po")), tag)
