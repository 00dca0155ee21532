"""Languages: a folder of templates and a file of words each. English is always there; others are enabled.

The words are data (`words.yaml`), so that another language is another folder and no code. Which languages are
in use is known to the whole process, as the templates themselves are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import yaml

TEMPLATES: Final = Path(__file__).parent / "templates"
ENGLISH: Final = "en"
TAG: Final = re.compile(r"[a-z]{2}(?:-[A-Z]{2})?")
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LINES: Final = ("call or text", "call", "text")  # the longest first: "call" begins "call or text"
_SHORT: Final = 3  # letters of a day or a month, as the fields of a message have room for
# the same language; where the library was built with its fast parser, ten times as fast
_LOADER: Final[type[yaml.SafeLoader]] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class LanguageInvalid(ValueError):
    """The words of a language cannot be used; `problems` says all that is wrong, a line each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """One language: where its templates are, and what `words.yaml` says of it."""

    tag: str
    folder: Path
    banned: tuple[str, ...]
    preview_banned: tuple[str, ...]
    carrier: frozenset[str]
    peers: str
    command: str
    meanings: Mapping[str, tuple[str, ...]]
    spoken: Mapping[str, str]  # days, months and lines: from the English word to this language's
    questions: Mapping[str, str]

    def date(self, text: str) -> str:
        """A date as `wording` writes it ("Wed 10 Mar 14:00"), with this language's days and months."""
        return " ".join(self.spoken.get(word, word) for word in text.split(" "))

    def line(self, text: str) -> str:
        """How to reach the crisis line ("call or text 988"); words that are not known stay as they are."""
        for verb in _LINES:
            if text.lower().startswith(f"{verb} "):
                return self.spoken[verb] + text[len(verb) :]
        return text

    def listed(self, text: str) -> str:
        """Codes with a word each ("A7K2 team, B3M4 call"), each word in this language."""
        return ", ".join(self._choice(item) for item in text.split(", "))

    def spans(self, text: str) -> str:
        """Turns as `wording` writes them, with this language's days and months."""
        return ", ".join("-".join(self.date(end) for end in one.split("-")) for one in text.split(", "))

    def tasks(self, text: str) -> str:
        """Codes with by when and a word or two each ("A7K2 Tue 14:00 urgent call")."""
        return ", ".join(self._task(item) for item in text.split(", ") if item)

    def _task(self, item: str) -> str:
        code, *rest = item.split(" ")
        when = [one for one in rest if one in _DAYS + _MONTHS or any(c.isdigit() for c in one)]
        word = " ".join(rest[len(when) :])
        return " ".join([code, *map(self.date, when), self.questions.get(word, word)])

    def _choice(self, item: str) -> str:
        code, _, word = item.partition(" ")
        return f"{code} {self.questions.get(word, word)}" if word else item


def read_language(folder: Path) -> Language:
    """The language that a folder's `words.yaml` describes. Raises LanguageInvalid with everything wrong."""
    path = folder / "words.yaml"
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506 - a safe one
    except OSError as error:
        raise LanguageInvalid([f"{path}: cannot be read ({error.strerror})"]) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise LanguageInvalid([f"{path}: is not YAML in UTF-8; quote what has a colon"]) from error
    reader = _Reader(data if isinstance(data, dict) else {}, path)
    language = Language(
        tag=reader.text("language"),
        folder=folder,
        banned=reader.patterns("banned"),
        preview_banned=reader.patterns("preview_banned"),
        carrier=frozenset(word.lower() for word in reader.words("carrier", least=0)),
        peers=reader.text("peers"),
        command=reader.text("command"),
        meanings=reader.meanings(),
        spoken=MappingProxyType(
            {**reader.dates("days", _DAYS), **reader.dates("months", _MONTHS), **reader.lines()}
        ),
        questions=reader.table("questions"),
    )
    reader.finish(folder.name, language.tag)
    return language


class _Reader:
    """Takes `words.yaml` apart and collects what is wrong, so that all of it is told at once."""

    def __init__(self, data: Mapping[str, Any], path: Path) -> None:
        self._data, self._path, self._wrong = data, path, list[str]()

    def complain(self, key: str, what: str) -> None:
        self._wrong.append(f"{self._path}: {key}: {what}")

    def text(self, key: str) -> str:
        value = self._data.get(key)
        if not isinstance(value, str) or not value:
            self.complain(key, "must be a word")
            return ""
        return value

    def words(self, key: str, *, least: int = 1) -> tuple[str, ...]:
        return self._checked(self._data.get(key), key, least)

    def patterns(self, key: str) -> tuple[str, ...]:
        found = self.words(key)
        for item in found:
            try:
                re.compile(item)
            except re.error:
                self.complain(key, f"{item!r} is not a pattern; write the beginning of a word")
                return ()
        return found

    def meanings(self) -> Mapping[str, tuple[str, ...]]:
        table = self._data.get("meanings")
        table = table if isinstance(table, dict) else {}
        digits = "012345679"
        if set(table) != set(digits):
            self.complain("meanings", f'must name each of the digits "{", ".join(digits)}", in quotes')
        return MappingProxyType(
            {str(digit): self._checked(words, f"meanings.{digit}", 1) for digit, words in table.items()}
        )

    def dates(self, key: str, english: tuple[str, ...]) -> dict[str, str]:
        found = self.words(key, least=len(english))
        if len(found) != len(english) or any(len(item) > _SHORT for item in found):
            self.complain(
                key, f"must be {len(english)} words of at most {_SHORT} letters, {english[0]} first"
            )
            return {}
        return dict(zip(english, found, strict=True))

    def lines(self) -> dict[str, str]:
        table = self.table("line")
        if missing := [verb for verb in _LINES if verb not in table]:
            self.complain("line", f"lacks {', '.join(missing)}")
        return {verb: table.get(verb, verb) for verb in _LINES}

    def table(self, key: str) -> Mapping[str, str]:
        value = self._data.get(key)
        if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
            self.complain(key, "must be words with a word each")
            return MappingProxyType({})
        return MappingProxyType({str(name): text for name, text in value.items()})

    def finish(self, folder: str, tag: str) -> None:
        if tag and (not TAG.fullmatch(tag) or tag != folder):
            self.complain("language", f"must be the folder's name, a tag like es or es-US, not {tag!r}")
        if self._wrong:
            raise LanguageInvalid(self._wrong)

    def _checked(self, value: Any, key: str, least: int) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
            self.complain(key, "must be a list of words (quote those that YAML reads as true or false)")
            return ()
        if len(value) < least:
            self.complain(key, f"needs at least {least}")
        return tuple(value)


@cache
def shipped() -> Mapping[str, Language]:
    """The languages that come with the product, by tag."""
    folders = sorted(path.parent for path in TEMPLATES.glob("*/words.yaml"))
    return MappingProxyType({folder.name: read_language(folder) for folder in folders})


_added: dict[str, Language] = {}
_turn = [0]  # goes up whenever other languages are in use, so that nothing read before is used on


def known() -> Mapping[str, Language]:
    """Every language in use, by tag."""
    return {**shipped(), **_added}


def enable(languages: Mapping[str, Language]) -> None:
    """Use these beside the shipped ones, from now on and in place of others that were added before."""
    _added.clear()
    _added.update(languages)
    _turn[0] += 1


def turn() -> int:
    """Changes whenever other languages are in use."""
    return _turn[0]


@contextmanager
def enabled(languages: Mapping[str, Language]) -> Iterator[None]:
    """Use these for a while."""
    before = dict(_added)
    enable({**before, **languages})
    try:
        yield
    finally:
        enable(before)


def spoken_in(tag: str) -> Language:
    """The language of a tag like "es" or "es-US"; English where it is not in use."""
    languages = known()
    return languages.get(tag) or languages.get(tag.partition("-")[0]) or languages[ENGLISH]
