"""Texts as people send them, each with the reading it must get; every language has its own set."""

from __future__ import annotations

from collections import Counter
from importlib.resources import files

import pytest

from cism.domain.labelled import SITUATIONS, Labelled, lacking, misread, parse_labelled, shipped_labelled
from cism.domain.lexicon import shipped_lexicons
from cism.domain.replies import ReadingKind, read
from cism.errors import BadInput

LANGUAGES = tuple(lexicon.language for lexicon in shipped_lexicons())
ROWS = [row for language in LANGUAGES for row in shipped_labelled(language)]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_text_is_read_as_labelled(row: Labelled) -> None:
    assert misread([row], shipped_lexicons()) == []


@pytest.mark.parametrize("situation", SITUATIONS)
def test_an_ambiguous_text_neither_accepts_nor_refuses_whatever_is_open(situation: str) -> None:
    sender, questions = SITUATIONS[situation]
    decided = [
        row.text
        for row in ROWS
        if row.never_decides and read(row.text, sender, questions).kind is ReadingKind.ANSWER
    ]
    assert decided == []


def test_every_shipped_language_has_a_labelled_set_of_its_own_that_proves_its_lexicon() -> None:
    counts = Counter(row.language for row in ROWS)
    assert counts["en"] >= 250
    assert counts["es"] >= 80
    assert {language: lacking(shipped_labelled(language)) for language in LANGUAGES} == {"en": [], "es": []}


def test_every_shipped_language_is_named_like_its_files() -> None:
    for folder in ("lexicons", "labelled"):
        entries = (files("cism.domain") / folder).iterdir()
        names = sorted(entry.name for entry in entries if entry.name.endswith(".yaml"))
        assert names == [f"{language}.yaml" for language in LANGUAGES]


@pytest.mark.parametrize("kind", [kind.value for kind in ReadingKind])
def test_every_kind_of_reading_is_in_the_labelled_set(kind: str) -> None:
    assert any(row.expect.get("kind") == kind for row in ROWS)


def test_a_text_that_is_read_otherwise_is_named_with_its_reading() -> None:
    (row,) = parse_labelled("[{in: none, expect: {kind: crisis, level: URGENT}, texts: [hello]}]", "en", "x")
    assert misread([row], shipped_lexicons()) == [
        "en-none-'hello': kind is free_text, not crisis, level is None, not URGENT"
    ]


def test_a_text_is_read_with_the_words_that_are_to_be_proved_and_may_decide_unless_it_says_so() -> None:
    (row,) = parse_labelled("[{in: none, expect: {kind: crisis}, texts: [I want to die]}]", "en", "x")
    assert misread([row], shipped_lexicons()) == []
    assert misread([row], ()) != []
    assert not row.never_decides


def test_a_text_that_decides_and_must_not_is_named() -> None:
    (row,) = parse_labelled(
        "[{in: check_in, expect: {digit: '1'}, never_decides: true, texts: ['1']}]", "en", "x"
    )
    assert misread([row], shipped_lexicons()) == ["en-check_in-'1': it decides, and must not"]


def test_a_set_without_what_a_life_hangs_on_says_what_it_lacks() -> None:
    assert "EMERGENCY: 0 of at least 12 texts" in lacking([])
    assert "opt_out: 0 of at least 8 texts" in lacking([])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: b: c", "this is not YAML"),
        ("{}", "must be a list of groups"),
        ("[1]", "group 1: must be keys with values"),
        ("[{in: bed, expect: {kind: crisis}, texts: [x]}]", "group 1: in: must be one of none, check_in"),
        ("[{in: none, expect: {mood: low}, texts: [x]}]", "group 1: expect: must name fields of a reading"),
        ("[{in: none, expect: {}, texts: [x]}]", "group 1: expect: must name fields of a reading"),
        ("[{in: none, expect: {kind: crisis}, texts: [1]}]", "group 1: texts: must be a list of texts"),
    ],
)
def test_a_set_that_cannot_be_read_says_which_group(text: str, said: str) -> None:
    with pytest.raises(BadInput, match=r"x\.yaml") as caught:
        parse_labelled(text, "en", "x.yaml")
    assert said in str(caught.value)
    assert caught.value.errors in ([], [str(caught.value)])
    assert bool(caught.value.errors) == ("group 1" in said)


def test_a_set_is_of_the_language_that_it_was_asked_for() -> None:
    assert {row.language for row in shipped_labelled("es")} == {"es"}


def test_exactly_as_many_texts_as_are_needed_are_enough_and_one_less_is_not() -> None:
    def rows(many: int) -> tuple[Labelled, ...]:
        expect = {"kind": "opt_out", "level": "URGENT"}
        return tuple(Labelled("en", "none", f"stop it {n}", expect, never_decides=False) for n in range(many))

    assert "opt_out: 7 of at least 8 texts" in lacking(rows(7))
    enough = lacking(rows(8))
    assert not any(line.startswith("opt_out:") for line in enough)
    # an alarm that is no crisis proves nothing of one, nor does a text that may decide of one that may not
    assert {"URGENT: 0 of at least 6 texts", "never_decides: 0 of at least 8 texts"} <= set(enough)
