"""The real conductor, bare: without Prefect, and on a machine whose clock may be ahead.

`python -m tests.faults.performer [SECONDS]`: as if it had been started so many seconds later. What waits for
real time to pass (a send left behind by a process that died) then need not be waited for, and a campaign of
hundreds of kills ends in minutes. Everything else is the product's own: `python -m flows`.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from datetime import datetime, timedelta

from cism import log
from cism.clock import RealClock
from cism.services import restoring
from cism.settings import load
from cism.store import migrate
from flows import process, runtime
from flows.conductor import Conductor
from flows.link import Link


class Later:
    """The machine's clock, so many seconds ahead; the database's own is asked no more."""

    def __init__(self, seconds: float) -> None:
        self.ahead = timedelta(seconds=seconds)

    def now(self) -> datetime:
        """The present instant, seen from there."""
        return RealClock().now() + self.ahead


async def _perform(stop: asyncio.Event, seconds: float) -> None:
    ground = runtime.from_settings(load())
    if seconds:
        ground.db.clock = Later(seconds)
    runtime.use(ground)
    try:
        migrate.check(ground.db)
        restoring.notice(ground.db)  # as the real part does before anything else
        await Conductor(ground, Link(ground.limits, work_pool=False)).run(stop)
    finally:
        await ground.aclose()


def perform(seconds: float, env: Mapping[str, str], output: str) -> None:
    """A whole process of it, forked from one that has imported everything: a second saved at each start."""
    os.environ.clear()
    os.environ.update(env)
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(file, stream)
    sys.stderr = os.fdopen(2, "w", buffering=1)
    main(seconds)


def main(seconds: float) -> None:
    """Until SIGTERM."""
    log.setup()
    process.run(lambda stop: _perform(stop, seconds))
    os._exit(0)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 0.0)
