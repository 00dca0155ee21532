"""Two queues of a large incident: texts before one sender, and calls before a team that has to rest.

Pure arithmetic on given moments; what is asked of whom stands in `surge`.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

from cism.domain.what_if import SenderClass

HOUR: Final = timedelta(hours=1)
_GIVEN_UP: Final = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One text that falls due at `at`. Lower lanes go first; after `expires_at` it is worth nothing."""

    at: datetime
    lane: int
    name: str
    expires_at: datetime | None = None
    capped: bool = False  # goes to the carrier that takes only so much a day


@dataclass(slots=True)
class Sent:
    """What became of all texts. Moments and waits are by the name of the text."""

    last: dict[str, datetime] = field(default_factory=dict)
    longest: dict[str, timedelta] = field(default_factory=dict)
    count: int = 0
    expired: int = 0  # the queue lasted longer than their window: a human is told instead
    refused: int = 0  # over what the carrier takes a day: a human is told instead


def send(texts: Iterable[Outgoing], sender: SenderClass) -> Sent:
    """Hand texts over one after the other, urgent ones first, no faster than the sender may."""
    coming = deque(sorted(texts, key=lambda item: item.at))
    found, taken = Sent(), Counter[date]()
    waiting: list[tuple[int, datetime, int, Outgoing]] = []
    each, free = timedelta(seconds=1 / sender.rate), coming[0].at if coming else None
    while free is not None and (coming or waiting):
        if not waiting:
            free = max(free, coming[0].at)
        while coming and coming[0].at <= free:
            item = coming.popleft()
            heapq.heappush(waiting, (item.lane, item.at, len(coming), item))
        if _hand_over(heapq.heappop(waiting)[3], free, sender, taken, found):
            free += each
    return found


def _hand_over(item: Outgoing, at: datetime, sender: SenderClass, taken: Counter[date], found: Sent) -> bool:
    """One text at its turn; whether it used the sender."""
    if item.expires_at is not None and at > item.expires_at:
        found.expired += 1
        return False
    found.count += 1
    if item.capped and sender.per_day is not None and taken[at.date()] >= sender.per_day:
        found.refused += 1
        return True
    taken[at.date()] += item.capped
    found.last[item.name] = at
    found.longest[item.name] = max(found.longest.get(item.name, timedelta(0)), at - item.at)
    return True


@dataclass(frozen=True, slots=True)
class HourOfWork:
    """One hour: who would be needed for all that waits, who is there, and how long the oldest has waited."""

    at: datetime
    needed: int  # to serve within the hour all that wait
    there: int
    waiting: int  # cases left at its end
    oldest: timedelta

    @property
    def short(self) -> int:
        """How many are missing."""
        return max(self.needed - self.there, 0)


def work(cases: Iterable[datetime], minutes: float, awake: Sequence[int], a_day: float) -> list[HourOfWork]:
    """Serve cases in order of time, hour by hour; the hours in which somebody waited.

    `awake` holds how many helpers are awake in each UTC hour; together they work `a_day` hours a day.
    What nobody serves within sixty days of the last case stays waiting.
    """
    coming = deque(sorted(cases))
    if not coming:
        return []
    first = at = coming[0].replace(minute=0, second=0, microsecond=0)
    end = coming[-1] + _GIVEN_UP
    found: list[HourOfWork] = []
    waiting: deque[datetime] = deque()
    worked: Counter[int] = Counter()
    while (coming or waiting) and at <= end:
        while coming and coming[0] < at + HOUR:
            waiting.append(coming.popleft())
        today = (at - first).days
        there = min(awake[at.hour], int(a_day) - worked[today])
        hour, used = _hour(at, waiting, minutes, there)
        worked[today] += used
        found.append(hour)
        at += HOUR
        if not waiting and coming:
            at = max(at, coming[0].replace(minute=0, second=0, microsecond=0))
    return found


def _hour(at: datetime, waiting: deque[datetime], minutes: float, there: int) -> tuple[HourOfWork, int]:
    """One hour of work, and how many helper hours it took."""
    needed = math.ceil(len(waiting) * minutes / 60)
    served = min(len(waiting), int(there * 60 / minutes))
    for _ in range(served):
        waiting.popleft()
    oldest = at + HOUR - waiting[0] if waiting else timedelta(0)
    hour = HourOfWork(at=at, needed=needed, there=there, waiting=len(waiting), oldest=oldest)
    return hour, math.ceil(served * minutes / 60)
