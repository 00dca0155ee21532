"""What the written rules of the practice are made of: spans, clock times, texts and counts that refuse
anything else in words, and what stands behind them.
"""

from __future__ import annotations

import re
from datetime import time, timedelta
from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from cism.domain.durations import parse_duration

_CLOCK: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])", re.ASCII)


def _span(value: object) -> object:
    return value if isinstance(value, timedelta) else parse_duration(str(value))


def _wall_clock(value: object) -> object:
    if isinstance(value, time):
        return value
    match = _CLOCK.fullmatch(str(value))
    if match is None:
        message = f"{value!r} is not a time of day; write HH:MM, e.g. 10:00"
        raise ValueError(message)
    return time(int(match[1]), int(match[2]))


Span = Annotated[timedelta, BeforeValidator(_span)]
WallClock = Annotated[time, BeforeValidator(_wall_clock)]
Text = Annotated[str, Field(min_length=1)]
Count = Annotated[int, Field(ge=0, le=10_000)]


class Basis(StrEnum):
    """What stands behind an entry."""

    SOURCE = "source"  # a source says so
    UNVERIFIED = "unverified"  # known, but the passage was not read, or sources differ
    DESIGN = "design"  # this product's proposal, no authority behind it


class Rule(BaseModel):
    """Read once, never changed; a key that nobody knows is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)
