"""A protocol proved over classes, against walking through cases one by one with the real planning."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import available_timezones

from bench.figures import Aim, Report, median, seconds
from bench.ground import Ground
from cism.domain import proof_contacts, proof_sessions
from cism.domain.followup import plan_contacts
from cism.domain.incident import Affected, Circle, Incident, Severity
from cism.domain.people import Person, SleepWindow
from cism.domain.proof import problems_with
from cism.domain.proof_classes import least_open
from cism.domain.protocol import Protocol, load_protocol

_SEED, _SAMPLE, _RUNS = 20_260_301, 2_000, 3
_YEAR = 365 * 24 * 60
_AIM = 5.0  # seconds
_HOUR = 3_600


def measure(_ground: Ground, tell: Callable[[str], None]) -> Report:
    """The same protocol both ways: proved whole, and a sample of cases planned for real dates and zones."""
    protocol = load_protocol("sfa-follow-up")
    tell("proof: over classes, with nothing remembered")
    proved = median([_proved(protocol) for _ in range(_RUNS)])
    tell(f"proof: {_SAMPLE} cases one by one")
    one = median(list(_one_by_one(protocol)))
    return _report(proved, one)


def _proved(protocol: Protocol) -> float:
    for known in (proof_contacts.missed, proof_contacts.closed_stretches, proof_sessions._lacking):
        known.cache_clear()
    start = time.perf_counter()
    assert problems_with(protocol) == []  # noqa: S101 - a bench that measures nothing must not look like one
    return time.perf_counter() - start


def _one_by_one(protocol: Protocol) -> Iterator[float]:
    chance = random.Random(_SEED)
    zones, sleeps = sorted(available_timezones()), list(least_open())
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    for _ in range(_SAMPLE):
        end = begin + timedelta(minutes=chance.randrange(_YEAR))
        person = _person(chance.choice(zones), chance.choice(sleeps))
        left = Affected(person_id="p", circle=Circle.B, exposure_end=end, added_at=end)
        incident = Incident(
            id="i", ref="R", agency="a", type="CHILD", severity=Severity.S4, logged_at=end, affected=(left,)
        )
        start = time.perf_counter()
        plan_contacts(incident, left, person, protocol, end)
        yield time.perf_counter() - start


def _person(zone: str, sleep: SleepWindow) -> Person:
    return Person(id="p", agency="a", zone=zone, sleep=sleep, consent_care=True, phone_confirmed=True)


def _report(proved: float, one: float) -> Report:
    classes = proof_contacts.classes()
    year = _YEAR * len(available_timezones()) * sum(1 for _ in least_open())
    report = Report("proof", "A protocol proved", ("way", "cases", "time"))
    report.rows = [
        ("over classes, groups included", f"{classes:,}", seconds(proved)),
        ("the same classes one by one (reckoned)", f"{classes:,}", f"{one * classes / _HOUR:.1f} h"),
        ("a year's minutes in every zone (reckoned)", f"{year:,}", f"{one * year / _HOUR:,.0f} h"),
    ]
    report.aims = [Aim("proved in seconds", proved <= _AIM, seconds(proved))]
    report.notes = [
        f"one case through plan_contacts: median {one * 1e6:.0f} us of {_SAMPLE} (seed {_SEED}); the lower "
        "two are that times the cases: contacts alone, under the 780 least open sleep windows alone",
        f"ratio of the first two: {one * classes / proved:,.0f}",
    ]
    report.raw = {"proved": proved, "one": one, "classes": classes, "year": year}
    return report
