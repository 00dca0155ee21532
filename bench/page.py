"""A page that arrives in the middle of a wave at one message a second: who leaves before it?"""

from __future__ import annotations

import random
from collections.abc import Callable

import httpx
from sqlalchemy import select

from bench import people, surge
from bench.databases import Sqlite, opened
from bench.figures import Aim, Report, instant, median, seconds
from bench.ground import BenchError, Ground, Wall
from cism.clock import wait
from cism.domain.people import Role
from cism.services import tokens
from cism.store.db import Database, now
from cism.store.tables import Incident, Outbox

_MESSAGES = 2000
_PAGES = 6


def measure(ground: Ground, tell: Callable[[str], None], pages: int = _PAGES) -> Report:
    """Incidents logged one after another while the wave leaves, one message a second."""
    tell("page: a wave at one message a second")
    store = Sqlite(ground.home)
    _, ready = surge.prepare(ground, store, _MESSAGES)
    with ground.wall() as wall:
        settings = ground.settings(database_url=ready, wall_url=wall.url)
        with opened(settings) as db:
            with db.transaction() as session:
                token = tokens.create(session, role=Role.SUPERVISOR, agency=people.AGENCY)
            with ground.product(ready, wall, ("web", "conductor"), CISM_SMS_RATE="1") as url:
                surge.move(db)
                wall.arrived(2, 30.0)  # the wave has begun to leave
                logged = [_log(db, ground, url, token, place, tell) for place in range(pages)]
            found = [_before(db, wall, incident) for incident in logged]
    return _report(found)


def _log(db: Database, ground: Ground, url: str, token: str, place: int, tell: Callable[[str], None]) -> str:
    """One incident, at a random moment between two messages; then two pages and two check-ins leave."""
    tell(f"page: incident {place + 1}")
    wait(random.random())
    with db.read() as session:
        body = people.incident([f"R{place + 1}"], now(session))
    answer = ground.http.post(
        f"{url}/api/v1/incidents", json=body, headers={"Authorization": f"Bearer {token}"}
    )
    if answer.status_code != httpx.codes.CREATED:
        message = f"the incident was not taken: {answer.status_code} {answer.text[:300]}"
        raise BenchError(message)
    wait(4.2)
    return str(answer.json()["id"])


def _before(db: Database, wall: Wall, incident: str) -> tuple[int, float]:
    """How many of the wave the provider accepted between the commit and the first page, and the seconds.

    The word to the coordinator belongs to the same call-out: it is no part of the wave.
    """
    with db.read() as session:
        committed = session.get_one(Incident, incident).logged_real
        rows = session.execute(select(Outbox.id, Outbox.kind).where(Outbox.incident_id == incident)).all()
        mine, pages = {row.id for row in rows}, {row.id for row in rows if row.kind == "page"}
    before = 0
    for item in wall.accepted():
        accepted = instant(item["accepted_at"])
        if item["d"] in pages:
            return before, (accepted - committed).total_seconds()
        before += accepted > committed and item["d"] not in mine
    message = "an incident was logged in the middle of the wave, and nobody was paged"
    raise BenchError(message)


def _report(found: list[tuple[int, float]]) -> Report:
    before = [count for count, _ in found]
    waited = [span for _, span in found]
    report = Report(
        "page",
        f"A page logged while {_MESSAGES:,} check-ins leave at one message a second",
        ("", "median", "most", "pages"),
        raw={"left_before": before, "seconds": waited},
    )
    count = str(len(found))
    report.rows.append(
        ("of the wave, left between commit and page", f"{median(before):.0f}", str(max(before)), count)
    )
    report.rows.append(("commit to page", seconds(median(waited)), seconds(max(waited)), count))
    report.aims.append(Aim("next to leave: none before it", max(before) == 0, f"at most {max(before)}"))
    report.notes.append("at one message a second a page waits up to a second for the sender's own rate")
    return report
