"""The score is the person's alone: exact at its edges, never guessed, and never asked too early."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest

from cism.domain.screening import NotYet, Score, pair, pc_ptsd_5, too_early

NEW_YORK = "America/New_York"
ENDED = datetime(2026, 3, 3, 4, 10, tzinfo=UTC)  # 2 March, 23:10 in New York


@pytest.mark.parametrize("answers", list(product([False, True], repeat=5)))
def test_each_yes_is_a_point_and_three_reach_the_cut(answers: tuple[bool, ...]) -> None:
    found = pc_ptsd_5(True, answers)
    assert found is not None
    assert found.event
    assert found.score == Score(sum(answers), 5, sum(answers) >= 3)


def test_the_other_cut_of_the_literature_can_be_asked_for() -> None:
    three = (True, True, True, False, False)
    assert [found.score.reached for cut in (3, 4) if (found := pc_ptsd_5(True, three, cut))] == [True, False]


def test_no_such_event_ends_at_nothing_and_is_another_nothing_than_five_noes() -> None:
    gated, five_noes = pc_ptsd_5(False, ()), pc_ptsd_5(True, (False,) * 5)
    assert gated is not None
    assert five_noes is not None
    assert gated.score == five_noes.score
    assert gated.event is False
    assert five_noes.event is True


@pytest.mark.parametrize(
    ("event", "answers"),
    [
        (None, (True,) * 5),
        (True, (True, True, True, True, None)),
        (True, (None,) * 5),
        (True, (True,) * 4),
        (True, (True,) * 6),
    ],
)
def test_a_missing_answer_gives_no_score(event: bool | None, answers: tuple[bool | None, ...]) -> None:
    assert pc_ptsd_5(event, answers) is None


@pytest.mark.parametrize("answers", list(product(range(4), repeat=2)))
def test_two_items_add_up_and_three_points_reach_the_cut(answers: tuple[int, int]) -> None:
    assert pair(answers) == Score(sum(answers), 6, sum(answers) >= 3)


@pytest.mark.parametrize("answers", [(None, 3), (3, None), (3,), (1, 1, 1), (4, 0), (-1, 0), ()])
def test_two_items_without_an_answer_or_with_a_strange_one_give_no_score(
    answers: tuple[int | None, ...],
) -> None:
    assert pair(answers) is None


def test_it_is_not_asked_before_day_thirty_of_the_persons_own_calendar() -> None:
    day_thirty = date(2026, 4, 1)
    before = datetime(2026, 4, 1, 3, 59, tzinfo=UTC)  # 31 March, 23:59
    assert too_early([ENDED], NEW_YORK, before) == NotYet(day_thirty)
    assert too_early([ENDED], NEW_YORK, before + timedelta(minutes=1)) is None
    assert too_early([ENDED], NEW_YORK, ENDED + timedelta(days=7)) == NotYet(day_thirty)


def test_the_newest_event_counts_and_one_that_lasts_has_no_day() -> None:
    now = ENDED + timedelta(days=40)
    assert too_early([ENDED, now - timedelta(days=2)], NEW_YORK, now) == NotYet(date(2026, 5, 10))
    assert too_early([ENDED, None], NEW_YORK, now) == NotYet(None)


def test_whoever_is_on_no_list_is_not_told_to_wait() -> None:
    assert too_early([], NEW_YORK, ENDED) is None
