"""The alarm in a small file, so that a restart pages nobody twice."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import IO, Any

from cism_watchdog.judging import TROUBLES
from cism_watchdog.paging import Alarm


class AnotherWatchdogError(Exception):
    """Another watchdog remembers in the same file."""


class Memory:
    """The file, held while this process lives."""

    def __init__(self, path: Path) -> None:
        """Raises OSError where the file cannot be made, AnotherWatchdogError where it is held by another."""
        self._path = path
        self._lock: IO[str] = path.with_name(path.name + ".lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.close()
            raise AnotherWatchdogError from error

    def load(self) -> Alarm:
        """What was remembered; a fresh alarm where there is nothing that can be read."""
        try:
            return _read(json.loads(self._path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return Alarm()

    def save(self, alarm: Alarm) -> None:
        """Replace the file in one move; raises OSError where the disk takes nothing more."""
        fresh = self._path.with_name(self._path.name + ".new")
        with fresh.open("w", encoding="utf-8") as file:
            json.dump(_written(alarm), file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)

    def close(self) -> None:
        """Let another have it."""
        self._lock.close()


def _written(alarm: Alarm) -> dict[str, Any]:
    return {
        "levels": dict(alarm.levels),
        "since": dict(alarm.since),
        "on": sorted(alarm.on),
        "told": sorted(alarm.told),
        "pages": alarm.pages,
        "paged_at": alarm.paged_at,
        "clear_since": alarm.clear_since,
        "looked_at": alarm.looked_at,
    }


def _read(found: dict[str, Any]) -> Alarm:
    def maybe(name: str) -> float | None:
        return None if found[name] is None else float(found[name])

    return Alarm(
        levels={key: float(found["levels"][key]) for key in TROUBLES if key in found["levels"]},
        since={key: float(found["since"][key]) for key in TROUBLES if key in found["since"]},
        on=frozenset(key for key in TROUBLES if key in found["on"]),
        told=frozenset(key for key in TROUBLES if key in found["told"]),
        pages=int(found["pages"]),
        paged_at=float(found["paged_at"]),
        clear_since=maybe("clear_since"),
        looked_at=maybe("looked_at"),
    )
