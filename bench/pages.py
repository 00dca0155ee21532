"""Every page that somebody opens, with 10,000 open incidents: the server's time, its CPU time, and bytes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import httpx
from sqlalchemy.orm import Session

from bench import pages_ground
from bench.databases import Sqlite, Store, opened, postgres
from bench.figures import Aim, Report, median, seconds
from bench.ground import BenchError, Ground
from bench.pages_ground import INCIDENTS, Filled
from cism.clock import monotonic
from cism.services import links, sign_ins
from cism.services import people as roster
from cism.services.sign_ins import Way
from cism.settings import Settings
from cism.store.db import Database
from cism.store.tables import Person
from cism.web.app import create_app

_RUNS: Final = 9
_MOST_BYTES, _MOST_SECONDS = 150_000, 0.3
# whose page it is, by the roster's id ("peer": one who serves), and words of `Filled` in braces
_PAGES: Final = (
    ("C1", "/board"),
    ("C1", "/board?from=5000"),
    ("C1", "/board/{ref}"),
    ("C1", "/board/{ref}?ask=1"),
    ("C1", "/queue"),
    ("C1", "/queue/{item}"),
    ("C1", "/readiness"),
    ("C1", "/roster"),
    ("C1", "/set-up"),
    ("C1", "/break-glass"),
    ("C1", "/break-glass/{glass}"),
    ("C1", "/log"),
    ("C1", "/log/{ref}"),
    ("C1", "/log/{ref}/crew"),
    ("C1", "/practice"),
    ("C1", "/a/home"),
    ("M1", "/a/home"),
    ("peer", "/a/home"),
    ("M1", "/escalations"),
    ("M1", "/task/escalation/{escalation}"),
    ("peer", "/peer"),
    ("peer", "/task/assignment/{assignment}"),
    ("peer", "/week"),
    ("peer", "/briefs"),
    ("R1", "/me"),
    ("R1", "/me/receipt"),
    ("R1", "/me/calendar"),
    ("R1", "/me/care"),
    ("R1", "/me/care/data"),
    ("R1", "/me/care/questions"),
    ("R1", "/me/care/stop"),
    ("", "/a/unknown"),
    ("", "/log-offline"),
    ("", "/log-worker.js"),
    ("", "/sign-in"),
    ("", "/healthz"),
)
UNMEASURED: Final[Mapping[str, str]] = {
    "/": "leads to the first page of whoever is signed in",
    "/a/{secret}/{_act}": "leads to the address itself",
    "/calendar/{secret}.ics": "a file for a calendar program: nobody waits for it",
    "/first-run": "gone once somebody coordinates: with any incident there is none",
    "/first-run/{secret}": "the same",
    "/metrics": "figures for a program",
    "/readyz": "for a program",
    "/sign-in/agency/back": "the way back from an agency's own sign-in: waits for its issuer",
}
"""Page routes that no line above opens, with the reason."""
_HOME: Final = "/a/home"  # what waits for somebody, behind the code that came by text
_YARDSTICK: Final = "/sign-in"  # a page that asks the database next to nothing, in the same run


class _Found(NamedTuple):
    """One page: seconds by the clock and of this process's processor, and how long it is."""

    store: str
    path: str
    wall: list[float]
    cpu: list[float]
    size: int


def measure(ground: Ground, tell: Callable[[str], None]) -> Report:
    """Every page that somebody opens by themselves, in one process, without a network."""
    report = Report(
        "pages",
        f"Pages with {INCIDENTS:,} incidents open: the server's own time and bytes, uncompressed",
        ("page", "median", "slowest", "processor", f"of {_YARDSTICK}", "bytes"),
    )
    found = _on(Sqlite(ground.home), ground, tell)
    with postgres() as store:
        if store is None:
            report.notes.append("PostgreSQL is not here: SQLite alone")
        else:
            found += _on(store, ground, tell)
    for one in found:
        _add(report, one, _yardstick(found, one.store))
    slow, big = max(median(one.cpu) for one in found), max(one.size for one in found)
    wall = max(median(one.wall) for one in found)
    report.aims = [
        Aim("each page's median within 300 ms", wall <= _MOST_SECONDS, seconds(wall)),
        Aim("each page's processor time within 300 ms", slow <= _MOST_SECONDS, seconds(slow)),
        Aim("no page over 150 kB", big <= _MOST_BYTES, f"{big:,} bytes"),
    ]
    report.notes.append(
        f"median and slowest of {_RUNS} after one that warms up; each writes its audit row. Processor: this "
        "process's own, which others on the machine do not change; PostgreSQL's is not in it"
    )
    return report


def _add(report: Report, one: _Found, yardstick: float) -> None:
    name = f"{one.path} ({one.store})"
    ratio = f"{median(one.cpu) / yardstick:.1f} x"
    times = (seconds(median(one.wall)), seconds(max(one.wall)), seconds(median(one.cpu)))
    report.rows.append((name, *times, ratio, f"{one.size:,}"))
    report.raw[name] = {"seconds": one.wall, "processor": one.cpu, "bytes": one.size}


def _yardstick(found: list[_Found], store: str) -> float:
    return next(median(one.cpu) for one in found if (one.store, one.path) == (store, _YARDSTICK))


def _on(store: Store, ground: Ground, tell: Callable[[str], None]) -> list[_Found]:
    settings = ground.settings(database_url=store.fresh())
    with opened(settings, made=True) as db:
        tell(f"pages: {INCIDENTS:,} incidents, {store.name}")
        filled = pages_ground.fill(db, store.name)
        tell(f"pages: opening each, {store.name}")
        return asyncio.run(_opened(db, settings, filled, store.name))


async def _opened(db: Database, settings: Settings, filled: Filled, store: str) -> list[_Found]:
    app = create_app(db, settings, None)
    transport = httpx.ASGITransport(app=app)
    found = []
    for key, path in _PAGES:
        async with httpx.AsyncClient(transport=transport, base_url=settings.public_url) as client:
            if key:
                client.cookies.set("cism_session", _signed_in(db, filled.peer if key == "peer" else key))
            address = path.format(**filled._asdict())
            if path == _HOME:
                address, cookie = _behind_a_code(db, filled.peer if key == "peer" else key)
                client.cookies.set("cism_page", cookie, path=address)
            found.append(await _timed(client, address, f"{path} of {key}" if path == _HOME else path, store))
    return found


def _behind_a_code(db: Database, key: str) -> tuple[str, str]:
    """An address of somebody's own, opened with their code, and what their browser was given."""
    with db.transaction() as session:
        secret, browser = links.opened_home(session, _person(session, key))
    return f"/a/{secret}", browser


def measured() -> list[str]:
    """Every path that is opened."""
    return [path for _key, path in _PAGES]


def _signed_in(db: Database, key: str) -> str:
    with db.transaction() as session:
        return sign_ins.of_person(session, _person(session, key), Way.CODE)


def _person(session: Session, key: str) -> Person:
    person = roster.by_roster_id(session, pages_ground.AGENCY, key)
    if person is None:
        message = f"{key} is not on the roster"
        raise BenchError(message)
    return person


async def _timed(client: httpx.AsyncClient, address: str, path: str, store: str) -> _Found:
    found = _Found(store, path, [], [], 0)
    for _run in range(_RUNS + 1):
        begun, used = monotonic(), time.process_time()
        answer = await client.get(address)
        found.wall.append(monotonic() - begun)
        found.cpu.append(time.process_time() - used)
        found = found._replace(size=len(answer.content))
        if answer.status_code != 200:
            message = f"{path} answered {answer.status_code}"
            raise BenchError(message)
    return found._replace(wall=found.wall[1:], cpu=found.cpu[1:])
