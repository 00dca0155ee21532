"""When the provider counts as failing, so that urgent texts go another way, and when it is trusted again.

The two thresholds lie apart: it counts as failing only after failures that lasted, with nothing good between
them, and is trusted only after several good answers and some rest. One answer alone changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

FAILS_AFTER: Final = timedelta(seconds=20)  # design: a page is tried four times in it; a helper waits minutes
TRUSTED_AFTER: Final = 3  # good answers in a row
RESTS: Final = timedelta(seconds=30)  # and no sooner than this after it began to fail


@dataclass(frozen=True, slots=True)
class Primary:
    """What is known of the provider; times are real. `good` counts since its last failure while it fails."""

    failing_since: datetime | None = None
    opened_at: datetime | None = None
    good: int = 0

    @property
    def fails(self) -> bool:
        """Whether urgent texts go the second way as soon as one try has failed."""
        return self.opened_at is not None

    def failed(self, at: datetime) -> Primary:
        """It did not take a text, or did not say whether it did."""
        if self.fails:
            return replace(self, good=0)
        since = self.failing_since or at
        return replace(self, failing_since=since, opened_at=at if at - since >= FAILS_AFTER else None)

    def worked(self, at: datetime) -> Primary:
        """It answered as it should; also when it refuses one number for good."""
        if self.opened_at is None:
            return Primary()
        good = self.good + 1
        if good >= TRUSTED_AFTER and at - self.opened_at >= RESTS:
            return Primary()
        return replace(self, good=good)


def goes_now(primary: Primary, waited: timedelta) -> bool:
    """Whether an urgent text that was tried and surely not taken goes the second way now.

    `waited`: real time since it was first tried.
    """
    return primary.fails or waited >= FAILS_AFTER
