"""The wall's memory across restarts: one JSON line for each thing that happened."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

Event = dict[str, Any]


class Journal:
    """Appends events to a file that only its owner reads; without a path it keeps nothing."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: IO[str] | None = None

    def past(self) -> Iterator[Event]:
        """The events written before, oldest first.

        A line that is not JSON is passed over: the last one is torn when the machine went down in it.
        """
        if self._path is None or not self._path.exists():
            return
        with self._path.open(encoding="utf-8") as lines:
            for line in lines:
                try:
                    event = json.loads(line)
                except ValueError:
                    continue
                yield event

    def open(self) -> None:
        """Get ready to append, on a line of its own whatever the file ends in."""
        if self._path is None:
            return
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._file = os.fdopen(descriptor, "a", encoding="utf-8")
        if self._path.stat().st_size and not self._path.read_bytes().endswith(b"\n"):
            self._file.write("\n")

    def append(self, event: Event) -> None:
        """Write one event down."""
        if self._file is not None:
            self._file.write(json.dumps(event, ensure_ascii=False) + "\n")
            self._file.flush()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None
