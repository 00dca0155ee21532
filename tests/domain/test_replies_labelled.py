"""Texts as people send them, each with the reading it must get; every language has its own set."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml

from cism.domain.lexicon import shipped_lexicons
from cism.domain.replies import OpenQuestion, QuestionKind, QuestionState, Reading, ReadingKind, Sender, read

LABELLED = Path(__file__).parent / "labelled"
MEMBER = Sender(known=True, phone_confirmed=True)
STRANGER = Sender(known=False)
CHECK_IN = OpenQuestion.of(QuestionKind.CHECK_IN, "check-in")
PAGE = OpenQuestion.of(QuestionKind.PAGE, "page", "A7K2")
SITUATIONS: dict[str, tuple[Sender, tuple[OpenQuestion, ...]]] = {
    "none": (MEMBER, ()),
    "check_in": (MEMBER, (CHECK_IN,)),
    "page": (MEMBER, (PAGE,)),
    "report": (MEMBER, (OpenQuestion.of(QuestionKind.REPORT, "report", "A7K2"),)),
    "contact": (MEMBER, (OpenQuestion.of(QuestionKind.CONTACT_REPORT, "contact", "A7K2"),)),
    "both": (MEMBER, (CHECK_IN, PAGE)),
    "expired": (MEMBER, (OpenQuestion.of(QuestionKind.PAGE, "page", "A7K2", QuestionState.EXPIRED),)),
    "unknown": (STRANGER, (CHECK_IN,)),
}


@dataclass(frozen=True)
class Row:
    language: str
    situation: str
    text: str
    expect: dict[str, Any]
    never_decides: bool

    def __str__(self) -> str:
        return f"{self.language}-{self.situation}-{self.text[:40]!r}"


def rows() -> list[Row]:
    return [
        Row(path.stem, group["in"], text, group["expect"], group.get("never_decides", False))
        for path in sorted(LABELLED.glob("*.yaml"))
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))
        for text in group["texts"]
    ]


ROWS = rows()


def decides(reading: Reading) -> bool:
    return reading.kind is ReadingKind.ANSWER


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_text_is_read_as_labelled(row: Row) -> None:
    sender, questions = SITUATIONS[row.situation]
    reading = read(row.text, sender, questions)
    assert {name: getattr(reading, name) for name in row.expect} == row.expect


@pytest.mark.parametrize("situation", SITUATIONS)
def test_an_ambiguous_text_neither_accepts_nor_refuses_whatever_is_open(situation: str) -> None:
    sender, questions = SITUATIONS[situation]
    wrong = [row.text for row in ROWS if row.never_decides and decides(read(row.text, sender, questions))]
    assert wrong == []


def test_every_shipped_language_has_a_labelled_set_of_its_own() -> None:
    counts = {language: sum(row.language == language for row in ROWS) for language in ("en", "es")}
    assert {lexicon.language for lexicon in shipped_lexicons()} == set(counts)
    assert counts["en"] >= 250
    assert counts["es"] >= 80


def test_every_shipped_language_is_named_like_its_file() -> None:
    names = sorted(e.name for e in (files("cism.domain") / "lexicons").iterdir() if e.name.endswith(".yaml"))
    assert names == [f"{lexicon.language}.yaml" for lexicon in shipped_lexicons()]


@pytest.mark.parametrize("kind", [kind.value for kind in ReadingKind])
def test_every_kind_of_reading_is_in_the_labelled_set(kind: str) -> None:
    assert any(row.expect.get("kind") == kind for row in ROWS)
