"""Time as a story tells it: real time stands still unless moved, product time goes by its offset."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cism.clock import RealClock


class StoryClock:
    """Real time for one story. It begins at the true present, because the phone wall lives there."""

    def __init__(self) -> None:
        self.real = RealClock().now()

    def now(self) -> datetime:
        """The present instant of real time."""
        return self.real

    def pass_real(self, **span: float) -> None:
        """Let real time pass: back-off, leases, settling. Product time goes with it."""
        self.real += timedelta(**span)


def at(local: str, zone: str) -> datetime:
    """An instant by the clock on the wall, in UTC: `at("2026-03-09 08:00", "America/Los_Angeles")`."""
    return datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
