"""Proves the group formats: each can be held inside its window, led and helped by as many as it needs.

Contacts reach everybody; a group cannot, because nobody is called back out of their sleep: where a window
holds no hour for somebody, one-to-one support is offered instead (`sessions.Blocked`), at any hour. So what
is proved of a group is that those who sleep at night and those who sleep by day can have it on every kind of
day: a format that is held at a set hour of a later day from every start, one of the same day from some, and
how many is told to whoever signs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import time
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from cism.domain.durations import format_duration
from cism.domain.interventions import GROUP_FORMATS
from cism.domain.people import SleepWindow
from cism.domain.proof_days import DAY, HOUR, MINUTE, ORDINARY, SHIFTS, Day
from cism.domain.proof_slots import QUARTER, Window, ahead, next_slot, proposed_slot, sleeper, span, windows
from cism.domain.protocol_model import Protocol, SessionRule
from cism.domain.session_case import led_by_clinician, team_of
from cism.domain.yaml_lines import Problem

SLEEPERS: Final[Mapping[str, SleepWindow]] = MappingProxyType(
    {"at night": SleepWindow(), "by day": SleepWindow(time(8), time(16))}
)
MOST_HELPERS: Final = 50  # as many as `activation.team` may name
# Ordinary; or the clocks change in the small hours of the day of the start, or in the night after it. A
# change on a later night is met by the same hours of another day.
_BEFORE: Final = (ORDINARY, *(Day(DAY + 2 * HOUR, by) for by in SHIFTS if by))
_WITHIN: Final = tuple(Day(2 * HOUR, by) for by in SHIFTS if by)


@dataclass(frozen=True, slots=True)
class Reach:
    """From how many of the 1440 start minutes of an ordinary day a group can have this format in time."""

    kind: str
    sleeps: str
    minutes: int


def check_sessions(protocol: Protocol) -> Iterator[Problem]:
    """Which formats cannot be held, or not with the helpers they need; places from the root."""
    for kind, rule in protocol.sessions.items():
        for problem in (*_phases(kind, rule), *_hours(kind, rule), *_team(kind, rule, protocol)):
            yield Problem(("sessions", kind, *problem.loc), problem.text)


def reaches(protocol: Protocol) -> Iterator[Reach]:
    """For whoever signs: how often each format is there in time; otherwise it is one-to-one."""
    for kind, rule in protocol.sessions.items():
        for sleeps, sleep in SLEEPERS.items():
            yield Reach(kind, sleeps, _minutes(kind, rule, sleep))


@lru_cache(maxsize=1024)  # protocols have rules in common
def _minutes(kind: str, rule: SessionRule, sleep: SleepWindow) -> int:
    starts = range(1, DAY, MINUTE)  # when the minute has begun, and the quarter of an hour with it
    return sum(_reached(kind, rule, sleep, windows(rule)["latest"], starts))


def _phases(kind: str, rule: SessionRule) -> Iterator[Problem]:
    """A leader's brief goes by the catalogue; a protocol that writes the phases out says the same."""
    phases = GROUP_FORMATS[kind].phases
    if rule.phases and rule.phases != phases:
        yield Problem(("phases",), f"they are {', '.join(phases)}, in this order; write them so, or nothing")


def _hours(kind: str, rule: SessionRule) -> Iterator[Problem]:
    for key, window in windows(rule).items():
        for sleeps, sleep in SLEEPERS.items():
            if any(_lacking(kind, rule, sleep, window, day) for day in _days(kind)):
                yield Problem((key,), f"whoever sleeps {sleeps} {_cannot(rule, window)}")
                return


def _days(kind: str) -> tuple[Day, ...]:
    """From every start: also from one in the small hours of a change, which is no whole day of starts."""
    return (*_BEFORE, *_WITHIN) if GROUP_FORMATS[kind].at_hour else _BEFORE


def _cannot(rule: SessionRule, window: Window) -> str:
    room = span(window[1] - window[0])
    took = f"{format_duration(span(ahead(rule)))} to arrange and {format_duration(rule.duration)} to hold"
    return f"finds no hour in a window of {format_duration(room)} with {took}; write more, or shorten those"


@lru_cache(maxsize=1024)
def _lacking(kind: str, rule: SessionRule, sleep: SleepWindow, window: Window, day: Day) -> bool:
    """Whether a slot is missing: from some start where it is held at a set hour, else from every one."""
    found = _reached(kind, rule, sleep, window, _starts(rule, sleep, window, day), day)
    return not all(found) if GROUP_FORMATS[kind].at_hour else not any(found)


def _reached(
    kind: str,
    rule: SessionRule,
    sleep: SleepWindow,
    window: Window,
    starts: Iterable[int],
    day: Day = ORDINARY,
) -> Iterator[bool]:
    """From which of these starts a slot is found."""
    find = proposed_slot if GROUP_FORMATS[kind].at_hour else next_slot
    return (find(rule, sleeper(second, sleep, day), window) is not None for second in starts)


def _starts(rule: SessionRule, sleep: SleepWindow, window: Window, day: Day) -> list[int]:
    """Slots begin on quarters of an hour, so within a quarter the earliest second waits longest: looking at
    that one second of each, and at the first of somebody's sleep, is looking at all.
    """
    end = min(DAY, day.at) if day.by else DAY
    turns = {(1 - delay) % QUARTER for delay in (0, ahead(rule), window[0])}
    quarters = {second for turn in turns for second in range(turn, end, QUARTER)}
    asleep = (sleep.start.hour * 60 + sleep.start.minute) * MINUTE
    return sorted(quarters | {second for second in (asleep, asleep + 1) if second < end})


def _team(kind: str, rule: SessionRule, protocol: Protocol) -> Iterator[Problem]:
    """Helpers are asked for until a meeting has its ratio; a clinician comes as its leader."""
    team = team_of(kind, rule)
    leaders = 1 if led_by_clinician(kind, rule) else 0
    if team.clinicians > leaders:
        yield Problem(
            ("team", "clinicians"), f"only its leader is asked as a clinician; write clinicians: {leaders}"
        )
    answer = protocol.activation.answer_within
    if span(ahead(rule)) < answer:
        text = f"it could begin before its helpers have had their {format_duration(answer)} to answer"
        yield Problem(("notice",), f"{text}; write {format_duration(answer)} or more")
    most = team.size(rule.size[1])
    if most > MOST_HELPERS:
        text = f"{rule.size[1]} people need {most} helpers, more than a team has ({MOST_HELPERS})"
        yield Problem(("size",), f"{text}; write a smaller size, it meets in parts")
