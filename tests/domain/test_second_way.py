"""When the provider counts as failing, and when it is trusted again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from cism.domain.second_way import FAILS_AFTER, RESTS, TRUSTED_AFTER, Primary, goes_now

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def failing() -> Primary:
    return Primary().failed(at(0)).failed(at(20))


def test_it_fails_after_failures_that_lasted_and_not_before() -> None:
    assert not Primary().failed(at(0)).failed(at(19.9)).fails
    assert failing().fails


def test_one_good_answer_between_begins_the_count_anew() -> None:
    known = Primary().failed(at(0)).worked(at(19)).failed(at(30))
    assert not known.fails
    assert known.failing_since == at(30)


def test_it_is_trusted_after_several_good_answers_and_some_rest() -> None:
    known = failing().worked(at(21)).worked(at(22)).worked(at(23))
    assert known.fails
    assert known.worked(at(49.9)).fails
    assert known.worked(at(50)) == Primary()


def test_a_failure_between_good_answers_begins_their_count_anew() -> None:
    known = failing().worked(at(60)).worked(at(61)).failed(at(62)).worked(at(63)).worked(at(64))
    assert known.fails
    assert not known.worked(at(65)).fails


def test_an_urgent_text_waits_for_a_provider_that_works_and_not_for_one_that_fails() -> None:
    assert not goes_now(Primary(), timedelta(seconds=19))
    assert goes_now(Primary(), FAILS_AFTER)
    assert goes_now(failing(), timedelta())


@given(st.lists(st.tuples(st.booleans(), st.floats(0.1, 15)), max_size=80))
def test_whatever_it_answers_it_does_not_flap(answers: list[tuple[bool, float]]) -> None:
    known, moment, changes = Primary(), 0.0, list[tuple[float, bool]]()
    for good, wait in answers:
        moment += wait
        before, known = known, known.worked(at(moment)) if good else known.failed(at(moment))
        if before.fails is not known.fails:
            changes.append((moment, known.fails))
    for (earlier, fails), (later, _) in pairwise(changes):
        shortest = RESTS if fails else FAILS_AFTER
        assert later - earlier >= shortest.total_seconds() - 0.001
    assert TRUSTED_AFTER >= 2
