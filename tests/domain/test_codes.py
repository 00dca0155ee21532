from __future__ import annotations

import random
import secrets

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cism.domain.codes import NoCodeLeft, all_codes, find_code, find_codes, new_code, without_codes


@settings(max_examples=200, deadline=None)
@given(st.integers())
def test_a_new_code_is_letter_digit_letter_digit_without_look_alikes(seed: int) -> None:
    code = new_code(random.Random(seed), ())
    assert [c.isalpha() for c in code] == [True, False, True, False]
    assert code == code.upper()
    assert not set(code) & set("IOLSZ01")


def test_a_code_given_before_is_not_given_again() -> None:
    given_before: set[str] = set()
    rng = random.Random(7)
    for _ in range(2_000):
        code = new_code(rng, given_before)
        assert code not in given_before
        given_before.add(code)


def test_the_last_free_code_is_found_and_then_there_is_none() -> None:
    every = set(all_codes())
    assert len(all_codes()) == len(every) == 21 * 8 * 21 * 8
    assert new_code(random.Random(1), every - {"A7K2"}) == "A7K2"
    with pytest.raises(NoCodeLeft, match="180 days"):
        new_code(random.Random(1), every)


def test_chance_may_come_from_the_operating_system() -> None:
    assert find_code(new_code(secrets.SystemRandom(), ())) is not None


@pytest.mark.parametrize(
    "text",
    [
        "1 A7K2",
        "1a7k2",
        "A7K2 1",
        "a7k2 1",
        "1 A7K2.",
        "a7k21",
        "4 A7K2 6",
        "see A7 K2",
        "A7K2 or a7k2",
        "\uff21\uff17\uff2b\uff12",
    ],
)
def test_a_code_is_found_however_it_is_typed(text: str) -> None:
    assert find_code(text) == "A7K2"


@pytest.mark.parametrize("text", ["", "A7", "A1K2", "S7K2", "XA7K2", "A7K2B", "77K2", "hello"])
def test_what_is_no_code_is_not_taken_for_one(text: str) -> None:
    assert find_code(text) is None


def test_two_codes_are_not_one() -> None:
    assert find_code("A7K2 B3C4") is None
    assert find_codes("A7K2 b3c4 a7k2") == ("A7K2", "B3C4")
    assert without_codes("STOP a7k2").split() == ["STOP"]
