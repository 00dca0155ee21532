"""Who is on call when: rotations that begin at local wall time, changes to them, and the gaps that are left.

Moments are UTC; a rotation's own times are those on the wall of its zone, so that a turn begins at eight in
the morning on both sides of a change of clocks. A time that the clocks leap over counts as the same instant
before the leap, one that comes twice as the first of the two (PEP 495, fold 0).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Turn:
    """One person on call from `start` until just before `end`."""

    person: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """People one after the other, `days` days each, from the first handover on, until `ends` if ever."""

    members: tuple[str, ...]
    zone: str
    first_day: date
    handover: time
    days: int
    ends: datetime | None = None

    def boundary(self, number: int) -> datetime:
        """When turn `number` begins, counted from 0."""
        day = self.first_day + timedelta(days=number * self.days)
        return datetime.combine(day, self.handover, ZoneInfo(self.zone)).astimezone(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """From `start` until `end`: `instead` has the turn of `of`, or of whoever has it where that is None.

    Without `instead` nobody takes it, and a gap is left.
    """

    start: datetime
    end: datetime
    of: str | None
    instead: str | None


@dataclass(frozen=True, slots=True)
class Gap:
    """Nobody is on call from `start` until `end`."""

    start: datetime
    end: datetime


def turns(rotation: Rotation, since: datetime, until: datetime) -> list[Turn]:
    """The turns of a rotation that touch this span, whole; none before its first handover."""
    stop = until if rotation.ends is None else min(until, rotation.ends)
    if not rotation.members:
        return []
    return list(_turns(rotation, since, stop))


def _turns(rotation: Rotation, since: datetime, stop: datetime) -> Iterator[Turn]:
    begun = (since - rotation.boundary(0)).days // rotation.days - 1  # a day early: zones shift by hours
    number = max(begun, 0)
    while (start := rotation.boundary(number)) < stop:
        end = rotation.boundary(number + 1)
        if rotation.ends is not None:
            end = min(end, rotation.ends)
        if end > since:
            yield Turn(rotation.members[number % len(rotation.members)], start, end)
        number += 1


def changed(found: Iterable[Turn], changes: Sequence[Change]) -> list[Turn]:
    """The turns after these changes, each applied to what the ones before it left; in order of time."""
    left = list(found)
    for change in changes:
        left = [piece for turn in left for piece in _apply(turn, change)]
    return sorted(left, key=lambda turn: (turn.start, turn.end, turn.person))


def _apply(turn: Turn, change: Change) -> Iterator[Turn]:
    start, end = max(turn.start, change.start), min(turn.end, change.end)
    if start >= end or change.of not in {None, turn.person}:
        yield turn
        return
    if turn.start < start:
        yield replace(turn, end=start)
    if change.instead is not None:
        yield Turn(change.instead, start, end)
    if end < turn.end:
        yield replace(turn, start=end)


def holds(found: Iterable[Turn], person: str, start: datetime, end: datetime) -> bool:
    """Whether this person is on call all the way from `start` until `end`."""
    return start < end and not gaps((turn for turn in found if turn.person == person), start, end)


def at(found: Iterable[Turn], moment: datetime) -> list[str]:
    """Who is on call at one moment, each once, in order of time."""
    return list(dict.fromkeys(turn.person for turn in found if turn.start <= moment < turn.end))


def gaps(found: Iterable[Turn], since: datetime, until: datetime) -> list[Gap]:
    """When nobody is on call within this span."""
    left: list[Gap] = []
    covered = since
    for turn in sorted(found, key=lambda one: one.start):
        if turn.start >= until:
            break
        if turn.start > covered:
            left.append(Gap(covered, turn.start))
        covered = max(covered, turn.end)
    if covered < until:
        left.append(Gap(covered, until))
    return left
