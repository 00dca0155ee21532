"""Counts the texts that a protocol sends somebody who never asked for one: in all, and on one day at most.

Answers are not counted, because each follows a text of the person's own, nor is what an escalation brings.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from cism.domain.incident import Severity
from cism.domain.proof_classes import seconds
from cism.domain.proof_contacts import bounds, longest_closed
from cism.domain.proof_days import MINUTE
from cism.domain.protocol_model import ContactRule, Protocol, SessionRule
from cism.domain.quiet_hours import CLOSES, OPENS

_OPEN_HOURS: Final = (CLOSES - OPENS) * MINUTE  # what a day has at most; clocks change at night
_Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Texts:
    """The most texts that one person can get under one severity."""

    severity: Severity
    check_ins: int
    reminders: int
    opt_in: int  # the question whether to keep in touch
    invitations: int
    opted_in: int  # check-ins and reminders more, for whoever said yes to it
    most_a_day: int

    @property
    def total(self) -> int:
        """All of them, opted in."""
        return self.check_ins + self.reminders + self.opt_in + self.invitations + self.opted_in


def most_texts(protocol: Protocol, severity: Severity) -> Texts:
    """The worst that anybody can get who never answers but once, to opt in."""
    rules = [rule for rule in protocol.contacts_for(severity) if rule.after and rule.by == "sms"]
    promised = [rule for rule in rules if not rule.opt_in]
    more = [rule for rule in rules if rule.opt_in]
    asked = promised[-1] if promised and more else None  # the opt-in follows it
    reminders = sum(_reminded(protocol, asked, rule) for rule in promised)
    invitations = sum(1 for _ in _invited(protocol, severity))
    return Texts(
        severity=severity,
        check_ins=len(promised),
        reminders=reminders,
        opt_in=1 if asked else 0,
        invitations=invitations,
        opted_in=len(more) + sum(_reminded(protocol, None, rule) for rule in more),
        most_a_day=_most_a_day(protocol, rules, asked, severity),
    )


def _reminded(protocol: Protocol, asked: ContactRule | None, rule: ContactRule) -> bool:
    """Whether a check-in can have its one reminder; after `asked` the opt-in comes instead."""
    return rule is not asked or protocol.opt_in_after > protocol.reminder_after


def _most_a_day(
    protocol: Protocol, rules: Sequence[ContactRule], asked: ContactRule | None, severity: Severity
) -> int:
    """The most that can fall on one day. A check-in and its own reminder lie a day apart: one of the two."""
    spans = [_point(protocol, asked, rule) for rule in rules]
    if asked is not None:
        first, last = bounds(asked)
        wait = seconds(protocol.opt_in_after)
        spans.append([(first, last + wait + longest_closed())])
    spans += [[span] for span in _invited(protocol, severity)]
    begins = sorted(first for ways in spans for first, _ in ways)
    return max((sum(_meets(ways, at) for ways in spans) for at in begins), default=0)


def _point(protocol: Protocol, asked: ContactRule | None, rule: ContactRule) -> list[_Span]:
    first, last = bounds(rule)
    if not _reminded(protocol, asked, rule):
        return [(first, last)]
    wait = seconds(protocol.reminder_after)
    return [(first, last), (first + wait, last + wait + longest_closed())]


def _meets(ways: Sequence[_Span], at: int) -> bool:
    """Whether one of these stretches reaches into the open hours of a day that end at `at`."""
    return any(first <= at and last >= at - _OPEN_HOURS for first, last in ways)


def _invited(protocol: Protocol, severity: Severity) -> Iterator[_Span]:
    """When an invitation to each group of this protocol can come, from the end of exposure."""
    for rule in protocol.sessions.values():
        if severity in rule.severities:
            yield from [(0, seconds(_latest(rule)))] * (1 + len(rule.again_after))


def _latest(rule: SessionRule) -> timedelta:
    latest: timedelta = max((rule.latest, *(rule.disaster or ())))
    again: timedelta = max(rule.again_after, default=timedelta(0))
    return latest + again
