"""What every message has: a kind, a purpose, and fields whose longest value is known.

The limits are what makes one segment a promise: the linter renders every template with the longest of each.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Annotated, ClassVar, Final, get_args, get_type_hints

from notifications.wording import NAME_LIMIT, cut, plain_text


class Purpose(StrEnum):
    """Why a message is sent: what it may wait for, and what must allow it."""

    URGENT = "urgent"  # asks or tells somebody on duty; leaves first, at any hour
    ANSWER = "answer"  # an answer within a live conversation; at once, at any hour
    TEAM = "team"  # team logistics
    CARE = "care"  # to a person about themselves; never in their quiet hours


@dataclass(frozen=True, slots=True)
class Text:
    """A text field: its longest value, and what is done to a value that is too long or does not fit.

    `cuts`: shortened, because no name may keep a message from leaving. `pattern`: refused unless it matches.
    Neither: only made GSM-7, because half a phone number is worse than a second segment; whoever stores
    such a value checks it with `fits`.
    """

    longest: str
    cuts: bool = False
    pattern: str | None = None

    def clean(self, name: str, value: str) -> str:
        """The value as it may stand in a text; raises ValueError for one that may not."""
        if self.pattern is not None and value and not re.fullmatch(self.pattern, value):
            message = f"{name} is not of the form {self.pattern}"
            raise ValueError(message)
        return cut(value, len(self.longest)) if self.cuts else plain_text(value)

    def fits(self, value: str) -> bool:
        """Whether the value can be used as it is."""
        return plain_text(value) == value and len(value) <= len(self.longest)


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number from 0 to `most`; what lies beyond is shown as the nearest of them."""

    most: int


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of a few words that only the templates turn into a sentence."""

    options: tuple[str, ...]


NAME_FIELD: Final = Text("W" * NAME_LIMIT, cuts=True)
CODE_FIELD: Final = Text("W8W8", pattern=r"[A-Z][0-9][A-Z][0-9]")
LINK_FIELD: Final = Text("http://" + "w" * 53, pattern=r"https?://[!-~]+")
LINE_FIELD: Final = Text("call or text 1234567")
PHONE_FIELD: Final = Text("+1 212-555-01234")
EMERGENCY_FIELD: Final = Text("911911")
BY_FIELD: Final = Text("Wed 10 Mar", pattern=r"[ -~]{1,10}")
WHEN_FIELD: Final = Text("Wed 10 Mar 14:00", pattern=r"[ -~]{1,16}")
DATE_FIELDS: Final = (BY_FIELD, WHEN_FIELD)
SPANS_FIELD: Final = Text(", ".join(["Wed 10 Mar 14:00-Thu 11 Mar 14:00"] * 3), cuts=True)
TASKS_FIELD: Final = Text(", ".join(["W8W8 Wed 10 Mar call now"] * 3), cuts=True)
SPAN_FIELD: Final = Text("Wed 10 Mar 14:00-Thu 11 Mar 14:00", pattern=r"[ -~]{1,33}")
SPAN_FIELDS: Final = (SPAN_FIELD, SPANS_FIELD)
CHOICES_FIELD: Final = Text("W8W8 WWWWWWWWWWWWWW, " * 3 + "W8W8 WWWWWWWWWWWWWW", cuts=True)

Name = Annotated[str, NAME_FIELD]
"""A first name (`wording.short_name`) or an agency's display name; cut at 20 characters."""
Code = Annotated[str, CODE_FIELD]
"""Letter digit letter digit."""
Link = Annotated[str, LINK_FIELD]
"""A whole address on our own domain; 60 characters always fit, a longer one is left out where it must be."""
By = Annotated[str, BY_FIELD]
"""A deadline, as `wording.by_text` writes it."""
When = Annotated[str, WHEN_FIELD]
"""An appointment, as `wording.when_text` writes it."""
Line = Annotated[str, LINE_FIELD]
"""What to do to reach the crisis line, in lower case: "call or text 988"."""
Phone = Annotated[str, PHONE_FIELD]
"""The duty phone as people dial it."""
Emergency = Annotated[str, EMERGENCY_FIELD]
"""The number of the emergency services: "911"."""
Ref = Annotated[str, Text("WWWWWWWWWWWW", cuts=True)]
"""An incident's reference, which says nothing about it; at most 12 characters."""
Secret = Annotated[str, Text("12345678", pattern=r"[0-9]{4,8}")]
"""A one-time code."""
Digit = Annotated[str, Text("8", pattern=r"[0-9]")]
"""The digit that somebody sent."""
Choices = Annotated[str, CHOICES_FIELD]
"""Codes with a word each: "A7K2 team, B3M4 call"."""
Count = Annotated[int, Whole(999)]
"""People."""
Minutes = Annotated[int, Whole(9999)]
"""A span in minutes."""

Value = str | int | bool
Spec = Text | Whole | OneOf | None


class Message:
    """One message, complete but for its words. Subclasses are frozen dataclasses of str, int and bool."""

    __slots__ = ()
    kind: ClassVar[StrEnum]
    purpose: ClassVar[Purpose]
    needs_link: ClassVar[bool] = False
    """Without its link the message would be of no use: the longest one must fit."""

    def __post_init__(self) -> None:
        for name, spec in specs(type(self)).items():
            object.__setattr__(self, name, _clean(name, spec, getattr(self, name)))


_SPECS: dict[type[Message], Mapping[str, Spec]] = {}


def specs(message_class: type[Message]) -> Mapping[str, Spec]:
    """The fields of a class, in order, with their limits; None for yes or no."""
    if message_class not in _SPECS:
        hints = get_type_hints(message_class, include_extras=True)
        names = [field.name for field in fields(message_class)]  # type: ignore[arg-type]
        _SPECS[message_class] = {name: next(iter(get_args(hints[name])[1:]), None) for name in names}
    return _SPECS[message_class]


def _clean(name: str, spec: Spec, value: object) -> Value:
    match spec, value:
        case Text(), str():
            return spec.clean(name, value)
        case Whole(), int() if not isinstance(value, bool):
            return min(max(value, 0), spec.most)
        case None, bool():
            return value
        case OneOf(), str() if value in spec.options:
            return value
        case _:
            message = f"{name} has the wrong type: {type(value).__name__}"
            raise ValueError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamMessage(Message):
    """Team logistics, to somebody who has had a text from us before.

    What presses has a field `late` too: it leaves later than it should have, because we or the provider were
    away, and says so.
    """

    purpose: ClassVar[Purpose] = Purpose.TEAM
    agency: Name


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamOpening(TeamMessage):
    """One that may be the first text its reader ever gets from us.

    `first`: it is. `attested`: the agency attests that command does not see replies.
    """

    first: bool = False
    attested: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Care(Message):
    """To a person about themselves, in their open hours, with consent and a confirmed phone.

    `name` may be empty, and `helper` too: then the team itself speaks.
    """

    purpose: ClassVar[Purpose] = Purpose.CARE
    agency: Name
    name: Name = ""
    helper: Name = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CareOpening(Care):
    """One that may be the first text, as in TeamOpening."""

    first: bool = False
    attested: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Message):
    """At once, because the person just wrote; `agency` is empty for a number that nobody knows."""

    purpose: ClassVar[Purpose] = Purpose.ANSWER
    agency: Name = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerOpening(Answer):
    """One that may be the first text, as in TeamOpening."""

    first: bool = False
    attested: bool = False
