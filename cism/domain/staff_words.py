"""Words that helpers may text about their own work, beside digits and codes.

A word counts only as a whole text: the word, and after it nothing but the code, the day or the colleague's
name that it takes. It is looked for last, where a text would otherwise go to a human, and only from somebody
whose role has it (cism.domain.replies). Anything else beside it makes it free text again, so that a sentence
that begins with one of these words is read by a human.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from cism.domain.acts import Act
from cism.domain.codes import CODE_PATTERN, canonical
from cism.domain.reply_text import fold


class StaffWord(StrEnum):
    """What helpers may text; the values are the English words."""

    WORDS = "words"  # what can be texted
    TASKS = "tasks"  # what is theirs to do, and by when
    WEEK = "week"  # their turns on call
    REST = "rest"  # asked for nothing before a day
    BACK = "back"  # may be asked again
    READY = "ready"  # they can serve again after an incident of their own
    SWAP = "swap"  # a colleague is asked to take a turn
    KEEP = "keep"  # the colleague is asked no longer
    BRIEF = "brief"  # how a call, or a meeting, goes
    LIMITS = "limits"  # the limits of confidentiality were told
    REFER = "refer"  # the person agreed that a clinician takes over
    DESK = "desk"  # calls for help that nobody has taken
    GIVE = "give"  # a colleague is asked to take over a call for help


class Part(StrEnum):
    """What stands behind a word."""

    CODE = "CODE"
    DAY = "DAY"
    NAME = "NAME"


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One word: as it is written, what it takes, whose it is, and the page with the same."""

    spanish: str
    parts: tuple[Part, ...] = ()
    least: int | None = None  # parts that have to be there; all unless given
    act: Act = Act.BE_ASKED
    page: str

    @property
    def needed(self) -> int:
        """How many of its parts have to be there."""
        return len(self.parts) if self.least is None else self.least


_CODE, _DAY, _NAME = Part.CODE, Part.DAY, Part.NAME
FORMS: Final[Mapping[StaffWord, Form]] = MappingProxyType(
    {
        StaffWord.WORDS: Form(spanish="palabras", page="/peer"),
        StaffWord.TASKS: Form(spanish="tareas", page="/peer"),
        StaffWord.WEEK: Form(spanish="semana", page="/week"),
        StaffWord.REST: Form(spanish="descanso", parts=(_DAY,), act=Act.ASK_FOR_REST, page="/week"),
        StaffWord.BACK: Form(spanish="regreso", act=Act.ASK_FOR_REST, page="/week"),
        StaffWord.READY: Form(spanish="dispuesto", act=Act.ASK_FOR_REST, page="/week"),
        StaffWord.SWAP: Form(spanish="cambio", parts=(_DAY, _NAME, _DAY), least=2, page="/week"),
        StaffWord.KEEP: Form(spanish="conservo", parts=(_DAY,), page="/week"),
        StaffWord.BRIEF: Form(spanish="guia", parts=(_CODE,), least=0, act=Act.SERVE, page="/briefs"),
        StaffWord.LIMITS: Form(spanish="limites", parts=(_CODE,), act=Act.SERVE, page="/peer"),
        StaffWord.REFER: Form(spanish="derivo", parts=(_CODE,), act=Act.SERVE, page="/peer"),
        StaffWord.DESK: Form(spanish="pendientes", act=Act.LIST_ESCALATIONS, page="/escalations"),
        StaffWord.GIVE: Form(spanish="entrego", parts=(_CODE, _NAME), page="/escalations"),
    }
)
_WRITTEN: Final = {word.value: word for word in StaffWord} | {
    form.spanish: word for word, form in FORMS.items()
}
_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            ("jan", "january", "ene", "enero"),
            ("feb", "february", "febrero"),
            ("mar", "march", "marzo"),
            ("apr", "april", "abr", "abril"),
            ("may", "mayo"),
            ("jun", "june", "junio"),
            ("jul", "july", "julio"),
            ("aug", "august", "ago", "agosto"),
            ("sep", "september", "septiembre"),
            ("oct", "october", "octubre"),
            ("nov", "november", "noviembre"),
            ("dec", "december", "dic", "diciembre"),
        ),
        start=1,
    )
    for name in names
}
# A day is written together ("5dec") or with two digits ("05 dec"): one digit alone would be an answer.
_TOGETHER: Final = re.compile(r"(?:(\d{1,2})-?([a-z]{3,10})|([a-z]{3,10})-?(\d{1,2}))")
_APART: Final = re.compile(r"(?:(\d{2}) ([a-z]{3,10})|([a-z]{3,10}) (\d{2}))")
_ISO: Final = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_CODED: Final = re.compile(CODE_PATTERN, re.IGNORECASE)
_NAMED: Final = re.compile(r"[^\W\d_][^\W\d_'.-]*(?:['.-][^\W\d_]+)*\.?")
_FOR: Final = frozenset({"for", "por"})
_LONGEST_NAME: Final = 3  # words; a longer row of words is a sentence
_CLOSING: Final = ".! "


@dataclass(frozen=True, slots=True)
class Day:
    """A day as written; without a year the next one of that name is meant."""

    day: int
    month: int
    year: int | None = None

    def on_or_after(self, today: date) -> date | None:
        """The day itself; None for one that is in no calendar."""
        for year in (self.year,) if self.year is not None else (today.year, today.year + 1):
            try:
                found = date(year, self.month, self.day)
            except ValueError:
                continue
            if self.year is not None or found >= today:
                return found
        return None


@dataclass(frozen=True, slots=True)
class Command:
    """A text that is one of the words. `whole`: nothing that it needs is missing."""

    word: StaffWord
    code: str | None = None
    day: Day | None = None
    name: str = ""
    back: Day | None = None
    whole: bool = True


def command(text: str) -> Command | None:
    """The word that is the whole text; None for anything else."""
    first, *rest = fold(text).rstrip(_CLOSING).split() or [""]
    word = _WRITTEN.get(first)
    if word is None:
        return None
    found: list[str | Day] = []
    for part in FORMS[word].parts:
        taken = _take(part, rest, later=bool(found) and part is Part.DAY)
        if taken is None:
            break
        value, rest = taken
        found.append(value)
    if rest:
        return None
    return _command(word, found)


def _command(word: StaffWord, found: list[str | Day]) -> Command:
    days = [one for one in found if isinstance(one, Day)]
    said = [one for one in found if isinstance(one, str)]
    coded = bool(said) and FORMS[word].parts[0] is Part.CODE
    return Command(
        word,
        code=said[0] if coded else None,
        day=days[0] if days else None,
        name=" ".join(said[1:] if coded else said),
        back=days[1] if len(days) > 1 else None,
        whole=len(found) >= FORMS[word].needed,
    )


def _take(part: Part, rest: list[str], *, later: bool) -> tuple[str | Day, list[str]] | None:
    """What this part is, and what stands behind it; None where it is not there."""
    if part is Part.CODE:
        is_code = bool(rest) and _CODED.fullmatch(rest[0])
        return (canonical(rest[0]), rest[1:]) if is_code else None
    if part is Part.NAME:
        return _name(rest)
    if later and (not rest or rest[0] not in _FOR):
        return None
    return _day(rest[1:] if later else rest)


def _name(rest: list[str]) -> tuple[str, list[str]] | None:
    count = next((i for i, one in enumerate(rest) if one in _FOR or not _NAMED.fullmatch(one)), len(rest))
    return (" ".join(rest[:count]), rest[count:]) if 0 < count <= _LONGEST_NAME else None


def _day(rest: list[str]) -> tuple[Day, list[str]] | None:
    if not rest:
        return None
    if found := _ISO.fullmatch(rest[0]):
        return Day(int(found[3]), int(found[2]), int(found[1])), rest[1:]
    for count, shape in ((1, _TOGETHER), (2, _APART)):
        found = shape.fullmatch(" ".join(rest[:count]))
        number, month = (found[1] or found[4], found[2] or found[3]) if found else ("", "")
        if month in _MONTHS:
            return Day(int(number), _MONTHS[month]), rest[count:]
    return None
