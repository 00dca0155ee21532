"""Real dates, zones and people for holding a proof's classes against, and protocols to prove."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from functools import cache
from zoneinfo import available_timezones

from hypothesis import strategies as st

from cism.domain.incident import Affected, Circle, Incident, Severity
from cism.domain.people import Person, SleepWindow
from cism.domain.proof_days import changes
from cism.domain.protocol import ContactRule
from cism.domain.quiet_hours import open_hours_per_day

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
FIRST, LAST = datetime(2026, 1, 1, tzinfo=UTC), datetime(2038, 1, 1, tzinfo=UTC)
LEAST_HOURS = 2.0


@cache
def zones() -> tuple[str, ...]:
    return tuple(sorted(available_timezones()))


@cache
def moving() -> tuple[str, ...]:
    """The zones that change their clocks in a year."""
    return tuple(zone for zone in zones() if any(changes(zone, FIRST, FIRST + 365 * DAY)))


@cache
def changing(zone: str) -> tuple[datetime, ...]:
    return tuple(at for at, _, _ in changes(zone, FIRST, FIRST + 2 * 365 * DAY))


clocks = st.times(max_value=time(23, 59)).map(lambda at: at.replace(second=0, microsecond=0))
sleeps = st.builds(SleepWindow, clocks, clocks).filter(lambda sleep: open_hours_per_day(sleep) >= LEAST_HOURS)


@st.composite
def ends(draw: st.DrawFn) -> tuple[str, datetime]:
    """A zone and a real second of some year in it; half of them within days of a change of the clocks."""
    if draw(st.booleans()):
        zone = draw(st.sampled_from(moving()))
        near = draw(st.integers(-5 * 86_400, 6 * 86_400))
        return zone, draw(st.sampled_from(changing(zone))) - near * SECOND
    return draw(st.sampled_from(zones())), FIRST + draw(st.integers(0, 365 * 86_400)) * SECOND


def somebody(zone: str, sleep: SleepWindow, number: int = 1) -> Person:
    return Person(
        id=f"p{number}", agency="metro", zone=zone, sleep=sleep, consent_care=True, phone_confirmed=True
    )


def happened(
    end: datetime, severity: Severity = Severity.S4, type_: str = "CHILD", people: int = 1
) -> Incident:
    """An incident that was logged in the second in which everybody had left."""
    affected = tuple(
        Affected(person_id=f"p{number}", circle=Circle.B, exposure_end=end, added_at=end)
        for number in range(1, people + 1)
    )
    return Incident(
        id="i1", ref="R1", agency="metro", type=type_, severity=severity, logged_at=end, affected=affected
    )


spans = st.integers(1, 120).map(lambda hours: hours * HOUR)


@st.composite
def elapsed_rules(draw: st.DrawFn) -> ContactRule:
    first = draw(st.integers(0, 90))
    after = first + draw(st.integers(0, 30))
    last = after + draw(st.integers(0, 40))
    return ContactRule(
        id="f1", after=max(after, 1) * HOUR, kind="elapsed", window=(first * HOUR, max(last, 1) * HOUR)
    )


@st.composite
def dated_rules(draw: st.DrawFn) -> ContactRule:
    after = draw(st.integers(1, 40))
    first, last = after - draw(st.integers(0, 1)), after + draw(st.integers(0, 2))
    hour = time(draw(st.integers(8, 20)), draw(st.sampled_from((0, 30, 59))))
    return ContactRule(id="f7", after=after * DAY, kind="date", at=hour, window=(first * DAY, last * DAY))
