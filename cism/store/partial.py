"""What the partial indexes hold, in the very words of their definition.

SQLite uses a partial index only where a query repeats its condition word for word; a bound parameter is no
word. Without them, what is asked every few seconds would read the history of years from end to end.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import text

MOVING: Final = text("outbox.state in ('sending', 'unknown')")  # index outbox_moving
PLANNED: Final = text("step.state = 'planned'")  # index step_due
PENDING: Final = text("outbox.state = 'pending'")  # index outbox_ready
EVER: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Before anything: SQLite enters an index only by a condition on its first column."""
