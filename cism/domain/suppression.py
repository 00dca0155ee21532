"""Counts that leave the team: small ones are not shown, nor whatever would tell them (domain.md 9)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from cism.domain.access import SMALLEST_COUNT


@dataclass(frozen=True, slots=True)
class Shown:
    """Cells and their total as they may be shown; None: not shown."""

    cells: Mapping[str, int | None]
    total: int | None


def suppressed(counts: Mapping[str, int], shown: Callable[[int], int | None]) -> Shown:
    """Hide what `shown` hides, and greater cells beside it until nothing tells what is hidden.

    They are taken by name and never by size: that the smallest was taken would tell something of it. Where no
    cell is left to be taken, the total is not shown either, nor any cell but zeros.
    """
    total = sum(counts.values())
    hidden = {name for name, count in counts.items() if shown(count) is None}
    others = iter(sorted(name for name, count in counts.items() if count and name not in hidden))
    while hidden and _told([counts[name] for name in hidden]):
        following = next(others, None)
        if following is None:
            return withheld(counts)
        hidden.add(following)
    return Shown({name: None if name in hidden else count for name, count in counts.items()}, total)


def together(tables: Mapping[str, Mapping[str, int]], shown: Callable[[int], int | None]) -> dict[str, Shown]:
    """Tables of the same things, and so of the same total: what one must not show, no other may tell."""
    found = {name: suppressed(counts, shown) for name, counts in tables.items()}
    if all(table.total is not None for table in found.values()):
        return found
    return {name: withheld(counts) for name, counts in tables.items()}


def withheld(counts: Mapping[str, int]) -> Shown:
    """Nothing but which cells are empty."""
    return Shown({name: None if count else 0 for name, count in counts.items()}, None)


def _told(hidden: Collection[int]) -> bool:
    """Whether their sum, the total less what is shown, tells them: one alone, few together, all at an end."""
    cells, whole = len(hidden), sum(hidden)
    return cells == 1 or whole < SMALLEST_COUNT or whole in {cells, cells * (SMALLEST_COUNT - 1)}
