"""How a database is connected to, by its kind."""

from __future__ import annotations

import contextlib
import logging
import os
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, event
from sqlalchemy.engine import Engine, make_url


def folder_of(engine: Engine) -> Path | None:
    """Where a database of one file lies; None for one in memory, or on a server."""
    file = engine.url.database if engine.dialect.name == "sqlite" else None
    return Path(file).absolute().parent if file else None


def make(url: str) -> Engine:
    """The engine of a database, as every part of the program needs it."""
    _let_no_log_show_rows()
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        _for_its_owner_alone(parsed.database)
        engine = create_engine(
            parsed, connect_args={"timeout": 15, "check_same_thread": False}, hide_parameters=True
        )
        event.listen(engine, "connect", _sqlite_connect)
        return engine
    return create_engine(parsed, pool_size=10, max_overflow=10, pool_pre_ping=True, hide_parameters=True)


def _for_its_owner_alone(file: str | None) -> None:
    """A new file is nobody else's to read, nor the log that SQLite writes beside it with the same rights."""
    if file and file != ":memory:" and not file.startswith("file:"):
        with contextlib.suppress(OSError):  # it is there, or cannot be made: SQLite says which
            os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def _let_no_log_show_rows() -> None:
    # parameters are hidden at every level; the rows of an answer would be shown in clear at DEBUG
    answers = logging.getLogger("sqlalchemy.engine")
    if answers.level < logging.INFO:
        answers.setLevel(logging.WARNING)


def _sqlite_connect(connection: Any, _record: Any) -> None:
    # the driver's own BEGIN is deferred; we say BEGIN ourselves
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "busy_timeout=15000",
        "foreign_keys=ON",
        "secure_delete=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
