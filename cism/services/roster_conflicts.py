"""What only the whole roster can tell about a file: phones that somebody else has, circles of command."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from cism.domain.people import PersonStatus
from cism.domain.roster_csv import RosterRow
from cism.services.roster_write import Known, status_after

_LONGEST = 60  # as wide as the columns of the table
_IN_SERVICE = frozenset({PersonStatus.ACTIVE, PersonStatus.LEAVE})


def conflicts(
    rows: Collection[RosterRow], known: Mapping[str, Known], *, only: str | None = None
) -> list[tuple[int, str]]:
    """Line and text of everything that the file's rows and the people already known cannot both be.

    `only`: whoever reads it may know the people of this agency, and no others.
    """
    return [*_too_long(rows), *_phones(rows, known, only), *_circles(rows, known)]


def _too_long(rows: Collection[RosterRow]) -> Iterator[tuple[int, str]]:
    for row in rows:
        for name in ("unit", "station", "rank"):
            if len(getattr(row, name)) > _LONGEST:
                yield row.line, f"{name}: is longer than {_LONGEST} characters; shorten it"


def _phones(
    rows: Collection[RosterRow], known: Mapping[str, Known], only: str | None
) -> Iterator[tuple[int, str]]:
    """Somebody in service who is not in the file keeps a number; the file was checked when it was read."""
    here = {row.key for row in rows}
    taken = {
        one.row.phone: key
        for key, one in known.items()
        if key not in here and one.row.phone and one.row.status in _IN_SERVICE
    }
    for row in rows:
        status = status_after(row, known.get(row.key))
        holder = taken.get(row.phone) if status in _IN_SERVICE else None
        if holder is not None:
            if only is not None and not holder.startswith(f"{only}:"):
                holder = "somebody of another agency"
            yield (
                row.line,
                f"phone: {row.key} and {holder} (already on the roster) have the same phone; replies could "
                "not be told apart, give each active person an own number",
            )


def _circles(rows: Collection[RosterRow], known: Mapping[str, Known]) -> Iterator[tuple[int, str]]:
    """Circles of command that pass through people who are not in the file."""
    superior = {key: one.reports_to for key, one in known.items()}
    superior |= {row.key: row.reports_to for row in rows}
    inside = {row.key for row in rows}
    settled: set[str] = set()
    for row in rows:
        path: list[str] = []
        key: str | None = row.key
        while key is not None and key not in settled and key not in path:
            path.append(key)
            key = superior.get(key)
        circle = path[path.index(key) :] if key in path else []
        settled.update(path)
        if any(member not in inside for member in circle):
            yield (
                row.line,
                f"reports_to: makes a circle of command through {', '.join(sorted(circle))}; break it",
            )
