"""`python -m tests.flows.part PART DATABASE [SECONDS] [pool] [patient]`: a real part on the small engine."""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import timedelta
from pathlib import Path

from cism import log
from cism.clock import RealClock
from cism.store.db import Database
from flows import prefect_server, process, runtime
from tests.fakes.engine import FakeCourier, FakeEngine
from tests.flows.patient import PATIENT


async def _main(part: str, url: str, seconds: float, stop: asyncio.Event, *, pool: bool) -> None:
    db = Database(url)
    limits = PATIENT if "patient" in sys.argv else None
    ground = runtime.Runtime(db, FakeCourier(db), limits, acts=FakeEngine())
    runtime.use(ground)
    if part == "worker":
        from flows.worker import Worker

        await Worker(ground, timedelta(seconds=seconds)).run(stop)
    elif part == "twice":
        await _every_flow_twice()
    elif part == "leftovers":
        await _an_hour_later()
    else:
        from flows.conductor import Conductor
        from flows.link import Link

        await Conductor(ground, Link(ground.limits, work_pool=pool)).run(stop)
    await ground.aclose()


async def _an_hour_later() -> None:
    from prefect.client.orchestration import get_client

    from flows.leftovers import close_leftovers

    async with get_client() as client:
        await close_leftovers(client, RealClock().now() + timedelta(hours=1))


async def _every_flow_twice() -> None:
    from prefect.exceptions import PrefectHTTPStatusError

    from flows.catalogue import FLOWS
    from flows.order import Lane

    async def submit(lane: Lane, batch_id: str) -> None:
        """Until a run was made: a busy server refuses with 503, and then nothing has been submitted."""
        given = {"incident_id": "e1"} if lane is Lane.RESPOND else {}
        for attempt in range(10):
            try:
                await FLOWS[lane](batch_id=batch_id, **given)
            except PrefectHTTPStatusError as error:
                if error.response.status_code != 503 or attempt == 9:
                    raise
                await asyncio.sleep(0.5)
            else:
                return

    for lane in FLOWS:
        await asyncio.gather(submit(lane, "aaaaaa"), submit(lane, "bbbbbb"))


if __name__ == "__main__":
    os.environ.update(prefect_server.client_env(Path(os.environ["CISM_HOME"]), os.environ))
    log.setup()
    span = float(sys.argv[3] if len(sys.argv) > 3 else 60)
    process.run(lambda stop: _main(sys.argv[1], sys.argv[2], span, stop, pool="pool" in sys.argv))
