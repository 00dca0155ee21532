"""Turns the real times of the phone wall into product times, by the table of clock moves."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any


def moment(text: str) -> datetime:
    """An instant as ISO 8601, with a zone; aware UTC."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        message = f"{text!r} has no zone"
        raise ValueError(message)
    return found.astimezone(UTC)


class Moves:
    """Product time is real time plus the offset of the last move before it."""

    def __init__(self, rows: Iterable[Mapping[str, Any]]) -> None:
        ordered = sorted((moment(row["moved_at_real"]), float(row["offset_after"])) for row in rows)
        self._at = [at for at, _ in ordered]
        self._offsets = [offset for _, offset in ordered]

    def __len__(self) -> int:
        return len(self._at)

    def product(self, real: datetime) -> datetime:
        """The product time at a real instant."""
        place = bisect_right(self._at, real)
        return real + timedelta(seconds=self._offsets[place - 1] if place else 0.0)
