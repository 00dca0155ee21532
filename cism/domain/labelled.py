"""Labelled sets: texts as people send them, each with the reading it must get. Every language has its own.

They are what a lexicon is proved by: a language is in use only with a set that covers what a life can hang
on, and of which every text is read as labelled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

import yaml

from cism.domain.escalation_level import EscalationLevel
from cism.domain.lexicon import Lexicon
from cism.domain.replies import OpenQuestion, QuestionKind, QuestionState, Reading, ReadingKind, Sender, read
from cism.domain.staff_words import StaffWord
from cism.domain.yaml_lines import plain_yaml
from cism.errors import BadInput

_MEMBER: Final = Sender(known=True, phone_confirmed=True)
_STRANGER: Final = Sender(known=False)
_HELPER: Final = Sender(known=True, phone_confirmed=True, words=frozenset(StaffWord))
_CHECK_IN: Final = OpenQuestion.of(QuestionKind.CHECK_IN, "check-in")
_PAGE: Final = OpenQuestion.of(QuestionKind.PAGE, "page", "A7K2")
SITUATIONS: Final[Mapping[str, tuple[Sender, tuple[OpenQuestion, ...]]]] = MappingProxyType(
    {
        "none": (_MEMBER, ()),
        "check_in": (_MEMBER, (_CHECK_IN,)),
        "page": (_MEMBER, (_PAGE,)),
        "report": (_MEMBER, (OpenQuestion.of(QuestionKind.REPORT, "report", "A7K2"),)),
        "contact": (_MEMBER, (OpenQuestion.of(QuestionKind.CONTACT_REPORT, "contact", "A7K2"),)),
        "both": (_MEMBER, (_CHECK_IN, _PAGE)),
        "expired": (_MEMBER, (OpenQuestion.of(QuestionKind.PAGE, "page", "A7K2", QuestionState.EXPIRED),)),
        "unknown": (_STRANGER, (_CHECK_IN,)),
        "helper": (_HELPER, ()),
        "helper_asked": (_HELPER, (_CHECK_IN, _PAGE)),
    }
)
"""Who writes, and which questions are open, by the name that a set uses."""

# design: so many texts of each kind at least, or the set proves nothing
_LEAST: Final[Mapping[str, int]] = MappingProxyType(
    {"EMERGENCY": 12, "URGENT": 6, "opt_out": 8, "who_is_this": 3, "care_now": 3, "never_decides": 8}
)


@dataclass(frozen=True, slots=True)
class Labelled:
    """One text of a language, in a situation, with the reading it must get."""

    language: str
    situation: str
    text: str
    expect: Mapping[str, Any]
    never_decides: bool

    def __str__(self) -> str:
        return f"{self.language}-{self.situation}-{self.text[:40]!r}"

    def read(self, lexicons: Sequence[Lexicon] | None = None) -> Reading:
        """How it is read."""
        sender, questions = SITUATIONS[self.situation]
        return read(self.text, sender, questions, lexicons)


def parse_labelled(text: str, language: str, name: str) -> tuple[Labelled, ...]:
    """The labelled set that `text` (YAML) writes. Raises BadInput that says what is wrong in which group."""
    try:
        groups = plain_yaml(text)
    except yaml.YAMLError as error:
        message = f"{name}: this is not YAML; quote texts that have a colon"
        raise BadInput(message) from error
    if not isinstance(groups, list):
        message = f"{name}: must be a list of groups with in, expect and texts"
        raise BadInput(message)
    errors = [f"{name}: group {n}: {wrong}" for n, group in enumerate(groups, 1) for wrong in _wrong(group)]
    if errors:
        raise BadInput("; ".join(errors), errors=errors)
    return tuple(
        Labelled(language, group["in"], said, group["expect"], bool(group.get("never_decides", False)))
        for group in groups
        for said in group["texts"]
    )


def _wrong(group: Any) -> list[str]:
    if not isinstance(group, dict):
        return ["must be keys with values"]
    texts, expect = group.get("texts"), group.get("expect")
    found = []
    if group.get("in") not in SITUATIONS:
        found.append(f"in: must be one of {', '.join(SITUATIONS)}")
    if not isinstance(expect, dict) or not expect or not set(expect) <= set(Reading.__dataclass_fields__):
        found.append("expect: must name fields of a reading, e.g. {kind: crisis, level: URGENT}")
    if not isinstance(texts, list) or not all(isinstance(said, str) for said in texts):
        found.append("texts: must be a list of texts (quote digits)")
    return found


def shipped_labelled(language: str) -> tuple[Labelled, ...]:
    """The set that comes with a shipped language."""
    path = files("cism.domain") / "labelled" / f"{language}.yaml"
    return parse_labelled(path.read_text(encoding="utf-8"), language, path.name)


def misread(rows: Sequence[Labelled], lexicons: Sequence[Lexicon]) -> list[str]:
    """Every text that is not read as labelled, with the reading it gets."""
    return [f"{row}: {different}" for row in rows if (different := _different(row, row.read(lexicons)))]


def lacking(rows: Sequence[Labelled]) -> list[str]:
    """What a set has too few texts of to prove a lexicon."""
    counts = dict.fromkeys(_LEAST, 0)
    for row in rows:
        for name in _names(row):
            if name in counts:
                counts[name] += 1
    return [
        f"{name}: {counts[name]} of at least {least} texts"
        for name, least in _LEAST.items()
        if counts[name] < least
    ]


def _names(row: Labelled) -> list[str]:
    kind = row.expect.get("kind")
    alarm = row.expect.get("level") if kind == ReadingKind.CRISIS else None
    levels = [alarm] if alarm in set(EscalationLevel) else []
    return [str(kind), *map(str, levels), *(["never_decides"] if row.never_decides else [])]


def _different(row: Labelled, reading: Reading) -> str:
    found = [
        f"{name} is {getattr(reading, name)}, not {wanted}"
        for name, wanted in row.expect.items()
        if getattr(reading, name) != wanted
    ]
    if row.never_decides and reading.kind is ReadingKind.ANSWER:
        found.append("it decides, and must not")
    return ", ".join(found)
