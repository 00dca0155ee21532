"""What is told of a bad line: its own number, and no more of a value than can be read."""

from __future__ import annotations

import csv

import pytest

from cism.domain.csv_lines import csv_lines, shown
from cism.errors import BadInput
from tests.domain.test_roster_csv import errors, other, parse, row


def test_a_line_too_long_to_be_a_row_is_told_by_its_number() -> None:
    assert errors(row(), "x" * 200_000) == ["line 3: the line is far too long to be one row"]


def test_the_longest_line_that_may_be_a_row_is_read() -> None:
    longest = csv.field_size_limit()
    assert [line.problem for line in csv_lines("x" * longest)] == [None]
    assert [line.problem is None for line in csv_lines("x" * (longest + 1))] == [False]


def test_a_cell_holds_eighty_characters_and_not_one_more() -> None:
    (kept,) = parse(row(unit="x" * 80)).rows
    assert kept.unit == "x" * 80
    (refused,) = errors(row(unit="x" * 81))
    assert refused == "line 2: unit: is longer than 80 characters; shorten it"


def test_of_a_reference_with_two_colons_the_agency_ends_at_the_first() -> None:
    (refused,) = errors(row(reports_to="metro-ems:E1:2"))
    assert refused.startswith("line 2: reports_to: is not an id; ")


def test_what_is_there_twice_is_told_at_the_later_line() -> None:
    (same_id,) = errors(row(), other(id="P1"))
    assert same_id.startswith("line 3: id: the same as on line 2 ")
    (same_phone,) = errors(row(), other(phone="+14235550101"))
    assert same_phone.startswith("line 3: phone: ")


def test_a_value_is_shown_up_to_forty_characters_without_what_cannot_be_printed() -> None:
    assert shown("x" * 40) == f"'{'x' * 40}'"
    assert shown("x" * 41) == f"'{'x' * 40}…'"
    assert shown("a\x07b") == "'a?b'"


def test_a_refusal_counts_the_errors_and_tells_the_first() -> None:
    with pytest.raises(BadInput) as one:
        parse()
    only = "line 1: no people below the header; add one line a person"
    assert str(one.value) == f"The roster has one error; nothing was saved. First: {only}"
    assert one.value.errors == [only]
    with pytest.raises(BadInput) as two:
        parse(row(agency=""), other(agency=""))
    assert str(two.value).startswith("The roster has 2 errors; nothing was saved. First: line 2: agency: ")
