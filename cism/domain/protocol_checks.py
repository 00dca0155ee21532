"""What a protocol must not contradict, whatever its numbers; one check a section, places relative to it.

Group formats have checks of their own in `session_checks`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Final

from cism.domain.escalation_level import EscalationLevel
from cism.domain.incident import Severity
from cism.domain.offer_checks import check_offers
from cism.domain.protocol_model import (
    ActivationRule,
    ContactRule,
    LadderRule,
    MhpRule,
    QueueRule,
)
from cism.domain.session_checks import OPEN_FROM, OPEN_UNTIL, check_sessions
from cism.domain.yaml_lines import Loc, Problem

ALARM_EVERY: Final = timedelta(minutes=15)  # invariant 12
REMINDER_LEAST: Final = timedelta(hours=24)
YEAR: Final = timedelta(days=365)
LAST_RUNGS: Final = ("coordinator", "clinical_director")
CLINICAL: Final = ("clinician", "clinical_director")
# Screens ask about the past weeks; earlier they have no meaning (invariant 10).
SCREEN_FROM: Final = MappingProxyType({"pc-ptsd-5": timedelta(days=30), "tsq": timedelta(days=21)})
_NOTHING: Final = timedelta(0)


def check_activation(rule: ActivationRule) -> Iterator[Problem]:
    """The team is asked for every severity, and a human in charge comes after the last round."""
    for severity in Severity:
        if severity not in rule.team:
            yield Problem(("team",), f"{severity} is missing; write how many are asked, e.g. {severity}: 1")
    if rule.answer_within <= _NOTHING:
        yield Problem(("answer_within",), "nobody can answer in no time; write e.g. 10m")
    if "coordinator" not in rule.then:
        yield Problem(("then",), "after the last round the coordinator must be called; add coordinator")


def check_contacts(contacts: tuple[ContactRule, ...]) -> Iterator[Problem]:
    """The points stand in order of time, each in its window, with no text before the first check-in."""
    yield from _contact_order(contacts)
    yield from _first_check_in(contacts)
    yield from _opt_in_asked(contacts)
    for index, rule in enumerate(contacts):
        for check in (_contact_window, _contact_days, _contact_screen, _contact_hour):
            yield from (Problem((index, *p.loc), p.text) for p in check(rule))


def _contact_order(contacts: tuple[ContactRule, ...]) -> Iterator[Problem]:
    for index, (before, rule) in enumerate(pairwise(contacts), start=1):
        if not before.after < rule.after:
            yield Problem(
                (index, "after"), f"it is not later than {before.id}; put the points in order of time"
            )
    for index, rule in enumerate(contacts):
        if rule.id in {earlier.id for earlier in contacts[:index]}:
            yield Problem((index, "id"), f"{rule.id} is there twice; give each point its own id")


def _first_check_in(contacts: tuple[ContactRule, ...]) -> Iterator[Problem]:
    first = next((rule for rule in contacts if rule.id == "f1"), None)
    if first is None:
        yield Problem(
            (), "f1, the contact of the next day, is missing; add {id: f1, after: 24h, kind: elapsed}"
        )
        return
    if first.severities != frozenset(Severity) or first.opt_in:
        yield Problem((contacts.index(first),), "f1 is for everybody; take severities and opt_in out")
    for index, rule in enumerate(contacts):
        if rule.by == "sms" and rule.after < first.after:
            yield Problem((index, "by"), f"no text goes out before f1; write by: peer for {rule.id}")


def _opt_in_asked(contacts: tuple[ContactRule, ...]) -> Iterator[Problem]:
    """Whether to keep in touch is asked after the last check-in by text; without it nobody could say yes."""
    for severity in Severity:
        here = [rule for rule in contacts if severity in rule.severities and rule.after > _NOTHING]
        promised = [rule for rule in here if not rule.opt_in]
        if len(here) > len(promised) and promised and promised[-1].by == "peer":
            last = promised[-1]
            yield Problem(
                (contacts.index(last), "by"),
                f"nobody would be asked for the points by opt-in; let {last.id} go by sms",
            )
            return


def _contact_window(rule: ContactRule) -> Iterator[Problem]:
    if rule.window is None:
        return
    first, last = rule.window
    if not first < last:
        yield Problem(("window",), "it closes before it opens; write the smaller first")
    elif not first <= rule.after <= last:
        yield Problem(("window",), f"{_hours(rule.after)} after the end of exposure lies outside; widen it")


def _contact_days(rule: ContactRule) -> Iterator[Problem]:
    if rule.kind != "elapsed" and rule.after % timedelta(days=1):
        yield Problem(("after",), f"kind {rule.kind} counts whole days; write e.g. 7d")
    if rule.kind == "anniversary" and not max((rule.after, *(rule.window or ()))) < YEAR:
        yield Problem(("after",), "it goes out before the anniversary (365d); write e.g. 358d")


def _contact_screen(rule: ContactRule) -> Iterator[Problem]:
    if rule.screen and rule.after < SCREEN_FROM[rule.screen]:
        earliest = _hours(SCREEN_FROM[rule.screen])
        yield Problem(
            ("screen",), f"{rule.screen} has no meaning before {earliest}; move it to a later point"
        )


def _contact_hour(rule: ContactRule) -> Iterator[Problem]:
    if not OPEN_FROM <= rule.at < OPEN_UNTIL:
        yield Problem(("at",), "it lies in quiet hours; write 08:00 to 20:59, e.g. 10:00")


def check_ladders(ladders: Mapping[EscalationLevel, LadderRule]) -> Iterator[Problem]:
    """Every level has a ladder that ends at a human in charge and goes on until somebody takes it."""
    for level in EscalationLevel:
        if level not in ladders:
            yield Problem((), f"{level} is missing; write its ack, voice and rungs")
    for level, rule in ladders.items():
        yield from (Problem((level.value, *p.loc), p.text) for p in _ladder_times(rule))
        yield from (Problem((level.value, *p.loc), p.text) for p in _ladder_people(level, rule))


def _ladder_times(rule: LadderRule) -> Iterator[Problem]:
    if rule.ack <= _NOTHING:
        yield Problem(("ack",), "nobody can answer in no time; write e.g. 5m")
    if not rule.ack < rule.voice:
        yield Problem(("voice",), "the call cannot be due before somebody has taken it; write more than ack")
    if not _NOTHING < rule.repeat <= ALARM_EVERY:
        yield Problem(
            ("repeat",), "after the last rung the ladder repeats at least every 15m; write 15m or less"
        )


def _ladder_people(level: EscalationLevel, rule: LadderRule) -> Iterator[Problem]:
    if rule.rungs[-1] not in LAST_RUNGS:
        text = f"the ladder must end at a human in charge; put {' or '.join(LAST_RUNGS)} last"
        yield Problem(("rungs",), text)
    if level is EscalationLevel.EMERGENCY and rule.rungs[0] not in CLINICAL:
        yield Problem(("rungs",), "peers do not hold an emergency alone; begin with clinician")
    if level is not EscalationLevel.ROUTINE and rule.waking:
        yield Problem(("waking",), f"{level} knows no quiet hours; take it out")


def check_queue(rule: QueueRule) -> Iterator[Problem]:
    """A text is read within a bounded time, day and night."""
    for name, span in (("day", rule.day), ("night", rule.night)):
        if not _NOTHING < span <= timedelta(hours=4):
            yield Problem((name,), "a text must reach a human within hours; write e.g. 30m, at most 4h")


def check_mhp(rules: tuple[MhpRule, ...]) -> Iterator[Problem]:
    """The coordinator is reminded while there is still time."""
    for index, rule in enumerate(rules):
        if not rule.remind < rule.within:
            yield Problem((index, "remind"), "the reminder comes too late; write less than within")


def check_reminder(after: timedelta) -> Iterator[Problem]:
    """Nobody is reminded on the same day."""
    if after < REMINDER_LEAST:
        yield Problem((), "a reminder waits at least a day; write 24h or more")


def _hours(span: timedelta) -> str:
    return f"{span // timedelta(hours=1)}h"


CHECKS: Final[Mapping[str, Callable[[Any], Iterator[Problem]]]] = MappingProxyType(
    {
        "activation": check_activation,
        "sessions": check_sessions,
        "contacts": check_contacts,
        "ladders": check_ladders,
        "queue": check_queue,
        "mhp": check_mhp,
        "offers": check_offers,
        "reminder_after": check_reminder,
    }
)


def check_section(name: str, value: object) -> list[Problem]:
    """What one section of a protocol contradicts, placed from the root of the file; None is not checked."""
    loc: Loc = (name,)
    found = CHECKS[name](value) if name in CHECKS and value is not None else ()
    return [Problem((*loc, *p.loc), p.text, p.line) for p in found]
