"""`python -m flows`: the conductor. `python -m flows worker`, `python -m flows server --port N`."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from datetime import timedelta

from cism import log
from cism.errors import OUTDATED, CismError, ConfigurationError, DatabaseChanged, DatabaseNewer
from cism.services import clockwork, restoring
from cism.settings import Settings, load
from cism.store import migrate
from flows import prefect_server, process, runtime
from flows.conductor import Conductor
from flows.link import Link, healthy


def main(argv: list[str] | None = None) -> int:
    """One part, in the foreground, until SIGTERM or SIGINT."""
    given = _arguments().parse_args(argv)
    log.setup()
    try:
        settings = load()
        if given.part == "server":
            prefect_server.serve(settings.home, given.port)
            return 0
        os.environ.update(prefect_server.client_env(settings.home, os.environ))
        process.run(lambda stop: _part(given.part, settings, stop))
    except CismError as error:
        sys.stderr.write(f"{error}\n")
        return OUTDATED if isinstance(error, DatabaseNewer) else 1
    return 0


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m flows", description=__doc__)
    parser.add_argument("part", nargs="?", choices=["conductor", "worker", "server"], default="conductor")
    parser.add_argument("--port", type=int, default=4200, help="of the Prefect server")
    return parser


async def _part(part: str, settings: Settings, stop: asyncio.Event) -> None:
    ground = runtime.from_settings(settings)
    runtime.use(ground)
    try:
        migrate.check(ground.db)
        clockwork.refuse_real_clock(ground.db)
        restoring.notice(ground.db)
        loop = asyncio.get_running_loop()
        ground.db.when_outdated = lambda: loop.call_soon_threadsafe(stop.set)
        await (_work(ground, stop) if part == "worker" else _conduct(ground, settings, stop))
        if ground.db.outdated:
            raise DatabaseChanged
    finally:
        await ground.aclose()


async def _conduct(ground: runtime.Runtime, settings: Settings, stop: asyncio.Event) -> None:
    link = Link(ground.limits, work_pool=settings.execution == "work_pool")
    await Conductor(ground, link).run(stop)


async def _work(ground: runtime.Runtime, stop: asyncio.Event) -> None:
    if not os.environ.get("PREFECT_API_URL"):
        message = "the worker serves Prefect: set PREFECT_API_URL to its server, or use `cism up`"
        raise ConfigurationError(message)
    if not await _answered(os.environ["PREFECT_API_URL"], stop):
        return
    from flows.worker import Worker  # imports Prefect: not while its server needs the processor to start

    seconds = float(os.environ.get("CISM_PERFORM_DUE_SECONDS", "60"))
    await Worker(ground, timedelta(seconds=seconds)).run(stop)


async def _answered(url: str, stop: asyncio.Event) -> bool:
    """Wait for Prefect's server; False where we are told to stop first."""
    asking = asyncio.create_task(healthy(url))
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({asking, stopped}, return_when=asyncio.FIRST_COMPLETED)
    for task in (asking, stopped):
        task.cancel()
    await asyncio.gather(asking, stopped, return_exceptions=True)
    return not stop.is_set()


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)  # threads of Prefect's that wait for a dead server must not keep us here
