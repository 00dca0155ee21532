"""Moves the product's clock as `cism clock next` does, without a process for each move."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select

from cism.cli.clock import settle
from cism.services import clockwork, engine
from cism.settings import Settings
from cism.store.db import Database, now
from cism.store.tables import ClockMove


class DemoClock:
    """The clock of a running installation. It moves time, and touches nothing else."""

    def __init__(self, settings: Settings) -> None:
        self._db = Database.from_settings(settings)
        self.stops = 0

    def now(self) -> datetime:
        """Product time."""
        with self._db.read() as session:
            return now(session)

    def next_due(self) -> datetime | None:
        """The next planned moment; one that has just come is still the next."""
        with self._db.read() as session:
            return engine.next_due(session)

    def go_to(self, instant: datetime) -> None:
        """Go forward to this instant, and return when everything that it brings has been done."""
        with self._db.transaction() as session:
            clockwork.move_to(session, instant, "next")
        self.stops += 1
        self.settle()

    def settle(self) -> None:
        """Return when nothing is due, claimed, unsent, or waiting for a receipt."""
        settle(self._db)

    def moves(self) -> list[dict[str, Any]]:
        """The table of clock moves."""
        with self._db.read() as session:
            return [
                {
                    "moved_at_real": row.moved_at_real.isoformat(),
                    "offset_before": row.offset_before,
                    "offset_after": row.offset_after,
                    "kind": row.kind,
                }
                for row in session.scalars(select(ClockMove).order_by(ClockMove.id))
            ]

    def close(self) -> None:
        """Let go of the database."""
        self._db.close()
