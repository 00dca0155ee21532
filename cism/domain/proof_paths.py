"""Proves that no way ends nowhere: each comes to a human in time, or to a recorded end.

What goes on by itself (a ladder, the coordinator asked who is still exposed) leaves a human time to act
between two turns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from cism.domain.durations import format_duration
from cism.domain.protocol_model import ActivationRule, LadderRule, Protocol
from cism.domain.yaml_lines import Problem

# design: whoever cannot get a team together has told a human in charge by then
IN_CHARGE_WITHIN: Final = timedelta(hours=4)
LEAST_TURN: Final = timedelta(minutes=15)  # design: asked oftener, nobody has had time to find out
_NOTHING: Final = timedelta(0)


@dataclass(frozen=True, slots=True)
class Path:
    """One way that asking goes when nobody answers: whom it comes to, after how long at most."""

    name: str
    steps: tuple[tuple[timedelta, str], ...]
    ends: str


def paths(protocol: Protocol) -> Iterator[Path]:
    """Every way, with its times; those of a ladder that keeps waking hours count open hours only."""
    yield _team(protocol.activation)
    for level, rule in protocol.ladders.items():
        yield _ladder(level.value, rule)
    for name, session in protocol.sessions.items():
        if session.approval == "clinician":
            asked = ((session.propose_at, "a clinician"),)
            turn = format_duration(session.approve_within)
            yield Path(name, asked, f"the next clinician every {turn}; after the last, one-to-one")
    waits = protocol.reminder_after + protocol.answer_wait
    silence = f"recorded as not reached after {format_duration(waits)}; the next point stays"
    yield Path("check-in", ((protocol.reminder_after, "one reminder"),), silence)


def check_paths(protocol: Protocol) -> Iterator[Problem]:
    """Where asking would come to nobody, too late, or turn without a pause; places from the root."""
    found = asking(protocol.activation)
    if found > IN_CHARGE_WITHIN:
        text = f"nobody in charge hears for {format_duration(found)} that there is no team"
        yield Problem(("activation", "max_rounds"), f"{text}; write fewer rounds or a shorter answer_within")
    for level, rule in protocol.ladders.items():
        if last_asked(rule) > rule.voice:
            late = f"{rule.rungs[-1]} is asked after {format_duration(last_asked(rule))}"
            text = f"{late}, when the call is overdue; write less, or take a rung out"
            yield Problem(("ladders", level.value, "ack"), text)
    for name in ("answer_wait", "opt_in_after"):
        if getattr(protocol, name) <= _NOTHING:
            yield Problem((name,), "two texts would come at once; write e.g. 24h")
    if protocol.still_exposed_ask < LEAST_TURN:
        text = "the coordinator would be asked again before they could find out"
        yield Problem(("still_exposed_ask",), f"{text}; write {format_duration(LEAST_TURN)} or more")


def asking(rule: ActivationRule) -> timedelta:
    """How long a team is asked for in silence, at most, before those in charge are called."""
    return rule.max_rounds * rule.answer_within


def last_asked(rule: LadderRule) -> timedelta:
    """When the last rung of a ladder is asked, if nobody takes it before."""
    return (len(rule.rungs) - 1) * rule.ack


def _team(rule: ActivationRule) -> Path:
    steps = tuple((asking(rule), role) for role in rule.then)
    return Path("team", steps, "they are asked to take over, by name")


def _ladder(level: str, rule: LadderRule) -> Path:
    steps = tuple((turn * rule.ack, role) for turn, role in enumerate(rule.rungs))
    ends = f"all of them every {format_duration(rule.repeat)} with an alarm, until a human closes it"
    return Path(level, steps, ends)
