"""Which tests stay together where several workers run them: a file, and all that start installations."""

from __future__ import annotations

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

# they start whole installations, and say what must have happened within how many real seconds
_INSTALLATIONS = ("tests/faults/", "tests/flows/", "tests/watchdog/")


def group_of(nodeid: str) -> str:
    """What must run on one worker, one after the other."""
    file = nodeid.partition("::")[0]
    return "installations" if file.startswith(_INSTALLATIONS) else file


class InGroups(LoadScopeScheduling):
    """Hands out one group at a time, in the order of the files."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


class Watch:
    """A run in which a group was torn apart fails: its tests may have stood in each other's way."""

    def __init__(self) -> None:
        self._seen: dict[str, str] = {}
        self._torn: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember who ran it."""
        group, worker = group_of(report.nodeid), str(getattr(report, "worker_id", ""))
        if self._seen.setdefault(group, worker) != worker:
            self._torn.add(group)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Say so."""
        if self._torn:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
            print(f"\nrun by more than one worker: {', '.join(sorted(self._torn))}")


def scheduler(config: pytest.Config, log: Any) -> InGroups:
    """The scheduler of a run with several workers, and the watch over it."""
    config.pluginmanager.register(Watch())
    return InGroups(config, log)
