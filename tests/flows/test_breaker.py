from __future__ import annotations

from flows.breaker import Breaker


class Hand:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


def fails(breaker: Breaker, clock: Hand) -> bool:
    """A run that is asked for now fails a second later."""
    asked_at = clock.at
    clock.at += 1
    return breaker.failed(asked_at)


def test_three_failures_in_a_row_leave_prefect_out_for_thirty_seconds() -> None:
    clock = Hand()
    breaker = Breaker(3, 30.0, clock)
    assert [fails(breaker, clock) for _ in range(3)] == [False, False, True]
    assert breaker.is_open
    clock.at += 29.9
    assert breaker.is_open
    clock.at += 0.2
    assert not breaker.is_open


def test_a_success_in_between_starts_the_count_again() -> None:
    clock = Hand()
    breaker = Breaker(3, 30.0, clock)
    for _ in range(4):
        fails(breaker, clock)
        fails(breaker, clock)
        breaker.succeeded()
    assert not breaker.is_open


def test_after_the_rest_a_single_failure_opens_it_again_and_a_success_closes_it() -> None:
    clock = Hand()
    breaker = Breaker(3, 30.0, clock)
    for _ in range(3):
        fails(breaker, clock)
    clock.at += 31
    assert fails(breaker, clock)
    assert breaker.is_open
    clock.at += 31
    breaker.succeeded()
    fails(breaker, clock)
    assert not breaker.is_open


def test_runs_that_were_under_way_together_and_failed_together_are_one_failure() -> None:
    clock = Hand()
    breaker = Breaker(3, 30.0, clock)
    asked_at = clock.at
    clock.at += 1
    assert [breaker.failed(asked_at) for _ in range(5)] == [False] * 5
    assert not breaker.is_open
    assert [fails(breaker, clock) for _ in range(2)] == [False, True]
