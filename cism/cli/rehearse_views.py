"""How a rehearsal is shown: as lines for people, as a document for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from cism.cli import show
from cism.domain.protocol import Protocol
from cism.domain.rehearsed import Change, Difference, Met, Rehearsed, Said, Taken

_COLUMNS = {
    "local": "Local time",
    "person": "Who",
    "what": "What",
    "text": "Text",
    "segments": "SMS",
    "asleep": "Asleep",
}
_CHANGED = {"change": "Change", "at": "At", "by": "By", "person": "Who", "what": "What", "text": "Text"}


def header(protocol: Protocol) -> Iterator[str]:
    """What is rehearsed, and on what evidence it stands."""
    yield f"{protocol.title} ({protocol.key}, version {protocol.version})"
    yield f"Evidence: {protocol.evidence_note}"
    yield from (f"Source: {source}" for source in protocol.sources)


def document(protocol: Protocol, found: Rehearsed) -> dict[str, Any]:
    """The whole rehearsal, for programs."""
    return {
        "protocol": protocol.key,
        "version": protocol.version,
        "evidence_note": protocol.evidence_note,
        "sources": list(protocol.sources),
        "state": found.state,
        "texts": [_said(item) for item in found.said],
        "steps": [_step(item) for item in found.taken],
        "sessions": [_met(item) for item in found.met],
    }


def tell(protocol: Protocol, found: Rehearsed) -> None:
    """Every text with its local time and segments, then the meetings and a summary."""
    for line in header(protocol):
        show.line(line)
    rows = [
        {
            "local": local(item.at, item.zone),
            "person": item.person,
            "what": what(item.kind, item.point),
            "text": item.text,
            "segments": None if item.answer else item.segments,
            "asleep": "asleep" if item.asleep and not item.answer else "",
        }
        for item in found.said
    ]
    show.table("What is texted", _COLUMNS, rows, "nobody is texted")
    for line in (*meetings(found.met), summary(found)):
        show.line(line)


def summary(found: Rehearsed) -> str:
    """One line: how much, how long, how it ended, and what was assumed."""
    texts = found.texts
    total = sum(item.segments for item in texts)
    night = sum(item.asleep for item in texts)
    answers = len(found.said) - len(texts)
    return (
        f"{len(texts)} texts ({total} segments; {night} reach somebody asleep) and {answers} answers "
        f"over {found.days} days; at the end {found.state}. "
        "The team said yes to everything, those awake first, and reached whom it called."
    )


def meetings(met: Sequence[Met]) -> Iterator[str]:
    """One line a kind of group session and what became of it."""
    counts = Counter((item.kind, item.state, item.reason) for item in met)
    for (kind, state, reason), count in counts.items():
        yield f"Group sessions: {kind}, {count} {state}" + (f" ({reason})" if reason else "")


def tell_differences(
    found: Sequence[Difference], protocols: tuple[Protocol, Protocol], *, as_json: bool
) -> None:
    """What changes from one protocol to the other; as JSON `by` is in seconds."""
    one, other = protocols
    if as_json:
        rows = [_difference(item) for item in found]
        show.data({"from": one.key, "to": other.key, "to_evidence": other.evidence_note, "changes": rows})
        return
    for line in header(other):
        show.line(line)
    shown = [
        _difference(item) | {"by": later(item.by), "what": what(item.what, item.point)} for item in found
    ]
    show.table(f"From {one.key} to {other.key}", _CHANGED, shown, f"{one.key} and {other.key} play alike")
    counts = Counter(item.change for item in found)
    show.line(", ".join(f"{counts[change]} {change.value}" for change in Change))


def local(at: datetime, zone: str) -> str:
    """A moment on the wall of whoever reads it: Sat 2026-03-07 23:10 EST."""
    return at.astimezone(ZoneInfo(zone)).strftime("%a %Y-%m-%d %H:%M %Z")


def later(by: timedelta | None) -> str | None:
    """A span with its sign: +1d 2h, -30m."""
    if by is None:
        return None
    minutes = abs(int(by.total_seconds())) // 60
    parts = ((minutes // 1440, "d"), (minutes % 1440 // 60, "h"), (minutes % 60, "m"))
    said = " ".join(f"{count}{unit}" for count, unit in parts if count) or "0m"
    return f"{'-' if by < timedelta(0) else '+'}{said}" if by else None


def what(kind: str, point: str | None) -> str:
    """A kind of text and its contact point."""
    return f"{kind} {point}" if point else kind


def _said(item: Said) -> dict[str, Any]:
    return {
        "at": show.moment(item.at),
        "local": item.at.astimezone(ZoneInfo(item.zone)).isoformat(),
        "person": item.person,
        "kind": item.kind,
        "point": item.point,
        "language": item.language,
        "asleep": item.asleep and not item.answer,
        "segments": 0 if item.answer else item.segments,
        "text": item.text,
    }


def _difference(item: Difference) -> dict[str, Any]:
    return {
        "change": item.change.value,
        "what": item.what,
        "person": item.person,
        "point": item.point,
        "at": show.moment(item.at),
        "by": item.by.total_seconds() if item.by is not None else None,
        "text": item.text,
    }


def _step(item: Taken) -> dict[str, Any]:
    return {
        "at": show.moment(item.due_at),
        "kind": item.kind,
        "person": item.person,
        "point": item.point,
        "outcome": item.outcome,
    }


def _met(item: Met) -> dict[str, Any]:
    return {
        "kind": item.kind,
        "state": item.state,
        "people": item.people,
        "window": [show.moment(bound) for bound in item.window],
        "starts_at": show.moment(item.starts_at),
        "reason": item.reason,
    }
