"""From the POST that logs an incident to the first page that the provider has accepted."""

from __future__ import annotations

import asyncio
import random
import secrets
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field

import httpx
from sqlalchemy import select

from bench import STOCK, people
from bench.databases import Sqlite, opened
from bench.figures import Aim, Report, instant, percentile, seconds
from bench.ground import BenchError, Ground, Wall
from cism.clock import RealClock, wait
from cism.domain.people import Role
from cism.services import tokens
from cism.services.gateway import build_gateway
from cism.store.db import Database, now
from cism.store.tables import Incident, Outbox
from notifications.gateway import OutgoingSms

_WARM, _STOCK_RUNS = 3, 5
_P50, _P99 = 0.5, 1.5
_PARTS = ("web", "conductor", "worker")


@dataclass
class Times:
    """Seconds of each run, by way."""

    product: list[float] = field(default_factory=list)
    since_commit: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    stock: list[float] = field(default_factory=list)


def measure(ground: Ground, tell: Callable[[str], None], runs: int = 30) -> Report:
    """The product and a bare commit + POST in turns; then a stock deployment, in the same run."""
    store = Sqlite(ground.home)
    times = Times()
    with ground.wall() as wall:
        settings = ground.settings(database_url=store.fresh(), wall_url=wall.url)
        with opened(settings, made=True) as db:
            token = _people(db, runs + _WARM)
            tell("latency: starting Prefect's server and the product")
            with ground.product(settings.url, wall, _PARTS) as url:
                logged = _in_turns(db, ground, wall, _Caller(ground, url, token), times, runs, tell)
            _read(db, wall, logged, times)
        tell("latency: a stock deployment under serve()")
        times.stock = _stock(ground, wall)
    return _report(times)


@dataclass
class _Caller:
    ground: Ground
    url: str
    token: str

    def log(self, body: dict[str, object]) -> str:
        answer = self.ground.http.post(
            f"{self.url}/api/v1/incidents", json=body, headers={"Authorization": f"Bearer {self.token}"}
        )
        if answer.status_code != httpx.codes.CREATED:
            message = f"the incident was not taken: {answer.status_code} {answer.text[:300]}"
            raise BenchError(message)
        return str(answer.json()["id"])


def _people(db: Database, incidents: int) -> str:
    with db.transaction() as session:
        people.settle_in(session, people.roster_file(peers=3 * incidents, responders=200))
    with db.transaction() as session:
        return tokens.create(session, role=Role.SUPERVISOR, agency=people.AGENCY)


def _in_turns(
    db: Database,
    ground: Ground,
    wall: Wall,
    caller: _Caller,
    times: Times,
    runs: int,
    tell: Callable[[str], None],
) -> list[tuple[str, float]]:
    """Each incident alone: the next is logged at a random moment after the pages of the last have arrived."""
    logged: list[tuple[str, float]] = []
    plain = _Bare(ground, wall)
    try:
        for run in range(_WARM + runs):
            with db.read() as session:
                body = people.incident([f"R{run + 1}"], now(session))
            texts = wall.arrived(-1, 5.0)
            posted = RealClock().now().timestamp()
            incident = caller.log(body)
            wall.arrived(texts, 20.0)
            wait(0.9 + random.random() * 0.4)
            plain.send()
            if run >= _WARM:
                logged.append((incident, posted))
            if run % 10 == 9:
                tell(f"latency: {run + 1} of {runs + _WARM} incidents logged")
        times.bare = plain.seconds()[_WARM:]
    finally:
        plain.close()
    return logged


class _Bare:
    """A commit to a file and a POST over the same SDK, and nothing else."""

    def __init__(self, ground: Ground, wall: Wall) -> None:
        self._wall = wall
        self._runner = asyncio.Runner()
        self._gateway = build_gateway(ground.settings(wall_url=wall.url))
        self._file = sqlite3.connect(ground.home / "bare.db", isolation_level=None)
        self._file.execute("PRAGMA journal_mode=WAL")
        self._file.execute("PRAGMA synchronous=FULL")
        self._file.execute("CREATE TABLE page (id TEXT PRIMARY KEY, state TEXT)")
        self._began: dict[str, float] = {}

    def send(self) -> None:
        message_id = secrets.token_hex(10)
        self._began[message_id] = RealClock().now().timestamp()
        self._file.execute("INSERT INTO page VALUES (?, 'pending')", (message_id,))
        sms = OutgoingSms(message_id, "+12125550123", "CISM: can you help? Reply 1 yes, 2 no.", True, 600)
        self._runner.run(self._gateway.send(sms))

    def seconds(self) -> list[float]:
        accepted = _accepted(self._wall)
        return [accepted[message_id] - began for message_id, began in self._began.items()]

    def close(self) -> None:
        self._runner.run(self._gateway.aclose())
        self._runner.close()
        self._file.close()


def _accepted(wall: Wall) -> dict[str, float]:
    """When the wall took each message, by our own id."""
    return {str(item["d"]): instant(item["accepted_at"]).timestamp() for item in wall.accepted()}


def _read(db: Database, wall: Wall, logged: list[tuple[str, float]], times: Times) -> None:
    accepted = _accepted(wall)
    with db.read() as session:
        rows = session.execute(select(Outbox.incident_id, Outbox.id).where(Outbox.kind == "page")).all()
        commits = {row.id: row.logged_real.timestamp() for row in session.scalars(select(Incident))}
    for incident, posted in logged:
        taken = [accepted[message] for owner, message in rows if owner == incident and message in accepted]
        if not taken:
            message = "an incident was logged, and nobody was paged"
            raise BenchError(message)
        times.product.append(min(taken) - posted)
        times.since_commit.append(min(taken) - commits[incident])


def _stock(ground: Ground, wall: Wall) -> list[float]:
    """Asked for as `run_deployment` does: find the deployment, create a run."""
    env = {"PREFECT_API_URL": ground.prefect(), "PREFECT_API_AUTH_STRING": ":".join(ground.prefect_auth())}
    env |= {"PREFECT_HOME": str(ground.home / "stock"), "PREFECT_RUNNER_POLL_FREQUENCY": "1"}
    env |= {"CISM_CLOCK": "movable", "CISM_WALL_URL": wall.url}
    began: dict[str, float] = {}
    client = httpx.Client(base_url=env["PREFECT_API_URL"], auth=ground.prefect_auth(), trust_env=False)
    with ground.process("stock", "-m", "bench.stock", **env) as served, closing(client) as prefect:
        where = f"/deployments/name/{STOCK}/{STOCK}"
        ground.until(lambda: prefect.get(where).is_success, served, "the stock deployment")
        for _ in range(_STOCK_RUNS + 1):
            message_id, texts = secrets.token_hex(10), wall.arrived(-1, 5.0)
            began[message_id] = RealClock().now().timestamp()
            found = prefect.get(where).raise_for_status().json()["id"]
            asked = {"parameters": {"message_id": message_id}, "state": {"type": "SCHEDULED"}}
            prefect.post(f"/deployments/{found}/create_flow_run", json=asked).raise_for_status()
            wall.arrived(texts, 40.0)
            wait(1.0 + random.random())
    accepted = _accepted(wall)
    return [accepted[message_id] - moment for message_id, moment in began.items()][1:]


def _report(times: Times) -> Report:
    report = Report(
        "latency",
        "From an incident logged to the first page accepted by the provider",
        ("way", "p50 / stock", "p50 / bare", "p50", "p99", "runs"),
        raw={"seconds": times.__dict__},
    )
    p50 = {name: percentile(values, 0.5) for name, values in times.__dict__.items()}
    rows = {
        "product: POST, commit, conductor, flow, page": "product",
        "  of it after the commit": "since_commit",
        "bare: a commit and a POST, same SDK": "bare",
        "stock: a deployment under serve(), poll 1 s": "stock",
    }
    for label, name in rows.items():
        values: list[float] = getattr(times, name)
        shares = (f"{p50[name] / p50['stock']:.2f}", f"{p50[name] / p50['bare']:.1f}")
        tail = seconds(percentile(values, 0.99))
        report.rows.append((label, *shares, seconds(p50[name]), tail, str(len(values))))
    p99 = percentile(times.product, 0.99)
    report.aims.append(Aim(f"p50 <= {_P50} s", p50["product"] <= _P50, seconds(p50["product"])))
    report.aims.append(Aim(f"p99 <= {_P99} s", p99 <= _P99, seconds(p99)))
    report.notes.append(
        "with so few runs p99 is the slowest one; product and bare in turns, stock right after"
    )
    report.notes.append("Prefect's own default would be to poll every 10 s")
    return report
