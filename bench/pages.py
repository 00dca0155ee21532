"""The web pages of a full installation: bytes and the server's own time, with 10,000 open incidents."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import httpx
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from bench import people
from bench.databases import Sqlite, opened
from bench.figures import Aim, Report, median, seconds
from bench.ground import BenchError, Ground
from cism.clock import monotonic
from cism.domain.incident import Circle
from cism.services import engine, intake, sign_ins
from cism.services import people as roster
from cism.services.intake import AffectedInput, IncidentInput
from cism.services.sign_ins import Way
from cism.settings import Settings
from cism.store.db import Database
from cism.store.tables import Base, Incident
from cism.web.app import create_app

INCIDENTS: Final = 10_000
_RUNS: Final = 9
_MOST_BYTES, _MOST_SECONDS = 150_000, 0.3
_COPIED: Final = ("incident", "affected", "assignment", "group_session", "offer", "question", "step")
_IDS: Final = frozenset({"id", "incident_id", "subject_id", "session_id"})
_UNIQUE: Final = frozenset({"key", "source_key"})
# whose page it is, by the roster's id
_PAGES: Final = (
    ("C1", "/board"),
    ("C1", "/board?from=5000"),
    ("C1", "/board/{ref}"),
    ("C1", "/queue"),
    ("C1", "/readiness"),
    ("C1", "/roster"),
    ("C1", "/log"),
    ("M1", "/escalations"),
    ("Q1", "/peer"),
    ("Q1", "/week"),
    ("R9", "/me"),
    ("R9", "/me/receipt"),
    ("R9", "/me/care"),
)


def measure(ground: Ground, tell: Callable[[str], None]) -> Report:
    """Every page that somebody opens by themselves, in one process, without a network."""
    report = Report(
        "pages",
        f"Pages with {INCIDENTS:,} incidents open, on SQLite: the server's own time and bytes, uncompressed",
        ("page", "median", "slowest", "bytes"),
    )
    settings = ground.settings(database_url=Sqlite(ground.home).fresh())
    with opened(settings, made=True) as db:
        tell(f"pages: {INCIDENTS:,} incidents")
        ref = _fill(db)
        tell("pages: opening each")
        for path, times, size in asyncio.run(_opened(db, settings, ref)):
            report.rows.append((path, seconds(median(times)), seconds(max(times)), f"{size:,}"))
            report.raw[path] = {"seconds": times, "bytes": size}
    slow = max((median(found["seconds"]) for found in report.raw.values()), default=0.0)
    big = max((found["bytes"] for found in report.raw.values()), default=0)
    report.aims = [
        Aim("each page's median within 300 ms", slow <= _MOST_SECONDS, seconds(slow)),
        Aim("no page over 150 kB", big <= _MOST_BYTES, f"{big:,} bytes"),
    ]
    report.notes.append(f"median and slowest of {_RUNS} after one that warms up; each writes its audit row")
    return report


def _fill(db: Database) -> str:
    """One incident that was really logged and begun, and copies of its rows; its reference."""
    with db.transaction() as session:
        people.settle_in(session, people.roster_file(peers=40, responders=200))
        report = IncidentInput(
            type="CHILD",
            agency=people.AGENCY,
            occurred_at=people.NOON,
            ended_at=people.NOON,
            affected=tuple(AffectedInput(person_id=f"R{number}", circle=Circle.B) for number in (1, 2, 3)),
        )
        intake.log_once(session, report, caller="bench", key=None)
        session.flush()
        while engine.run_due(session).steps:
            pass
    with db.transaction() as session:
        row = session.scalars(select(Incident)).one()
        for table in _COPIED:
            _copy(session, table)
        return row.ref


def _copy(session: Session, name: str) -> None:
    """As many copies of a table's rows, with ids of their own that still fit each other."""
    columns = [column.name for column in Base.metadata.tables[name].columns]
    listed = ", ".join(f'"{column}"' for column in columns)
    values = ", ".join(_value(column) for column in columns)
    session.execute(
        text(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :most) "  # noqa: S608
            f"INSERT INTO {name} ({listed}) SELECT {values} FROM {name}, n"
        ),
        {"most": INCIDENTS - 1},
    )


def _value(column: str) -> str:
    if column in _IDS:
        return f"substr(\"{column}\", -14) || printf('%06d', i)"
    if column in _UNIQUE:
        return f"\"{column}\" || ':' || i"
    if column == "ref":
        return "'C-' || printf('%05d', i)"
    return f'"{column}"'


async def _opened(db: Database, settings: Settings, ref: str) -> list[tuple[str, list[float], int]]:
    app = create_app(db, settings, None)
    transport = httpx.ASGITransport(app=app)
    found = []
    for key, path in _PAGES:
        async with httpx.AsyncClient(transport=transport, base_url=settings.public_url) as client:
            with db.transaction() as session:
                person = roster.by_roster_id(session, people.AGENCY, key)
                if person is None:
                    message = f"{key} is not on the roster"
                    raise BenchError(message)
                client.cookies.set("cism_session", sign_ins.of_person(session, person, Way.CODE))
            found.append(await _timed(client, path.replace("{ref}", ref), path))
    return found


async def _timed(client: httpx.AsyncClient, address: str, path: str) -> tuple[str, list[float], int]:
    times, size = [], 0
    for _run in range(_RUNS + 1):
        begun = monotonic()
        answer = await client.get(address)
        times.append(monotonic() - begun)
        size = len(answer.content)
        if answer.status_code != 200:
            message = f"{path} answered {answer.status_code}"
            raise BenchError(message)
    return path, times[1:], size
