"""The plainest way to page through Prefect: a deployment under `flow.serve()`, one process a run.

`python -m bench.stock` serves it; it is asked for over Prefect's API, as `run_deployment` does.
"""

from __future__ import annotations

import os
from pathlib import Path

from prefect import flow

from bench import STOCK
from cism.services.gateway import build_gateway
from cism.settings import load
from notifications.gateway import OutgoingSms


@flow(name=STOCK)
async def page(message_id: str) -> None:
    """One POST to the provider."""
    gateway = build_gateway(load())
    text = "CISM: can you help a colleague today? Reply 1 yes, 2 no."
    try:
        await gateway.send(OutgoingSms(message_id, "+12125550123", text, True, 600))
    finally:
        await gateway.aclose()


if __name__ == "__main__":
    os.chdir(Path(__file__).resolve().parent.parent)  # where a served run looks for its code
    page.serve(name=STOCK, print_starting_message=False)
