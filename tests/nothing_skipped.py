"""A pytest plugin for `.ci/run`, where every part is installed: a test that is skipped there fails.

But for the extracts of real incidents: they may not be copied into this repository, so a machine that checks
it need not have them.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Final

import pytest

ALLOWED: Final = "the extracts of real incidents are not on this machine"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure that gives its reason; an expected failure stays what it is."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if reason.endswith(ALLOWED):
            return report
        report.outcome = "failed"
        report.longrepr = f"nothing may be skipped here: {reason}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a whole module that skips itself."""
    report = yield
    if report.skipped:
        report.outcome = "failed"
        report.longrepr = "nothing may be skipped here: this module skipped itself"
    return report
