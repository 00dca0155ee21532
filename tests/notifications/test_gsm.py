"""Segments are counted as the provider counts them, because each one costs money and airtime."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifications.gsm import BASIC, EXTENSION, is_gsm7, segments, units


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 0),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("ж" * 70, 1),
        ("ж" * 71, 2),
        ("ж" * 134, 2),
        ("ж" * 135, 3),
    ],
)
def test_a_text_has_as_many_segments_as_the_providers_calculator_says(text: str, expected: int) -> None:
    assert segments(text) == expected


def test_one_curly_quote_turns_the_whole_text_to_ucs2() -> None:
    straight = "It's " + "a" * 100
    assert segments(straight) == 1
    assert segments(straight.replace("'", "\N{RIGHT SINGLE QUOTATION MARK}")) == 2


@pytest.mark.parametrize("character", list("€^{}[]~|\\"))
def test_an_extension_character_costs_two_units(character: str) -> None:
    assert units(character) == 2
    assert is_gsm7(character)


def test_an_emoji_costs_two_units_of_ucs2() -> None:
    assert units("😀") == 2
    assert not is_gsm7("😀")


def test_the_alphabet_has_the_127_characters_of_the_standard_and_ten_extensions() -> None:
    assert len(BASIC) == 127  # 128 places, one of them is the escape itself
    assert len(EXTENSION) == 10
    assert not BASIC & EXTENSION
    assert "`" not in BASIC | EXTENSION


def test_an_extension_character_is_never_split_between_two_segments() -> None:
    # 152 + 2 does not fit in 153, so each of the two later characters moves on whole
    text = "a" * 152 + "€" + "a" * 151 + "€"
    assert units(text) == 307
    assert segments(text) == 3
    assert segments("a" * 152 + "€" + "a" * 151) == 2


@settings(max_examples=300)
@given(st.text(max_size=400), st.text(max_size=400))
def test_a_longer_text_never_has_fewer_segments(first: str, second: str) -> None:
    assert segments(first + second) >= max(segments(first), segments(second))
    assert segments(first + second) <= 1 + units(first + second) // 60
