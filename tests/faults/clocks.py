"""F14: clocks that jump, days that have 23 or 25 hours, the day that most years lack, and zones at the edges.

The machine's clock is set forward and back, by an hour and by a day, while texts are on their way; the
performer goes on, or is killed after it claimed a text. Clocks change in every zone of the cast within the
days that are lived through. Judged by what phones got, and by `demo.checking`'s own count of days.
"""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Final

from cism.services import claims
from cism.store.states import OutboxState
from cism.store.tables import Outbox
from demo.checking import evidence
from demo.checking.words import Kind, kind_of
from tests.faults import outages
from tests.faults.campaign import Case, Outcome
from tests.faults.ground import Ground
from tests.stories.roster import Cast

_STEPS: Final = (timedelta(hours=1), timedelta(days=1))
_LATEST: Final = timedelta(minutes=1)  # of product time, for what is due while the machine is on
_EDGES: Final = (
    *("Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kathmandu", "Australia/Lord_Howe"),
    *("America/New_York", "America/Los_Angeles", "America/Chicago", "Europe/Berlin", "America/St_Johns"),
)
_DAYS: Final = tuple(
    datetime.fromisoformat(day).replace(tzinfo=UTC)
    for day in (
        *("2026-03-07T12:00", "2026-10-31T12:00", "2026-03-28T12:00", "2026-10-24T12:00"),
        *("2026-04-04T06:00", "2026-10-03T06:00", "2028-02-28T12:00", "2027-12-31T06:00"),
    )
)
"""The day before clocks change in America, in Europe and on Lord Howe; before a leap day; a new year."""


def changing(seed: int, ground: Ground) -> Outcome:
    """Eight days of a department whose people live in all of these zones."""
    draw = random.Random(seed)
    with outages.department(ground, ground.empty(), _cast(draw)) as story:
        seen = outages.Seen()
        story.begin(_DAYS[seed % len(_DAYS)] - timedelta(minutes=draw.randint(0, 1439)))
        for _ in range(2):
            outages.log(draw, story, seen)
            story.live(timedelta(minutes=draw.randint(0, 1439)))
        story.live(timedelta(days=6))
        persons = {key: outages.person(story, key) for key in story.cast.rows}
        early, late, missing = _timed(story, seen, persons)
        return Outcome(
            injected=len({row["timezone"] for row in story.cast.rows.values()}),
            sent=len(story.arrivals),
            lost=missing,
            early=early,
            late=late,
            doubled=outages.same(story),
            note=f"around {_DAYS[seed % len(_DAYS)]:%Y-%m-%d}",
            broken=tuple(outages.in_quiet_hours(story.arrivals, persons)[:3]),
        )


def stepping(seed: int, ground: Ground) -> Outcome:
    """The machine's clock jumps at random moments; once a performer dies with texts in its hands."""
    draw = random.Random(seed)
    with outages.department(ground, ground.empty(), _cast(draw)) as story:
        seen, jumps, killed = outages.Seen(), 0, 0
        story.begin(_DAYS[0] - timedelta(minutes=draw.randint(0, 1439)))
        for _ in range(2):
            outages.log(draw, story, seen)
        for _ in range(8):
            story.live(timedelta(minutes=draw.randint(30, 900)))
            if draw.random() < 0.3:
                killed += _dies(draw, story, seen)
            step = draw.choice(_STEPS) * draw.choice((-1, 1))
            story.real.real += step
            jumps += 1
            story.run()
            # what a dead process held is nobody's after fifteen seconds of real time; newer texts wait for it
            story.pass_real(seconds=20)
            story.settle()
        for _ in range(4):  # what nobody can be sure of is told within minutes of real time
            story.pass_real(minutes=3)
            story.settle()
        story.live(timedelta(days=5))
        persons = {key: outages.person(story, key) for key in story.cast.rows}
        early, _, _ = _timed(story, seen, persons)
        stuck = story.rows(Outbox, Outbox.state.in_([OutboxState.SENDING, OutboxState.UNKNOWN]))
        return Outcome(
            injected=jumps + killed,
            sent=len(story.arrivals),
            early=early,
            doubled=outages.same(story),
            unknown=len(story.rows(Outbox, Outbox.state == OutboxState.UNSETTLED)),
            note=f"{jumps} jumps, {killed} texts in the hands of a process that died",
            broken=(
                *outages.in_quiet_hours(story.arrivals, persons)[:3],
                *(f"{row.kind} is still {row.state.value} after days" for row in stuck[:2]),
            ),
        )


def _cast(draw: random.Random) -> Cast:
    cast = Cast(zone="America/New_York")
    for key, role in (("cora", "coordinator"), ("clint", "clinician"), ("dina", "clinical_director")):
        cast.add(key, roles=role)
    for number in range(4):
        cast.add(f"peer-{number}", roles="peer")
    for number, zone in enumerate(_EDGES):
        start, end = draw.choice((("", ""), ("", ""), ("22:00", "06:00"), ("08:00", "16:00")))
        cast.add(f"a{number}", timezone=zone, sleep_start=start, sleep_end=end)
    return cast


def _dies(draw: random.Random, story: outages.Department, seen: outages.Seen) -> int:
    """A performer claims what waits, and is gone before it has sent anything."""
    outages.log(draw, story, seen, perform=False)
    story.perform()
    return len(story.act(claims.claim, rate=None))


def _timed(
    story: outages.Department, seen: outages.Seen, persons: dict[str, evidence.Person]
) -> tuple[int, int, int]:
    """Check-ins before their time, a minute after it, and missing, of people with one incident."""
    points = outages.points(seen, persons)
    met: Counter[str] = Counter()
    early = late = 0
    single = {key for key, n in Counter(key for _, key in _people(seen)).items() if n == 1}
    for one in story.arrivals:
        if kind_of(one.body) is not Kind.CHECK_IN:
            continue
        mine = [due for due, key in points if key == one.who]
        met[one.who] += 1
        early += met[one.who] > sum(1 for due in mine if due <= one.at)
        if one.who in single:
            late += one.at - mine[met[one.who] - 1] > _LATEST
    due = Counter(key for at, key in points if at <= story.now() - _LATEST and key in single)
    return early, late, sum(max(0, n - met[key]) for key, n in due.items())


def _people(seen: outages.Seen) -> list[tuple[str, str]]:
    return [(one.ref, item.person) for one in seen.incidents for item in one.affected]


CASES = (
    Case("F14", "clocks change, a leap day, zones from -11 to +14", changing, seeds=40, short=(6,)),
    Case(
        "F14-steps",
        "the machine's clock jumps by an hour or a day, either way",
        stepping,
        seeds=40,
    ),
)
