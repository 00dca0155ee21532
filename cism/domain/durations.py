"""Spans of time as people write them: a whole number and one of s m h d, such as 10m, 24h or 10d."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

_UNITS: Final = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_WRITTEN: Final = re.compile(r"([0-9]{1,6})([smhd])", re.ASCII)


def parse_duration(text: str) -> timedelta:
    """The span that `text` writes; raises ValueError, which says how to write one."""
    match = _WRITTEN.fullmatch(text.strip())
    if match is None:
        message = f"{text!r} is not a span of time; write a whole number and one of s m h d, e.g. 24h"
        raise ValueError(message)
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


def format_duration(span: timedelta) -> str:
    """The shortest way to write a span of whole seconds, zero or more: 1d rather than 24h, but 36h."""
    seconds = span // timedelta(seconds=1)
    if span < timedelta(0) or span != timedelta(seconds=seconds):
        message = f"{span!r} cannot be written as a span: it is negative or has a fraction of a second"
        raise ValueError(message)
    for unit, size in _UNITS.items():
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return "0h"
