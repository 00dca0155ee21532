"""Prefect's server with two mends: a refused write says when to come back, and its scheduler works.

On SQLite the server answers 503 when two of its transactions collide, and its client then waits two seconds
for what is free again after milliseconds. A page must not wait that long.

Prefect 3.8.8 allows SQLAlchemy 2.1, but its scheduler fails there on every insert ("Can't evaluate bulk DML
statement"): 2.0 passed over the key `state` of the rows, which is no column but a hybrid attribute; 2.1 asks
for a setter. The setter given here does what 2.0 did: nothing.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import uvicorn
from prefect.server.api.server import create_app
from prefect.server.database import orm_models
from sqlalchemy.orm import Mapper, class_mapper
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_BACK_AFTER = b"0.05"  # seconds


class ComeBackSoon:
    """Adds Retry-After to each 503."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 503:
                message["headers"] = [*message["headers"], (b"retry-after", _BACK_AFTER)]
            await send(message)

        await self._app(scope, receive, tell)


def mend_scheduler() -> None:
    """Let rows with a `state` be inserted in bulk, unless Prefect has learnt it by now."""
    for model in (orm_models.FlowRun, orm_models.TaskRun):
        mapper: Mapper[Any] = class_mapper(model)
        hybrid: Any = mapper.all_orm_descriptors["state"]
        if getattr(hybrid, "bulk_dml_setter", _pass_over) is None:
            hybrid.bulk_dml_setter = _pass_over


def _pass_over(_model: type, _row: MutableMapping[str, Any], _value: object) -> None:
    """Prefect writes states itself, to their own table."""


def run(host: str, port: int) -> None:
    """Serve until stopped."""
    mend_scheduler()
    uvicorn.run(
        ComeBackSoon(create_app(final=True)),
        host=host,
        port=port,
        log_level="error",
        timeout_keep_alive=60,
        lifespan="on",
    )
