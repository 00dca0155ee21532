"""What the watchdog makes of what it reads."""

from __future__ import annotations

import pytest

from cism_watchdog.judging import judge
from cism_watchdog.reading import Reading, parse
from cism_watchdog.settings import Limits

READY = {"ready": "True", "database": "ok", "migrations": "ok", "conductor": "ok"}


def wrongs(reading: Reading, now: float) -> set[str]:
    return {key for key, wrong in judge(reading, Limits(), now).items() if wrong}


def test_no_answer_at_all_is_one_trouble_and_says_nothing_of_the_others() -> None:
    verdicts = judge(Reading(), Limits(), 0)
    assert {key for key, wrong in verdicts.items() if wrong} == {"silent"}
    assert {wrong for key, wrong in verdicts.items() if key != "silent"} == {None}


@pytest.mark.parametrize("part", ["database", "migrations"])
def test_a_database_that_fails_is_the_trouble_and_not_that_no_figures_come_of_it(part: str) -> None:
    assert wrongs(Reading(READY | {part: "not migrated"}), 0) == {"database"}


def test_an_answer_without_figures_is_a_trouble() -> None:
    assert wrongs(Reading(READY), 0) == {"figures"}
    assert wrongs(Reading(READY, {"up": 1.0}), 0) == {"figures"}


def test_a_conductor_that_was_never_seen_is_missing_and_a_provider_not() -> None:
    figures = {"cism_oldest_due_step_seconds": 0.0}
    assert wrongs(Reading(READY, figures), 0) == {"conductor"}


def test_what_is_no_figure_is_passed_over() -> None:
    assert parse('# HELP a b\na{x="1 2"} 3.5\nb nonsense\n\n<html>\n') == {'a{x="1 2"}': 3.5}
