"""F16: two conductors and two web processes at once, every report and every flow submitted twice."""

from __future__ import annotations

import random
from contextlib import suppress
from typing import Final

import httpx
from sqlalchemy import select

from bench import people, surge
from cism.cli.up import free_port
from cism.clock import monotonic, wait
from cism.domain.people import Role
from cism.services import tokens
from cism.store.db import Database
from cism.store.tables import AffectedPerson, Person
from flows.order import Lane
from tests.faults import judge
from tests.faults.campaign import Case, Outcome, added
from tests.faults.ground import Ground
from tests.faults.storage import Reporter, Site, finish, report
from tests.flows.conftest import PrefectServer

_SECONDS: Final = 120.0
_CHECK_INS: Final = 60
_EACH: Final = 5.0  # seconds between two reports
_FLOWS_EACH: Final = 20.0  # seconds between two rounds in which all flows are asked for, twice each


def everything_twice(seed: int, ground: Ground) -> Outcome:
    """Two minutes of it, in the middle of a wave of check-ins."""
    chance = random.Random(f"twice {seed}")
    url = ground.prepared("sqlite" if seed % 2 else "postgresql", _make, "twice")
    db, wall, server = ground.open(url), ground.wall(answer_seconds=0.05), ground.stock.prefect()
    with db.transaction() as session:
        token = tokens.create(session, role=Role.SUPERVISOR, agency=people.AGENCY)
    auth = (server.home / "prefect" / "auth").read_text().strip()
    prefect = {"PREFECT_API_URL": server.url, "PREFECT_API_AUTH_STRING": auth}
    webs = [ground.web(url, wall.url, port=free_port()) for _ in range(2)]
    env = ground.env(url, wall, webs[0][0], **prefect)
    parts = [ground.start(f"conductor-{n}", "-m", "flows", **env) for n in range(2)]
    parts.append(ground.start("worker", "-m", "flows", "worker", **env, CISM_PERFORM_DUE_SECONDS="20"))
    for name, word in (("conductor-0", "prefect"), ("conductor-1", "prefect"), ("worker", "worker")):
        ground.until(lambda n=name, w=word: f"{w}.ready" in ground.log(n), 150, name)  # type: ignore[misc]
    with db.read() as session:
        waiting = set(session.scalars(select(AffectedPerson.person_id)))
        rows = [(row.roster_id, row.id) for row in session.scalars(select(Person))]
    others = tuple(key for key, who in rows if key[0] == "R" and who not in waiting)
    reporter = Reporter(tuple(address for address, _ in webs), token, affected=others)
    site = Site(ground, db, wall, reporter, (*parts, *(process for _, process in webs)))
    surge.move(db)
    asked, next_flows, until = 0, 0.0, monotonic() + _SECONDS
    while monotonic() < until:
        report(site)
        if monotonic() > next_flows:
            asked += _ask_for_all_flows_twice(server, reporter.ids)
            next_flows = monotonic() + _FLOWS_EACH
        wait(chance.uniform(0.5, 1.5) * _EACH)
    found = finish(site, injected=asked + len(reporter.refs), note=f"{asked} flow runs asked for")
    texts = judge.texts_of(wall.export(), judge.moves_of(db))
    got = sum(text.kind is judge.Kind.CHECK_IN for text in texts)
    flagged = max(0, found.unknown)
    return added([found, Outcome(0, lost=max(0, _CHECK_INS - got - flagged))])


def _make(db: Database) -> None:
    with db.transaction() as session:
        people.settle_in(session, people.roster_file(120, _CHECK_INS + 60))
        surge.log_waiting(session, _CHECK_INS)


def _ask_for_all_flows_twice(server: PrefectServer, incidents: list[str]) -> int:
    """By Prefect's own API, as somebody in its pages would; `respond` for the incident logged last."""
    asked = 0
    found: list[dict[str, object]] = []
    with suppress(httpx.HTTPError):
        found = server.ask("/deployments/filter", {})
    for deployment in found:
        given = {"batch_id": "twice"}
        if str(deployment["entrypoint"]).endswith(Lane.RESPOND.value):
            given["incident_id"] = incidents[-1]
        for _ in range(2):
            body: dict[str, object] = {"parameters": given, "state": {"type": "SCHEDULED"}}
            with suppress(httpx.HTTPError):  # a busy server turns some away: these were not asked for
                server.ask(f"/deployments/{deployment['id']}/create_flow_run", body)
                asked += 1
    return asked


CASES = (
    Case("F16", "two conductors, two webs, every report and flow twice, two minutes", everything_twice, 2),
)
