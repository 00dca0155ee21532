"""`cism rehearse` as a command: a year of one incident, against loading the program."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from bench.figures import Aim, Report, median, seconds
from bench.ground import BenchError, Ground

_RUNS = 5
_AIM = 2.0  # seconds, for the whole command
_PROTOCOL = "sfa-follow-up"


@dataclass(frozen=True, slots=True)
class Ran:
    """One run of a command, in seconds."""

    wall: float
    cpu: float


def measure(_ground: Ground, tell: Callable[[str], None]) -> Report:
    """The whole command, and the program that loads and prints its help."""
    with tempfile.TemporaryDirectory() as bytecode:
        # as installed: pip leaves bytecode beside each module, a checkout has it after its first run, and an
        # environment that forbids it would have all modules compiled in each run
        run = partial(_run, {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": bytecode})
        run("rehearse", _PROTOCOL)
        tell(f"rehearsal: {_RUNS} whole commands")
        whole = [run("rehearse", _PROTOCOL) for _ in range(_RUNS)]
        tell(f"rehearsal: {_RUNS} times the program alone")
        alone = [run("--help") for _ in range(_RUNS)]
    return _report(whole, alone)


def _run(environment: Mapping[str, str], *given: str) -> Ran:
    command = [sys.executable, "-m", "cism.cli.main", *given]
    start = time.perf_counter()
    process = subprocess.Popen(  # noqa: S603 - our own program
        command, env=dict(environment), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        message = f"`cism {' '.join(given)}` ended with {process.returncode}"
        raise BenchError(message)
    return Ran(wall, used.ru_utime + used.ru_stime)


def _report(whole: list[Ran], alone: list[Ran]) -> Report:
    report = Report("rehearsal", "A protocol rehearsed", ("command", "wall, median", "of a processor"))
    took, loads = median([one.wall for one in whole]), median([one.wall for one in alone])
    report.rows = [
        (f"rehearse {_PROTOCOL}", seconds(took), seconds(median([one.cpu for one in whole]))),
        ("--help", seconds(loads), seconds(median([one.cpu for one in alone]))),
    ]
    report.aims = [Aim("a year of one incident in two seconds", took < _AIM, seconds(took))]
    report.notes = [f"ratio of the two: {took / loads:.2f}"]
    report.raw = {"wall": [one.wall for one in whole], "cpu": [one.cpu for one in whole]}
    return report
