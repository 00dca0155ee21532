"""What a text looks like once spelling, keyboards and phones are taken out of it.

Two views, both pure. `tidy` keeps the words as written and is what digits and codes are read from.
`Searchable` is what lexicons are searched in: it forgets case, accents, apostrophes, leet, repeated letters
and spaces inside words. Searching is made to find too much rather than too little.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

# Before NFKC, which would turn an acute accent used as apostrophe into a space.
_APOSTROPHES: Final = str.maketrans(
    dict.fromkeys("'`\u00b4\u2018\u2019\u201b\u02b9\u02bc\u02bb\u02c8\u2032\uff07", "")
)
# Marks, the enclosing keycap, variation selectors, joiners, zero-width spaces.
_INVISIBLE: Final = frozenset({"Mn", "Me", "Cf"})
_LEET_AS_I: Final = str.maketrans("013457@$!|", "oieastasii")
_LEET_AS_L: Final = str.maketrans("013457@$!|", "oleastasll")
_WORD: Final = re.compile(r"[a-z0-9]+(?:[@$!|]+[a-z0-9]+)*|[@$][a-z0-9]+(?:[@$!|]+[a-z0-9]+)*")
_LETTERS: Final = re.compile(r"[a-z]+")
_REPEATED: Final = re.compile(r"(.)\1+", re.DOTALL)
# Phrases this long may run across word borders ("iwanttodie"); shorter ones must be whole words.
_LONG: Final = 7
_SPELLED_RUN: Final = 3
# Stand-ins for an attachment or a lost character, not a reaction.
_NOT_EMOJI: Final = frozenset("\ufffc\ufffd")


def tidy(text: str) -> str:
    """`text` with plain digits (fullwidth, keycap, circled, any script), no invisible marks, no outer space.

    Case, punctuation and words stay. Applying it twice changes nothing more.
    """
    visible = "".join(
        c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) not in _INVISIBLE
    )
    plain = "".join(_plain_digit(c) for c in visible)
    return unicodedata.normalize("NFKC", plain).strip()


def _plain_digit(char: str) -> str:
    value = unicodedata.decimal(char, None)
    return char if value is None else str(value)


def fold(text: str) -> str:
    """`text` tidy, in lower case and without accents; punctuation stays."""
    apart = unicodedata.normalize("NFKD", tidy(text).casefold())
    return "".join(c for c in apart if unicodedata.category(c) not in _INVISIBLE)


def is_emoji_only(text: str) -> bool:
    """Whether `text` is nothing but pictures (with their joiners and skin tones); keycap digits are not."""
    kinds = [unicodedata.category(c) for c in text if not c.isspace()]
    pictures = _INVISIBLE | {"So", "Sk"}
    return "So" in kinds and not _NOT_EMOJI & set(text) and all(kind in pictures for kind in kinds)


def lone_digit(text: str) -> str | None:
    """The one digit that stands by itself among other words ("1?", "no 1"), None for none or several."""
    parts = (part.strip(".,;:!?¡¿()[]\"'\u201c\u201d\u2018\u2019#*") for part in tidy(text).split())
    digits = {part for part in parts if len(part) == 1 and part in "0123456789"}
    return digits.pop() if len(digits) == 1 else None


def _fold(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text.translate(_APOSTROPHES)).casefold()
    bare = "".join(
        _plain_digit(c)
        for c in unicodedata.normalize("NFKD", folded)
        if unicodedata.category(c) not in _INVISIBLE
    )
    return bare.translate(_APOSTROPHES)


def _once(text: str) -> str:
    return _REPEATED.sub(r"\1", text)


def _unleet(word: str, table: dict[int, int]) -> str:
    return word.translate(table) if _LETTERS.search(word) else word


def _join_spelled(words: list[str]) -> Iterator[str]:
    """Letters sent one by one ("k i l l") become the word they spell."""
    run: list[str] = []
    for word in [*words, ""]:
        if len(word) == 1 and word.isalpha():
            run.append(word)
            continue
        yield from ["".join(run)] if len(run) >= _SPELLED_RUN else run
        run = []
        if word:
            yield word


@dataclass(frozen=True, slots=True)
class Phrase:
    """A lexicon entry ready to be looked for."""

    words: tuple[str, ...]
    joined: str  # the letters without spaces, repeated ones once

    @classmethod
    def of(cls, written: str) -> Phrase:
        """The phrase as a person would write it, in any spelling that the search forgets anyway."""
        words = tuple(_once(word) for word in _WORD.findall(_fold(written)))
        return cls(words, _once("".join(words)))


@dataclass(frozen=True)
class Searchable:
    """A text as lexicons see it."""

    text: str

    @cached_property
    def readings(self) -> tuple[tuple[str, ...], ...]:
        """The words in each way they may be meant: 1 as i, 1 as l, digits as gaps, spelled letters joined."""
        folded = _fold(self.text)
        written = _WORD.findall(folded)
        ways = [
            [_unleet(word, _LEET_AS_I) for word in written],
            [_unleet(word, _LEET_AS_L) for word in written],
            _LETTERS.findall(folded),
        ]
        ways += [list(_join_spelled(way)) for way in ways]
        return tuple(dict.fromkeys(tuple(_once(word) for word in way) for way in ways))

    @cached_property
    def _padded(self) -> str:
        return "|".join(f" {' '.join(words)} " for words in self.readings)

    @cached_property
    def _joined(self) -> str:
        return "|".join(dict.fromkeys(_once("".join(words)) for words in self.readings))

    def has(self, phrase: Phrase) -> bool:
        """Whether the phrase is there, a long one even without its spaces or inside other letters."""
        if len(phrase.joined) >= _LONG and phrase.joined in self._joined:
            return True
        return self.has_words(phrase)

    def has_words(self, phrase: Phrase) -> bool:
        """Whether the phrase is there as whole words, or as one word written together."""
        return f" {' '.join(phrase.words)} " in self._padded or f" {phrase.joined} " in self._padded

    def is_only(self, phrase: Phrase, without: frozenset[str] = frozenset()) -> bool:
        """Whether the text is the phrase and nothing else, once the words in `without` are taken out."""
        if f" {phrase.words[0]} " not in self._padded:
            return False
        dropped = without - set(phrase.words)
        return any(_rest(words, dropped) == phrase.words for words in self.readings)


def _rest(words: tuple[str, ...], dropped: frozenset[str]) -> tuple[str, ...]:
    rest = [word for word in words if word not in dropped]
    return tuple(word for i, word in enumerate(rest) if i == 0 or word != rest[i - 1])
