"""Critical incidents as the rules see them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Self


class Severity(StrEnum):
    """How grave an incident is; a scale of this product, no authority publishes one (domain.md 1)."""

    S1 = "S1"
    S2 = "S2"
    S3 = "S3"
    S4 = "S4"

    @property
    def rank(self) -> int:
        """1 for notable to 4 for catastrophic."""
        return int(self.value[1])

    def at_least(self, other: Self) -> bool:
        """Whether this is as grave as `other` or graver."""
        return self.rank >= other.rank


class Circle(StrEnum):
    """How near a person was to what happened (domain.md 1.2)."""

    A = "A"  # direct actor
    B = "B"  # present, witness
    C = "C"  # call-taker, dispatcher, remote
    D = "D"  # close colleague or crew of the harmed
    E = "E"  # support, also the supervisor who logged it
    F = "F"  # family


class IncidentState(StrEnum):
    """What a supervisor may see is only offered or closed."""

    OPEN = "open"  # people are being looked after
    STOOD_DOWN = "stood_down"  # false alarm or duplicate: nothing unsent goes out
    CLOSED = "closed"  # the plan has run its length
    HISTORY = "history"  # imported: nobody is ever texted


@dataclass(frozen=True, slots=True, kw_only=True)
class Affected:
    """One affected person. `exposure_end` None means still exposed: nothing is anchored to a guess."""

    person_id: str
    circle: Circle
    exposure_end: datetime | None
    added_at: datetime
    ended: bool = False  # this incident's contacts were ended by the person, or the person was removed


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One incident with its affected people; every instant is aware UTC, None where unknown."""

    id: str
    ref: str
    agency: str
    type: str
    severity: Severity
    logged_at: datetime
    occurred_at: datetime | None = None
    ended_at: datetime | None = None
    kin_notified: bool = False
    funeral_at: datetime | None = None
    statements_complete: bool = False
    logged_by: str | None = None
    state: IncidentState = IncidentState.OPEN
    affected: tuple[Affected, ...] = ()
