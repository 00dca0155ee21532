"""Loads without a fault: what the other cases' figures are read against."""

from __future__ import annotations

import subprocess
from datetime import datetime, timedelta

from bench import people
from bench.figures import percentile
from cism.clock import RealClock
from cism.domain.incident import Circle, Severity
from cism.services import intake
from cism.store.db import Database, now
from demo.checking.words import Kind
from tests.faults import judge
from tests.faults.campaign import Case, Outcome
from tests.faults.ground import Ground, WallSeen

_INCIDENTS = 12
_P50, _P99, _MOST = 1.0, 3.0, 10.0  # seconds from the commit to the provider, the first page of an incident


def log(db: Database, *affected: str) -> tuple[str, datetime]:
    """A serious incident that ended half an hour ago was logged; its id, and the instant of the commit."""
    with db.transaction() as session:
        moment = now(session)
        rows = tuple(intake.AffectedInput(person_id=key, circle=Circle.A) for key in affected)
        report = intake.IncidentInput(
            type="THREAT",
            agency=people.AGENCY,
            severity=Severity.S2,
            occurred_at=moment - timedelta(hours=1),
            ended_at=moment - timedelta(minutes=30),
            affected=rows,
        )
        incident = intake.log(session, report).id
    return incident, RealClock().now()


def started(
    ground: Ground, name: str, url: str, wall: WallSeen, *, ready: bool = True, **env: str
) -> subprocess.Popen[bytes]:
    """The real conductor without Prefect; waits until it works, unless told not to."""
    process = ground.start(name, "-m", "flows", **ground.env(url, wall), **env)
    if ready:
        ground.until(lambda: "conductor.started" in ground.log(name), 60, name, process)
    return process


def first_pages(seed: int, ground: Ground) -> Outcome:
    """One incident after another, six helpers and twelve responders: the time to the first page of each."""
    url = ground.settled(peers=24, responders=12)
    wall = ground.wall()
    db = ground.open(url)
    process = started(ground, "conductor", url, wall)
    spans, seen = [], 0
    for place in range(_INCIDENTS):
        _, committed = log(db, f"R{place + 1}")
        want = seen + 2  # a team of one, and one more is asked
        ground.until(lambda want=want: _pages(wall.texts()) >= want, _MOST * 2, "the pages", process)
        texts = judge.texts_of(wall.export())
        first = min(text.real for text in texts if text.kind is Kind.PAGE and text.real > committed)
        spans.append((first - committed).total_seconds())
        seen = _pages(wall.texts())
    texts = judge.texts_of(wall.export(), judge.moves_of(db))
    broken = [
        f"{name} of the first page {value:.2f} s, promised {most:g} s"
        for name, value, most in (
            ("p50", percentile(spans, 0.5), _P50),
            ("p99", percentile(spans, 0.99), _P99),
            ("max", max(spans), _MOST),
        )
        if value > most
    ]
    return Outcome(
        injected=0,
        sent=len(texts),
        lost=max(0, 2 * _INCIDENTS - _pages(wall.texts())),
        doubled=len(judge.doubled(texts)),
        note=f"first page p50 {percentile(spans, 0.5):.2f} s, max {max(spans):.2f} s",
        broken=tuple(broken),
    )


def _pages(texts: list[dict[str, object]]) -> int:
    return sum(1 for one in texts if judge.kind_of(str(one["body"])) is Kind.PAGE)


CASES = (
    Case(
        "F0", "no fault: log to the first page handed over", first_pages, seeds=3, short=(0,), injects=False
    ),
)
