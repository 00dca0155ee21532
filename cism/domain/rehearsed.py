"""A rehearsal as values, and what a change of protocol changes in it.

Two rehearsals of the same incident are compared by what was said to whom at which contact point, never by its
place in a list: a text that moves by a day has moved, and is not one that vanished and another that appeared.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from cism.domain.codes import CODE_PATTERN
from cism.errors import BadInput

SAMPLE_CODE: Final = "A7K2"
_CODE: Final = re.compile(rf"(?<!\w){CODE_PATTERN}(?!\w)")
_REF: Final = re.compile(r"\bC-[A-Z2-9]{5}\b")
_LINK: Final = re.compile(r"(?<=/a/)[\w-]{12}(?!\w)")
_ANSWER: Final = re.compile(r"(?:(?P<person>[^=]+):)?(?P<point>[A-Za-z0-9_]+)=(?P<text>.+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One text of a rehearsal, or (with `answer`) one that somebody texted back. `at` is UTC."""

    at: datetime
    person: str  # agency:ID, or the duty phone
    zone: str
    kind: str
    text: str
    point: str | None = None
    language: str = "en"
    segments: int = 1
    asleep: bool = False  # it arrives inside the sleep window of whoever gets it
    answer: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """One step of a rehearsal: when it was due, and what became of it."""

    due_at: datetime
    kind: str
    person: str | None
    point: str | None
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """One group session of a rehearsal: its window, when it was set for, how large, and why it ended so."""

    kind: str
    state: str
    people: int
    window: tuple[datetime | None, datetime | None]
    starts_at: datetime | None
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """What one incident was under one protocol."""

    said: tuple[Said, ...]
    taken: tuple[Taken, ...]
    met: tuple[Met, ...]
    state: str  # of the incident at the end

    @property
    def texts(self) -> tuple[Said, ...]:
        """Everything that the product sent."""
        return tuple(item for item in self.said if not item.answer)

    @property
    def days(self) -> int:
        """From the first text to the last."""
        return (self.said[-1].at - self.said[0].at).days if self.said else 0


class Change(StrEnum):
    """What became of one text or step under the other protocol."""

    APPEARS = "appears"
    VANISHES = "vanishes"
    MOVES = "moves"
    REWORDED = "says otherwise"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One text or step that differs. `at` is its time under the first protocol, or where it alone has it."""

    change: Change
    what: str
    person: str | None
    point: str | None
    at: datetime
    by: timedelta | None  # how much later under the other protocol; None where it is not on both sides
    text: str  # under the other protocol, or under the first where it vanishes


@dataclass(frozen=True, slots=True)
class Reply:
    """What affected people say to one kind of question: at one contact point, or `opt_in`, `invitation`."""

    person: str | None  # agency:ID or ID; None is everybody
    point: str
    text: str


KEEP_IN_TOUCH: Final = (Reply(None, "opt_in", "1"),)
"""What is played where nothing else is asked for: silence until the opt-in, so that the year is seen."""


def parse_replies(given: str) -> tuple[Reply, ...]:
    """`f1=2,metro-pd:P106:f3=3,opt_in=0`: what people text back, everybody or one of them.

    Raises BadInput for what cannot be read.
    """
    found = []
    for part in filter(None, map(str.strip, given.split(","))):
        match = _ANSWER.fullmatch(part)
        if match is None:
            message = (
                f"{part!r} is no answer; write POINT=TEXT or PERSON:POINT=TEXT, e.g. f1=2 or P106:opt_in=1"
            )
            raise BadInput(message)
        found.append(Reply(match["person"], match["point"], match["text"].strip()))
    return tuple(found)


def reply_of(replies: Sequence[Reply], person: str, point: str) -> str | None:
    """What this person texts back here; the last that fits counts, one about them alone before all others."""
    here = [one for one in replies if one.point == point]
    own = [one.text for one in here if one.person is not None and _means(one.person, person)]
    found = own or [one.text for one in here if one.person is None]
    return found[-1] if found else None


def masked(text: str) -> str:
    """The text without what chance gives it: the code, the reference, the link."""
    return _LINK.sub("X" * 12, _REF.sub("C-XXXXX", _CODE.sub(SAMPLE_CODE, text)))


def compare(before: Rehearsed, after: Rehearsed) -> list[Difference]:
    """What the second rehearsal does otherwise, in order of time: its texts, then its steps."""
    texts = _differences(map(_text, before.texts), map(_text, after.texts))
    return [*texts, *_differences(map(_step, before.taken), map(_step, after.taken))]


@dataclass(frozen=True, slots=True)
class _Thing:
    what: str
    person: str | None
    point: str | None
    at: datetime
    text: str


def _text(item: Said) -> _Thing:
    return _Thing(item.kind, item.person, item.point, item.at, masked(item.text))


def _step(item: Taken) -> _Thing:
    return _Thing(item.kind, item.person, item.point, item.due_at, item.outcome)


def _differences(before: Iterable[_Thing], after: Iterable[_Thing]) -> list[Difference]:
    one, other = _numbered(before), _numbered(after)
    found = [_differ(Change.VANISHES, one[key], one[key].at, None) for key in one.keys() - other.keys()]
    found += [_differ(Change.APPEARS, other[key], None, other[key].at) for key in other.keys() - one.keys()]
    for key in one.keys() & other.keys():
        was, now = one[key], other[key]
        if was.at != now.at:
            found.append(_differ(Change.MOVES, now, was.at, now.at))
        elif was.text != now.text:
            found.append(_differ(Change.REWORDED, now, was.at, now.at))
    return sorted(found, key=lambda item: (item.at, item.what, item.person or "", item.point or ""))


def _differ(change: Change, shown: _Thing, before: datetime | None, after: datetime | None) -> Difference:
    return Difference(
        change=change,
        what=shown.what,
        person=shown.person,
        point=shown.point,
        at=before or shown.at,
        by=after - before if before and after else None,
        text=shown.text,
    )


_Key = tuple[str, str | None, str | None, int]


def _numbered(items: Iterable[_Thing]) -> dict[_Key, _Thing]:
    """The first of a name is compared with the first of that name, the second with the second."""
    seen: Counter[tuple[str, str | None, str | None]] = Counter()
    found: dict[_Key, _Thing] = {}
    for item in items:
        name = (item.what, item.person, item.point)
        found[*name, seen[name]] = item
        seen[name] += 1
    return found


def _means(written: str, person: str) -> bool:
    return written in {person, person.rpartition(":")[2]}
