"""One of our own commands in a process of its own: what it does to a clock or to keys stays there."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence

from cism.errors import BadInput
from cism.settings import Settings


async def run(
    settings: Settings,
    command: Sequence[str],
    *,
    seconds: float,
    late: str,
    silent: str,
    more: Mapping[str, str] | None = None,
) -> str:
    """What it prints. Raises BadInput with its last line of refusal, with `late` where it took longer than
    `seconds` and was stopped, and with `silent` where it failed without a word. `more`: settings besides.
    """
    home = {"CISM_HOME": str(settings.home.absolute()), "CISM_DATABASE_URL": settings.url}
    process = await asyncio.create_subprocess_exec(
        *command,
        env={**os.environ, **home, **(more or {})},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        said, problem = await asyncio.wait_for(process.communicate(), seconds)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise BadInput(late) from None
    if process.returncode:
        lines = problem.decode("utf-8", "replace").strip().splitlines()
        raise BadInput(lines[-1] if lines else silent)
    return said.decode("utf-8")
