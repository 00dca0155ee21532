from __future__ import annotations

from flows.breaker import Breaker


class Hand:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


def test_three_failures_in_a_row_leave_prefect_out_for_thirty_seconds() -> None:
    clock = Hand()
    breaker = Breaker(3, 30.0, clock)
    assert [breaker.failed() for _ in range(3)] == [False, False, True]
    assert breaker.is_open
    clock.at += 29.9
    assert breaker.is_open
    clock.at += 0.2
    assert not breaker.is_open


def test_a_success_in_between_starts_the_count_again() -> None:
    breaker = Breaker(3, 30.0, Hand())
    for _ in range(4):
        breaker.failed()
        breaker.failed()
        breaker.succeeded()
    assert not breaker.is_open


def test_after_the_rest_a_single_failure_opens_it_again_and_a_success_closes_it() -> None:
    clock = Hand()
    breaker = Breaker(3, 30.0, clock)
    for _ in range(3):
        breaker.failed()
    clock.at += 31
    assert breaker.failed()
    assert breaker.is_open
    clock.at += 31
    breaker.succeeded()
    breaker.failed()
    assert not breaker.is_open
