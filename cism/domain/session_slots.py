"""The hour of a group session: inside its window, when all who are invited are up (domain.md 2)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from cism.domain.people import Person, SleepWindow
from cism.domain.protocol_model import SessionRule
from cism.domain.quiet_hours import is_asleep, is_open, next_open
from cism.domain.windows import Window

_QUARTER: Final = timedelta(minutes=15)
_MINUTE: Final = timedelta(minutes=1)
_DAY: Final = timedelta(days=1)
_Fits = Callable[[Person, datetime], bool]


def next_slot(rule: SessionRule, people: Sequence[Person], window: Window, now: datetime) -> datetime | None:
    """The next quarter of an hour for a session on the same day; None when the window has none.

    Who is up is told at once, in quiet hours by a peer in person; who sleeps is told in their next open
    hour. Nobody is called back out of their own sleep window, as a crew after its night shift would be.
    """
    told = max(now if _is_up(p, now) else next_open(now, p.zone, p.sleep) for p in people)
    earliest = max(window.earliest, told + lead(rule) + rule.notice)
    return _first_fit(people, _up_quarter(earliest), window.latest, rule.duration, _is_up)


def proposed_slot(
    rule: SessionRule, people: Sequence[Person], window: Window, now: datetime
) -> datetime | None:
    """The first day's slot hour, in most people's zone, in everybody's open hours; None when there is none.

    Where somebody sleeps at that hour, the first hour after it on the same day that suits all of them.
    """
    zone = ZoneInfo(Counter(person.zone for person in people).most_common(1)[0][0])
    earliest = max(window.earliest, now + lead(rule) + rule.notice)
    day = earliest.astimezone(zone).date()
    while (preferred := datetime.combine(day, rule.slot_hour, tzinfo=zone).astimezone(UTC)) <= window.latest:
        day += _DAY
        midnight = datetime.combine(day, time(0), tzinfo=zone).astimezone(UTC)
        limit = min(window.latest, midnight - _MINUTE)
        if preferred >= earliest:
            slot = _first_fit(people, preferred, limit, rule.duration, _is_open)
            if slot is not None:
                return slot
    return None


def invitation_at(rule: SessionRule, person: Person, starts_at: datetime, now: datetime) -> datetime | None:
    """When to text an invitation: in open hours and in time; None: a peer brings it in person."""
    at = next_open(now, person.zone, person.sleep)
    return at if at + rule.notice <= starts_at else None


def invite_at(
    rule: SessionRule, zone: str, sleep: SleepWindow, starts_at: datetime, now: datetime
) -> datetime:
    """When an invitation is due: at the next open minute, or later where the protocol lets it wait.

    It never waits so long that less than the notice is left.
    """
    at_once = next_open(now, zone, sleep)
    if rule.invite_before is None:
        return at_once
    later = next_open(max(now, starts_at - rule.invite_before), zone, sleep)
    return later if later + rule.notice <= starts_at else at_once


def lead(rule: SessionRule) -> timedelta:
    """The time from planning to the clinician's answer; nothing where no clinician is asked."""
    return rule.propose_at + rule.approve_within if rule.approval == "clinician" else timedelta(0)


def _first_fit(
    people: Sequence[Person], start: datetime, latest: datetime, duration: timedelta, fits: _Fits
) -> datetime | None:
    while start <= latest:
        moved = [_after(person, start, duration, fits) for person in people]
        if max(moved) <= start:
            return start
        start = _up_quarter(max(moved))
    return None


def _after(person: Person, start: datetime, duration: timedelta, fits: _Fits) -> datetime:
    """`start` if the person can stay for all of it, else their next open hour after what is in the way."""
    last = start + duration - _MINUTE
    at = start
    while fits(person, at):
        if at == last:
            return start
        at = min(at + _QUARTER, last)
    return next_open(at, person.zone, person.sleep)


def _is_up(person: Person, at: datetime) -> bool:
    return not is_asleep(at, person.zone, person.sleep)


def _is_open(person: Person, at: datetime) -> bool:
    return is_open(at, person.zone, person.sleep)


def _up_quarter(at: datetime) -> datetime:
    past_hour = timedelta(minutes=at.minute, seconds=at.second, microseconds=at.microsecond)
    return at - past_hour + -(-past_hour // _QUARTER) * _QUARTER
