"""A text whose next open minute is beyond its window, in a class: the same turns as the real plan takes."""

from __future__ import annotations

from datetime import time

import pytest

from cism.domain.people import SleepWindow
from cism.domain.proof_classes import Start, due
from cism.domain.quiet_hours import open_stretches
from tests.domain.test_proof_bounds import DAY, HOUR, elapsed

SHORT = SleepWindow(time(10), time(8))  # texts are open from 08:00 to 10:00


def clock(hour: int, minute: int = 0, second: int = 0, *, day: int = 0) -> int:
    return ((day * 24 + hour) * 60 + minute) * 60 + second


@pytest.mark.parametrize(
    ("left", "falls_due"),
    [
        (clock(17), clock(9, 59, day=1)),  # the last open minute before
        (clock(17, 59, 30), clock(9, 59, 30, day=1)),  # the rest of one that has begun
        (clock(18, 30), clock(8, day=2)),  # none in the window: the next one, too late as it is
    ],
)
def test_a_text_takes_the_last_open_minute_of_its_window_or_the_next_of_all(
    left: int, falls_due: int
) -> None:
    rule = elapsed("f1", 16 * HOUR, 30 * HOUR).model_copy(update={"after": DAY})
    assert due(rule, Start(left, open_stretches(SHORT))) == falls_due
