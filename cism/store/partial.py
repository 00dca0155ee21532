"""What the partial indexes hold, in the very words of their definition.

SQLite uses a partial index only where a query repeats its condition word for word; a bound parameter is no
word. Without them, what is asked every few seconds would read the history of years from end to end.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import text

MOVING: Final = text("outbox.state in ('sending', 'unknown')")  # index outbox_moving
PLANNED: Final = text("step.state = 'planned'")  # index step_due
