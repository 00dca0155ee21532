"""A promise, how often it was looked at, and where it was broken: in words that name nobody."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Promise:
    """One line of the verdict."""

    name: str
    checked: int = 0
    broken: list[str] = field(default_factory=list)

    @property
    def kept(self) -> int:
        """How many were kept."""
        return self.checked - len(self.broken)

    def look(self, ok: bool, example: str) -> bool:
        """Count one; where it is not kept, remember how."""
        self.checked += 1
        if not ok:
            self.broken.append(example)
        return ok


class Aliases:
    """Numbers for people, in order of appearance, so that examples name nobody."""

    def __init__(self) -> None:
        self._given: dict[str, int] = {}

    def of(self, key: str) -> str:
        """Such as `person 4`."""
        return f"person {self._given.setdefault(key, len(self._given) + 1)}"
