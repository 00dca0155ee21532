"""Lexicons: the words of a language that raise an alarm, end the texts, or ask who we are.

They are data, one file a language. All enabled ones are searched in every reply, whatever language the sender
is enrolled in, because people in distress go back to their first language. A lexicon raises, never lowers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Final

import yaml

from cism.domain.codes import without_codes
from cism.domain.escalation_level import EscalationLevel, most_pressing
from cism.domain.reply_text import Phrase, Searchable, fold, tidy
from cism.domain.yaml_lines import plain_yaml
from cism.errors import BadInput

_DIGITS: Final = frozenset("0123456789")


@dataclass(frozen=True, slots=True)
class Alarm:
    """One crisis phrase, or one set of words that alarm only together, and how grave it is."""

    level: EscalationLevel
    all_of: tuple[tuple[Phrase, ...], ...]

    def rings(self, message: Searchable) -> bool:
        """Whether the text has at least one phrase of every group."""
        return all(any(message.has(phrase) for phrase in group) for group in self.all_of)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lexicon:
    """One language's words, ready to be looked for."""

    language: str
    alarms: tuple[Alarm, ...]
    emoji: tuple[tuple[str, EscalationLevel], ...]
    opt_out_anywhere: tuple[Phrase, ...]
    opt_out_alone: tuple[Phrase, ...]
    opt_out_with_digit: tuple[Phrase, ...]
    opt_out_unless: tuple[Phrase, ...]
    who_anywhere: tuple[Phrase, ...]
    who_alone: tuple[Phrase, ...]
    call_now: tuple[Phrase, ...]
    filler: frozenset[str]
    tapback: re.Pattern[str]
    numbers: tuple[tuple[Phrase, str], ...]

    def crisis(self, message: Searchable) -> EscalationLevel | None:
        """The gravest alarm that rings; None when none does."""
        signs = tidy(message.text)
        seen = {level for sign, level in self.emoji if sign in signs}
        seen |= {alarm.level for alarm in self.alarms if alarm.level not in seen and alarm.rings(message)}
        return most_pressing(seen) if seen else None

    def opts_out(self, message: Searchable) -> bool:
        """Whether the sender wants no more texts, in words that no carrier intercepts."""
        if any(message.has_words(phrase) for phrase in self.opt_out_unless):
            return False
        if any(message.has_words(phrase) for phrase in self.opt_out_anywhere):
            return True
        if any(message.is_only(phrase, self.filler) for phrase in self.opt_out_alone):
            return True
        wordy = Searchable(without_codes(message.text))
        return any(wordy.is_only(phrase, self.filler | _DIGITS) for phrase in self.opt_out_with_digit)

    def asks_who(self, message: Searchable) -> bool:
        """Whether the sender does not know us, or is not the person we meant."""
        return any(message.has_words(phrase) for phrase in self.who_anywhere) or any(
            message.is_only(phrase, self.filler) for phrase in self.who_alone
        )

    def wants_call_now(self, message: Searchable) -> bool:
        """Whether the whole text is the wish for a call now, or "three", politely or not."""
        three = [phrase for phrase, digit in self.numbers if digit == "3"]
        return any(message.is_only(phrase, self.filler) for phrase in [*self.call_now, *three])

    def is_tapback(self, message: Searchable) -> bool:
        """Whether a phone wrote this because its owner tapped on a message; what it quotes is ours."""
        return self.tapback.fullmatch(fold(message.text)) is not None

    def spelled_digit(self, message: Searchable) -> str | None:
        """The digit whose name is the whole text."""
        return next((digit for phrase, digit in self.numbers if message.is_only(phrase)), None)


def lexicon_from(data: Mapping[str, Any], origin: str = "lexicon") -> Lexicon:
    """A lexicon from its file's content. Raises BadInput naming every missing or misspelled entry."""
    reader = _Reader(data, origin)
    lexicon = Lexicon(
        language=reader.text("language"),
        alarms=(*reader.alarms(), *reader.together()),
        emoji=reader.emoji(),
        opt_out_anywhere=reader.phrases("opt_out", "anywhere"),
        opt_out_alone=reader.phrases("opt_out", "alone"),
        opt_out_with_digit=reader.phrases("opt_out", "with_digit"),
        opt_out_unless=reader.phrases("opt_out", "unless", required=False),
        who_anywhere=reader.phrases("who_is_this", "anywhere"),
        who_alone=reader.phrases("who_is_this", "alone"),
        call_now=reader.phrases("call_now"),
        filler=frozenset(word for phrase in reader.phrases("filler") for word in phrase.words),
        tapback=_tapback(reader.strings("tapback", "verbs"), reader.strings("tapback", "objects")),
        numbers=reader.numbers(),
    )
    reader.finish()
    return lexicon


class _Reader:
    """Takes a lexicon file apart and collects what is wrong with it, so that all of it is told at once."""

    def __init__(self, data: Mapping[str, Any], origin: str) -> None:
        self._data = data if isinstance(data, Mapping) else {}
        self._origin = origin
        self._errors: list[str] = []

    def _at(self, path: Sequence[str]) -> Any:
        node: Any = self._data
        for key in path:
            node = node.get(key) if isinstance(node, Mapping) else None
        return node

    def _wrong(self, path: Sequence[str], what: str) -> None:
        self._errors.append(f"{self._origin}: {'.'.join(path)}: {what}")

    def text(self, *path: str) -> str:
        value = self._at(path)
        if not isinstance(value, str) or not value:
            self._wrong(path, "must be a word")
        return str(value)

    def strings(self, *path: str, required: bool = True) -> list[str]:
        value = self._at(path)
        return [] if value is None and not required else self._checked(value, path, required=required)

    def _checked(self, value: Any, path: Sequence[str], *, required: bool = True) -> list[str]:
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self._wrong(path, "must be a list of phrases (quote words that YAML reads as true or false)")
            return []
        if required and not value:
            self._wrong(path, "needs at least one phrase")
        return value

    def phrases(self, *path: str, required: bool = True) -> tuple[Phrase, ...]:
        return self._made(self.strings(*path, required=required), path)

    def _made(self, written: Iterable[str], path: Sequence[str]) -> tuple[Phrase, ...]:
        made = [(item, Phrase.of(item)) for item in written]
        for item, phrase in made:
            if not phrase.words:
                self._wrong(path, f"{item!r} has no letter that can be looked for")
        return tuple(phrase for _, phrase in made if phrase.words)

    def alarms(self) -> list[Alarm]:
        levels = (EscalationLevel.EMERGENCY, EscalationLevel.URGENT)
        return [
            Alarm(level, ((phrase,),)) for level in levels for phrase in self.phrases("crisis", level.value)
        ]

    def together(self) -> list[Alarm]:
        rows = self._at(["together"]) or []
        return [alarm for number, row in enumerate(rows) for alarm in self._one_together(row, number)]

    def _one_together(self, row: Any, number: int) -> list[Alarm]:
        path = ["together", str(number)]
        level = row.get("level") if isinstance(row, Mapping) else None
        groups = row.get("all") if isinstance(row, Mapping) else None
        if (
            level not in (EscalationLevel.URGENT, EscalationLevel.EMERGENCY)
            or not isinstance(groups, list)
            or not groups
        ):
            self._wrong(path, "needs `level` URGENT or EMERGENCY and `all`, a list of lists of phrases")
            return []
        return [
            Alarm(
                EscalationLevel(level),
                tuple(self._made(self._checked(group, path), path) for group in groups),
            )
        ]

    def emoji(self) -> tuple[tuple[str, EscalationLevel], ...]:
        signs = []
        for level in (EscalationLevel.EMERGENCY, EscalationLevel.URGENT):
            signs += [(tidy(sign), level) for sign in self.strings("emoji", level.value, required=False)]
        return tuple(signs)

    def numbers(self) -> tuple[tuple[Phrase, str], ...]:
        table = self._at(["numbers"])
        if not isinstance(table, Mapping) or not {"2", "3"} <= set(table.values()):
            self._wrong(["numbers"], "must name at least the digits 2 and 3, as text")
            return ()
        return tuple((Phrase.of(str(word)), str(digit)) for word, digit in table.items())

    def finish(self) -> None:
        if self._errors:
            message = f"This lexicon cannot be used: {'; '.join(self._errors)}"
            raise BadInput(message, errors=self._errors)


_QUOTED: Final = r"[“\"«][^“”\"«»]*[”\"»]"
_PICTURE: Final = r"[^\w\s“”\"«»]{1,8}"


def _tapback(verbs: Iterable[str], objects: Iterable[str]) -> re.Pattern[str]:
    """Matches a whole text, folded, that a phone wrote because its owner tapped on a message."""
    spoken = "|".join(r"\s+".join(_verb_part(part) for part in fold(verb).split()) for verb in verbs)
    things = "|".join(re.escape(fold(thing)) for thing in objects)
    return re.compile(rf"(?:{spoken})\s+(?:{_QUOTED}|(?:{things})\b\W*)")


def _verb_part(part: str) -> str:
    return _PICTURE if part == "{emoji}" else re.escape(part)


def load_lexicons(folder: Traversable) -> tuple[Lexicon, ...]:
    """Every lexicon in a folder, by language. Raises BadInput naming the file that cannot be used."""
    found = sorted(
        (entry for entry in folder.iterdir() if entry.name.endswith(".yaml")), key=lambda e: e.name
    )
    return tuple(_load(entry) for entry in found)


def _load(entry: Traversable) -> Lexicon:
    try:
        data = plain_yaml(entry.read_text(encoding="utf-8"))
    except yaml.YAMLError as fault:
        mark = getattr(fault, "problem_mark", None)
        place = f"{entry.name}:{mark.line + 1}" if mark else entry.name
        message = f"{place}: this is not YAML; check the indentation and quote phrases with a colon"
        raise BadInput(message) from fault
    return lexicon_from(data, entry.name)


@cache
def shipped_lexicons() -> tuple[Lexicon, ...]:
    """The lexicons that come with the product; adding a language is adding its file."""
    return load_lexicons(files("cism.domain") / "lexicons")
