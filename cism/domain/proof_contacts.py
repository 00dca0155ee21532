"""Proves the contact points: each falls due in its window, in open minutes, and no two at one moment.

Start minutes need no counting one by one. A text that counts hours misses its window exactly where the window
lies wholly inside a stretch in which the person may not be texted; that stretch is as long as its class says,
so the starts that fail are one interval, computed for all 86,400 of a day at once. A text that counts days
asks only whether the day has an open minute left at its hour.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, lru_cache
from itertools import pairwise
from typing import Final

from cism.domain.durations import format_duration
from cism.domain.incident import Severity
from cism.domain.people import SleepWindow
from cism.domain.proof_classes import Start, due, in_window, least_open, second_of, seconds
from cism.domain.proof_days import DAY, HOUR, LARGEST, MINUTE, SHIFTS
from cism.domain.protocol_model import ContactRule, Protocol
from cism.domain.quiet_hours import CLOSES, open_stretches
from cism.domain.yaml_lines import Problem

# A span that counts hours may meet one change of the clocks, not two: the nearest two of any zone lie weeks
# apart. Beyond, an hour more or less would also be felt; days are counted by the calendar.
MOST_ELAPSED: Final = 14 * DAY
_LATEST_OPENING: Final = CLOSES * MINUTE - 2 * HOUR  # the last hour at which two open hours can begin


@dataclass(frozen=True, slots=True)
class Closed:
    """A stretch without an open minute: from that second of a day on, so long; `by`: the clocks in it."""

    sleep: SleepWindow
    begins: int
    length: int
    by: int


@dataclass(frozen=True, slots=True)
class Missed:
    """Somebody whom a contact point does not reach in its window: who, and from when to when."""

    closed: Closed
    first: int  # seconds of the day at which exposure ended; below 0 on the day before the stretch's
    last: int


@cache
def closed_stretches() -> tuple[Closed, ...]:
    """All of them under the least open sleep windows, on every kind of night."""
    found = []
    for sleep in least_open():
        stretches = open_stretches(sleep)
        for (_, closes), (opens, _) in pairwise(stretches):
            found.append(Closed(sleep, closes * MINUTE, (opens - closes) * MINUTE, 0))
        closes, opens = stretches[-1][1], stretches[0][0]
        night = DAY - (closes - opens) * MINUTE
        found += [Closed(sleep, closes * MINUTE, night - by, by) for by in SHIFTS]
    return tuple(found)


def classes() -> int:
    """How many classes a proof stands for: start minute by sleep window by kind of night."""
    return DAY // MINUTE * len({one.sleep for one in closed_stretches()}) * len(SHIFTS)


@lru_cache(maxsize=256)
def missed(rule: ContactRule) -> Missed | None:
    """Whom this rule does not reach in its window, the least unusual night first; None: it reaches everybody.

    Exact to the second: `first` to `last` are all starts that fail under that sleep window and night.
    """
    if rule.window is None or not rule.after:
        return None
    if rule.kind == "elapsed":
        earliest, latest = (seconds(span) for span in rule.window)
        failing = [one for one in closed_stretches() if one.length > latest - earliest]
        worst = min(failing, key=lambda one: (abs(one.by), -one.length), default=None)
        if worst is None:
            return None
        return Missed(worst, worst.begins - earliest, worst.begins + worst.length - latest - 1)
    for sleep in least_open():
        start = Start(0, open_stretches(sleep))
        if not in_window(rule, start, due(rule, start)):
            return Missed(Closed(sleep, second_of(rule.at), 0, 0), 0, DAY - 1)
    return None


def check_contacts(protocol: Protocol) -> Iterator[Problem]:
    """What of the contact points cannot be kept, by place in the file."""
    for index, rule in enumerate(protocol.contacts):
        yield from (Problem(("contacts", index, key), text) for key, text in _one(rule))
    found = [item for severity in Severity for item in _by_severity(protocol, severity)]
    yield from dict.fromkeys(found)  # the same of several severities is told once


def longest_closed() -> int:
    """The longest stretch without an open minute, in seconds of elapsed time."""
    return max(one.length for one in closed_stretches())


def bounds(rule: ContactRule) -> tuple[int, int]:
    """The earliest and the latest moment at which a point that keeps its window can fall due, in seconds from
    the end of exposure, whatever the class.
    """
    if rule.kind == "elapsed":
        first, last = rule.window or (rule.after, rule.after)
        return seconds(first), seconds(last) if rule.window else seconds(last) + longest_closed()
    day = seconds(rule.after) // DAY * DAY
    # the start may lie at either end of its day; where the hour is too late for somebody, it is the next day
    return day + second_of(rule.at) - DAY - LARGEST, day + DAY + _LATEST_OPENING + LARGEST


def example(found: Missed) -> str:
    """The class in words, for whoever reads the refusal."""
    sleep, by = found.closed.sleep, found.closed.by
    night = "" if not by else f", in the night when the clocks go {'back' if by < 0 else 'forward'}"
    second = found.first % DAY
    left = f"{second // HOUR:02}:{second % HOUR // MINUTE:02}"
    return f"somebody who sleeps {sleep.start:%H:%M} to {sleep.end:%H:%M} and left at {left}{night}"


def _one(rule: ContactRule) -> Iterator[tuple[str, str]]:
    if rule.by == "sms" and not rule.after:
        yield "by", f"{rule.id} would be texted at once, whatever the hour; write by: peer, or a later hour"
    spans = (rule.after, *(rule.window or ()))
    if rule.kind == "elapsed" and seconds(max(spans)) > MOST_ELAPSED:
        yield "after", f"hours are counted up to {MOST_ELAPSED // DAY}d; beyond, write kind: date"
        return
    found = missed(rule)
    if found is not None:
        yield "window", f"{rule.id} does not reach {example(found)}; {_mend(rule)}"


def _mend(rule: ContactRule) -> str:
    first = rule.after if rule.window is None else rule.window[0]
    if rule.kind == "elapsed":
        least = first + timedelta(seconds=longest_closed())
        return f"write [{format_duration(first)}, {format_duration(least)}] or later"
    return f"write [{format_duration(first)}, {format_duration(rule.after + timedelta(days=1))}] or later"


def _by_severity(protocol: Protocol, severity: Severity) -> Iterator[Problem]:
    texted = [rule for rule in protocol.contacts_for(severity) if rule.after]
    promised = [rule for rule in texted if not rule.opt_in]
    for rules in (promised, texted):
        for before, rule in pairwise(rules):
            if not _apart(before, rule):
                text = f"{rule.id} can fall due before {before.id} has run out; {_later(before)}"
                yield Problem((*_place(protocol, rule), "window"), text)
    yield from _opt_in(protocol, promised, [rule for rule in texted if rule.opt_in], severity)


def _apart(before: ContactRule, rule: ContactRule) -> bool:
    """Whether two points never fall together."""
    if before.kind != "elapsed" and rule.kind != "elapsed":  # both count from the same midnight
        return rule.after - before.after > timedelta(days=1) or before.at <= rule.at
    return bounds(before)[1] < bounds(rule)[0]


def _later(before: ContactRule) -> str:
    return f"let its window begin after {format_duration(timedelta(seconds=bounds(before)[1]))}"


def _opt_in(
    protocol: Protocol, promised: Sequence[ContactRule], asked: Sequence[ContactRule], severity: Severity
) -> Iterator[Problem]:
    """Whoever opts in is asked after the last promised point: what lies before that is never reached."""
    for rule in asked:
        if not promised:
            text = f"{severity} has no point before it after which to ask whether they want it"
            yield Problem((*_place(protocol, rule), "opt_in"), f"{text}; take opt_in out")
            continue
        wait = bounds(promised[-1])[1] + seconds(protocol.opt_in_after) + longest_closed()
        if bounds(rule)[0] <= wait:
            text = f"of {severity}, {rule.id} falls due before anybody was asked whether they want it"
            mend = f"put it well after {promised[-1].id}, or take opt_in out"
            yield Problem((*_place(protocol, rule), "opt_in"), f"{text}; {mend}")


def _place(protocol: Protocol, rule: ContactRule) -> tuple[str | int, ...]:
    return ("contacts", protocol.contacts.index(rule))
