"""What the parts of a replay counted, a line each in a file: a replay that was stopped goes on from there."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from cism.errors import BadInput
from cism.services.replay import Part, Replayed

_COUNTERS = ("outcomes", "texts")


class Kept:
    """The file, or none; a part is known by its rows and its seed, whatever their file is called."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._found: dict[str, Replayed] = {}
        for number, line in enumerate(_lines(file), 1):
            try:
                key, counted = _read(line)
            except (ValueError, TypeError, KeyError) as error:
                message = f"{file}, line {number}: not what a replay keeps; give another file, or take it out"
                raise BadInput(message) from error
            self._found[key] = counted

    def of(self, part: Part) -> Replayed | None:
        """What this part counted when it was played before."""
        return self._found.get(_key(part))

    def add(self, part: Part, counted: Replayed) -> None:
        """Write down what a part counted."""
        if self._file is not None:
            with self._file.open("a", encoding="utf-8") as out:
                out.write(json.dumps({"part": _key(part), **_written(counted)}) + "\n")


def _lines(file: Path | None) -> list[str]:
    if file is None or not file.exists():
        return []
    return file.read_text(encoding="utf-8").splitlines()


def _key(part: Part) -> str:
    return hashlib.sha256(repr(part).encode()).hexdigest()[:16]


def _written(counted: Replayed) -> dict[str, Any]:
    return {field.name: getattr(counted, field.name) for field in fields(Replayed)}


def _read(line: str) -> tuple[str, Replayed]:
    found: Mapping[str, Any] = json.loads(line)
    values = {field.name: found[field.name] for field in fields(Replayed)}
    return found["part"], Replayed(**values | {name: Counter(values[name]) for name in _COUNTERS})
