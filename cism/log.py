"""Logs: an event name, ids and enum values; never a name, number, body or somebody else's exception text."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any


class _Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields = getattr(record, "fields", {})
        line: dict[str, Any] = {
            "at": self.formatTime(record),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        line.update(fields)
        if record.exc_info and record.exc_info[0] is not None:
            # the class alone: an exception's text may carry a body or a number
            line["error"] = record.exc_info[0].__name__
        return json.dumps(line)


def setup(level: str = "INFO") -> None:
    """Send our events to standard error, one JSON object a line."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines())
    root = logging.getLogger("cism")
    root.handlers = [handler]
    root.setLevel(level)
    root.propagate = False


def event(name: str, **fields: str | int | float | bool | None) -> None:
    """Record that something happened."""
    logging.getLogger("cism").info(name, extra={"fields": fields})


def failure(name: str, error: BaseException, **fields: str | int | float | bool | None) -> None:
    """Record that something failed, by the class of the error only."""
    fields["error"] = type(error).__name__
    logging.getLogger("cism").warning(name, extra={"fields": fields})
