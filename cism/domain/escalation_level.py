"""How soon a human must speak with somebody."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Self


class EscalationLevel(StrEnum):
    """How soon a human must speak with the person; the hours are the protocol's."""

    ROUTINE = "ROUTINE"  # a voice within a working day
    URGENT = "URGENT"  # a voice within the hour
    EMERGENCY = "EMERGENCY"  # a clinician's voice within minutes

    @property
    def rank(self) -> int:
        """1 for routine to 3 for emergency."""
        return list(EscalationLevel).index(self) + 1

    def at_least(self, other: Self) -> bool:
        """Whether this is as pressing as `other` or more."""
        return self.rank >= other.rank


def most_pressing(levels: Iterable[EscalationLevel]) -> EscalationLevel:
    """The highest of several levels: what is added raises, never lowers. Raises ValueError for none."""
    return max(levels, key=lambda level: level.rank)
