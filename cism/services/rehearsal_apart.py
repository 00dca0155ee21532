"""A rehearsal in a process of its own, for whoever serves pages meanwhile.

A rehearsal seals what it writes with keys that are thrown away; in a process that also serves people, what
they send at that moment would be sealed with them too and lost.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any, Final

from cism.services import apart
from cism.settings import Settings

_COMMAND: Final = (sys.executable, "-c", "from cism.cli.main import app; app()", "rehearse")
_SECONDS: Final = 120.0  # a year under the longest protocol takes some ten on a small machine
_one_at_a_time: Final = asyncio.Semaphore(1)


async def play(settings: Settings, protocol: str, *, own_roster: bool) -> dict[str, Any]:
    """Play the usual incident under this protocol; the document that `cism rehearse --json` gives.

    Raises BadInput with what the rehearsal said where it cannot be played.
    """
    arguments = [protocol, "--json", *(["--own-roster"] if own_roster else [])]
    async with _one_at_a_time:
        said = await apart.run(
            settings,
            (*_COMMAND, *arguments),
            seconds=_SECONDS,
            late="The rehearsal took too long and was stopped. Try it with `cism rehearse`.",
            silent="The rehearsal ended without a word.",
        )
    found: dict[str, Any] = json.loads(said)
    return found
