"""How long this package waits for what; all in seconds of real time unless the name says otherwise."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """The engine's patience. The figures come from measurements: docs/adr, `make bench`."""

    look_every: float = 0.1  # aim: ten looks a second while a look is cheap
    look_share: float = 0.1  # a slow look makes looks rarer: they never take more than this share of the time
    urgent_first_line: float = 0.5  # a run that has not begun by then is not waited for
    routine_first_line: float = 2.0
    pool_urgent_first_line: float = 3.0  # the same where a work pool performs
    pool_routine_first_line: float = 10.0
    breaker_failures: int = 3
    breaker_rest: float = 30.0
    linger: float = 3.0  # an open run goes on looking after its lane for this long after its last act
    run_life: float = 25.0  # then it ends, and the next one begins: no sleeping flows
    chunk: int = 25  # steps in one transaction: how long an urgent act may wait for the write lock
    batch: int = 500  # messages of one delivery: at its end and beginning the provider has nothing to do
    urgent_grace: float = 0.25  # messages that their own run or the web process is about to send anyway
    routine_grace: float = 0.75
    retry_after: float = 1.0  # an act that failed is begun again after this
    responses_at_once: int = 2  # three that begin together on two cores miss their first line together
    settle_every: float = 5.0
    second_every: float = 2.0  # a look of two statements; a page that goes by mail has waited enough
    sweep_every: float = 60.0
    sweep_retry: float = 5.0
    sweep_fresh: float = 180.0  # care texts leave only if incoming texts were read within this time
    beat_every: float = 5.0
    paper_every: float = 60.0  # whether a night has asked for papers
    stop_within: float = 8.0
