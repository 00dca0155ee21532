"""`python -m bench [--only NAME] [--json]`: every measurement, or one; about four minutes for all."""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sqlite3
import sys
from importlib.metadata import version
from types import FrameType
from typing import Any

from rich.console import Console

from bench import latency, page, pages, proof, rehearsal, wave
from bench.ground import BenchError, Ground
from cism import log
from cism.clock import RealClock

_MEASURES = {
    "latency": latency.measure,
    "wave": wave.measure,
    "page": page.measure,
    "pages": pages.measure,
    "proof": proof.measure,
    "rehearsal": rehearsal.measure,
}
_PACKAGES = ("prefect", "sqlalchemy", "twilio", "aiohttp", "psycopg")


def main(argv: list[str] | None = None) -> int:
    """Measure and print; 1 where that was not possible. A missed aim is told, and is no failure."""
    given = _arguments().parse_args(argv)
    signal.signal(signal.SIGTERM, _stop)
    out = Console(width=110)
    talk = Console(stderr=True)
    log.setup()
    reports = []
    try:
        with Ground() as ground:
            for name in [given.only] if given.only else _MEASURES:
                reports.append(_MEASURES[name](ground, lambda line: talk.print(line, style="dim")))
                if not given.json:
                    reports[-1].show(out)
    except BenchError as problem:
        talk.print(f"bench: {problem}", markup=False)
        return 1
    except KeyboardInterrupt:
        return 130
    if given.json:
        told = {"where": _where(), "reports": [report.as_json() for report in reports]}
        sys.stdout.write(json.dumps(told, indent=2) + "\n")
    else:
        out.print(", ".join(f"{name} {value}" for name, value in _where().items()), style="dim")
    return 0


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", choices=list(_MEASURES), help="one measurement instead of all")
    parser.add_argument("--json", action="store_true", help="for programs, on standard output")
    return parser


def _where() -> dict[str, Any]:
    """What the figures depend on, and says nothing about whose machine it is."""
    return {
        "measured": RealClock().now().strftime("%Y-%m-%d %H:%M UTC"),
        "cores": os.cpu_count(),
        "load": f"{os.getloadavg()[0]:.1f}",
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
        **{name: version(name) for name in _PACKAGES},
    }


def _stop(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(143)  # an exception, so that everything started is ended on the way out


if __name__ == "__main__":
    sys.exit(main())
