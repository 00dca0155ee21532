"""Figures that leave the team: small ones are not shown, and none of them can be told from the rest."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from cism.domain import suppression
from cism.domain.access import SMALLEST_COUNT, reported
from cism.domain.suppression import suppressed, together


@pytest.mark.parametrize(
    ("counts", "cells", "total"),
    [
        ({"a": 20, "b": 11, "c": 0}, {"a": 20, "b": 11, "c": 0}, 31),
        ({"a": 20, "b": 3, "c": 12}, {"a": None, "b": None, "c": 12}, 35),  # else 35 - 20 - 12
        ({"a": 20, "b": 3, "c": 0}, {"a": None, "b": None, "c": 0}, 23),
        ({"a": 20, "b": 1, "c": 1}, {"a": None, "b": None, "c": None}, 22),  # two of two are one each
        ({"a": 20, "b": 10, "c": 9}, {"a": 20, "b": None, "c": None}, 39),
        ({"a": 4, "b": 6, "c": 0}, {"a": None, "b": None, "c": 0}, None),
        ({"a": 0, "b": 0, "c": 0}, {"a": 0, "b": 0, "c": 0}, 0),
        ({"a": 11, "b": 10, "c": 10}, {"a": None, "b": None, "c": None}, 31),  # 20 of two are ten each
        ({"b": 10, "c": 10}, {"b": None, "c": None}, None),
        ({}, {}, 0),
    ],
)
def test_what_is_small_and_what_would_tell_it_is_not_shown(
    counts: dict[str, int], cells: dict[str, int | None], total: int | None
) -> None:
    shown = suppressed(counts, reported)
    assert (shown.cells, shown.total) == (cells, total)


def test_no_small_count_can_be_worked_out_from_what_is_shown() -> None:
    """Every table of three cells: whatever else could have led to the same figures leaves it open."""
    values = (0, 1, 2, 5, 10, 11, 12, 20, 21)
    led_to: dict[str, list[tuple[int, ...]]] = {}
    for counts in itertools.product(range(23), repeat=3):
        shown = suppressed(dict(zip("abc", counts, strict=True)), reported)
        led_to.setdefault(repr(shown), []).append(counts)
    for counts in itertools.product(values, repeat=3):
        alike = led_to[repr(suppressed(dict(zip("abc", counts, strict=True)), reported))]
        for place, count in enumerate(counts):
            if 0 < count < SMALLEST_COUNT:
                assert len({other[place] for other in alike}) > 1, counts


def test_what_one_table_must_not_show_no_other_of_the_same_things_tells() -> None:
    found = together({"severity": {"S2": 20, "S1": 0}, "kind": {"A": 10, "B": 10}}, reported)
    assert (found["severity"].cells, found["severity"].total) == ({"S2": None, "S1": 0}, None)
    assert together({"severity": {"S2": 20}, "kind": {"A": 20}}, reported)["severity"].total == 20


Table = tuple[int, ...]


@pytest.mark.parametrize(("smallest", "cells", "most"), [(3, 4, 12), (3, 5, 8), (4, 4, 15), (5, 3, 25)])
def test_nor_in_wider_tables_with_the_bound_drawn_in(
    monkeypatch: pytest.MonkeyPatch, smallest: int, cells: int, most: int
) -> None:
    """The rule knows nothing of eleven: with a nearer bound every table of four and five cells is tried."""
    shown = _bound(monkeypatch, smallest)
    led_to: dict[str, list[Table]] = {}
    for counts in itertools.product(range(most + 1), repeat=cells):
        told = suppressed(dict(zip("abcde", counts, strict=False)), shown)
        led_to.setdefault(repr(told), []).append(counts)
    assert _told_apart(led_to, smallest, most, cells) == []


@pytest.mark.parametrize(("smallest", "most"), [(3, 9), (4, 12)])
def test_nor_from_two_tables_of_the_same_things_side_by_side(
    monkeypatch: pytest.MonkeyPatch, smallest: int, most: int
) -> None:
    """By severity and by kind, with one total: every pair of a table of three cells and one of two."""
    shown = _bound(monkeypatch, smallest)
    led_to: dict[str, list[Table]] = {}
    for three in itertools.product(range(most + 1), repeat=3):
        for first in range(sum(three) + 1):
            two = (first, sum(three) - first)
            severity, kind = dict(zip("abc", three, strict=True)), dict(zip("xy", two, strict=True))
            told = repr(together({"severity": severity, "kind": kind}, shown))
            led_to.setdefault(told, []).append(three + two)
    assert _told_apart(led_to, smallest, most, 3) == []


def _told_apart(
    led_to: dict[str, list[Table]], smallest: int, most: int, cells: int
) -> list[tuple[Table, int]]:
    """Small counts that are the same in every table which leads to the same figures.

    A table of more things than any one cell was tried with may have others beside it that were not tried.
    """
    found = []
    for alike in led_to.values():
        for place, count in enumerate(alike[0]):
            alone = len({counts[place] for counts in alike}) == 1
            if alone and 0 < count < smallest and sum(alike[0][:cells]) <= most:
                found.append((alike[0], place))
    return found


def _bound(monkeypatch: pytest.MonkeyPatch, smallest: int) -> Callable[[int], int | None]:
    monkeypatch.setattr(suppression, "SMALLEST_COUNT", smallest)
    return lambda count: None if 0 < count < smallest else count
