"""A part of the fault campaign with fixed seeds; all of it: `make faults`."""

from __future__ import annotations

import pytest

from tests.faults.campaign import Case, Result, Row, perform
from tests.faults.catalogue import CASES
from tests.faults.ground import Stock

_SHORT = [case for case in CASES if case.short]


@pytest.mark.timeout(240)
@pytest.mark.parametrize("case", _SHORT, ids=lambda case: case.key)
def test_nothing_is_lost_doubled_or_early_under(case: Case, stock: Stock) -> None:
    results = tuple(
        Result(case.key, seed, "here", 0.0, 0.0, "", perform(case, seed, stock)) for seed in case.short
    )
    row = Row(case.key, case.title, case.injects, results)
    assert row.passes, row.failures
