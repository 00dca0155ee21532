"""F4: the performer is killed, at each labelled point and at random; then it is started again."""

from __future__ import annotations

import random
import signal
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import or_, select

from bench import people, surge
from cism.clock import RealClock, wait
from cism.services import clockwork, engine
from cism.services.crash import Point
from cism.store.db import Database
from cism.store.states import OutboxState
from cism.store.tables import AffectedPerson, Outbox, Person
from demo.checking.words import Kind
from tests.faults import judge, performer
from tests.faults.campaign import Case, Outcome
from tests.faults.ground import Forked, Ground, Running, WallSeen
from tests.faults.ground import Kind as Store
from tests.faults.load import log

CHECK_INS: Final = 20
WANTED_PAGES: Final = 2  # a team of one, and one more is asked
_DUE: Final = people.NOON + timedelta(hours=24)
_CATCH_UP: Final = 30.0  # seconds from the restart until all that is not in doubt has left
DOUBT: Final = (
    140.0  # seconds of real time in which doubt ends: 120 by the rule, and one turn of the settling
)
# how often a point is passed while twenty check-ins and an incident are performed
PASSINGS: Final = {
    Point.CLAIM_BEGUN: 2,
    Point.CLAIM_WRITTEN: 2,
    Point.CLAIM_COMMITTED: 2,
    Point.SEND_BEGUN: 22,
    Point.SEND_ANSWERED: 22,
    Point.RECORD_WRITTEN: 2,
    Point.RECORD_COMMITTED: 2,
    Point.STEP_WRITTEN: 3,
    Point.STEP_COMMITTED: 3,
}
# Started again at once, or so many seconds later: after twenty a send that was under way is in doubt, after
# 130 the doubt has lasted longer than it may. Later is cheaper to run.
LATER: Final = (0, 20, *[130] * 8)


@dataclass(frozen=True)
class Site:
    """An incident and twenty check-ins on the wall's side; what they require is known from the input."""

    ground: Ground
    db: Database
    wall: WallSeen
    env: dict[str, str]
    due: tuple[judge.Due, ...]
    coordinator: str
    others: tuple[str, ...]

    def begin(self) -> None:
        """The check-ins fall due, and an incident is logged."""
        with self.db.transaction() as session:
            clockwork.move_to(session, _DUE + timedelta(minutes=1), "campaign")
        log(self.db, *self.others)

    def perform(self, name: str, later: int = 0, **env: str) -> Forked:
        """The performer, as its own process."""
        return self.ground.fork(name, performer.perform, float(later), **self.env, **env)

    def quiet(self) -> bool:
        """Whether nothing is due, unsent or in doubt any more; receipts are not waited for."""
        moving = or_(
            (Outbox.state == OutboxState.PENDING) & (Outbox.not_before <= _DUE + timedelta(minutes=5)),
            Outbox.state.in_([OutboxState.SENDING, OutboxState.UNKNOWN]),
        )
        with self.db.read() as session:
            return not engine.due(session).anything and not session.scalar(select(Outbox.id).where(moving))


def prepare(
    ground: Ground,
    kind: Store,
    *,
    callbacks: bool,
    answer_seconds: float = 0.02,
    more: dict[str, str] | None = None,
) -> Site:
    """Twenty check-ins wait for their moment; nothing performs yet.

    Without `callbacks` no status callback ever finds anybody: the provider's list alone can tell.
    """

    def make(db: Database) -> None:
        with db.transaction() as session:
            people.settle_in(session, people.roster_file(12, CHECK_INS + 2))
            surge.log_waiting(session, CHECK_INS)

    url = ground.prepared(kind, make, "waiting", CHECK_INS)
    wall = ground.wall(answer_seconds=answer_seconds)
    db = ground.open(url)
    with db.read() as session:
        everybody = {row.roster_id: row for row in session.scalars(select(Person))}
        waiting = set(session.scalars(select(AffectedPerson.person_id)))  # as they were put in
        session.expunge_all()
    others = tuple(key for key, row in everybody.items() if key[0] == "R" and row.id not in waiting)
    until = _DUE + timedelta(minutes=1, seconds=_CATCH_UP) + timedelta(seconds=DOUBT)
    asked = [row.phone or "" for row in everybody.values() if row.id in waiting]
    due = tuple(judge.Due(phone, Kind.CHECK_IN, _DUE, until) for phone in asked)
    env = ground.env(url, wall, ground.webhooks(db) if callbacks else "") | (more or {})
    return Site(ground, db, wall, env, due, everybody["C1"].phone or "", others)


def at_points(seed: int, ground: Ground) -> Outcome:
    """The process kills itself at one labelled point, the n-th time that it passes it."""
    chance = random.Random(f"points {seed}")
    point = list(PASSINGS)[seed % len(PASSINGS)]
    times, later = chance.randint(1, PASSINGS[point]), chance.choice(LATER)
    site = prepare(ground, _kind(seed // len(PASSINGS)), callbacks=chance.random() < 0.5)
    site.begin()
    process = site.perform("first", CISM_CRASH_AT=f"{point}:{times}")
    killed = wait_for_death(site, process)
    return go_on(site, killed=killed, later=later, note=f"{point}:{times}")


def at_random(seed: int, ground: Ground) -> Outcome:
    """The process is killed from outside, up to a second and a half after it began to work."""
    chance = random.Random(f"random {seed}")
    span, later = chance.uniform(0.0, 1.5), chance.choice(LATER)
    site = prepare(ground, _kind(seed), callbacks=chance.random() < 0.5, answer_seconds=0.1)
    site.begin()
    process = site.perform("first")
    ground.until(lambda: "conductor.started" in ground.log("first"), 60, "the performer", process)
    wait(span)  # the kill is to fall anywhere
    killed = process.poll() is None
    ground.kill(process)
    return go_on(site, killed=killed, later=later, note=f"after {span:.2f} s")


def _kind(seed: int) -> Store:
    return "postgresql" if seed % 3 == 2 else "sqlite"


def wait_for_death(site: Site, process: Running) -> bool:
    """Whether it died at its point; where it comes to rest before, it is killed there."""
    ground = site.ground
    within = _CATCH_UP + DOUBT  # a slow provider's answer may leave a doubt before the point is passed
    ground.until(lambda: process.poll() is not None or site.quiet(), within, "the point is passed")
    died = process.poll() == -signal.SIGKILL
    ground.kill(process)
    return died


def go_on(site: Site, *, killed: bool, later: int, note: str) -> Outcome:
    restarted = RealClock().now()
    process = site.perform("second", later)
    within = _CATCH_UP + max(60.0, DOUBT - later)
    site.ground.until(site.quiet, within, "it comes to rest", process)
    return judge_site(site, restarted, killed=killed, note=f"{note}, restarted {later} s later")


def judge_site(site: Site, restarted: datetime, *, killed: bool, note: str) -> Outcome:
    """What the phones got, against what the input requires, and what a human has in hand."""
    texts = judge.texts_of(site.wall.export(), judge.moves_of(site.db))
    found = judge.judge(texts, site.due)
    told = {Kind.UNSETTLED, Kind.QUEUE_NEW}
    flagged = 0
    if found.missing or any(text.kind in told for text in texts):
        flagged = sum(item["kind"] == "unsettled_send" for item in site.ground.queue(site.db.url))
    pages = {text.to for text in texts if text.kind is Kind.PAGE}
    noticed = any(text.kind is Kind.TEAM_NOTICE and text.to == site.coordinator for text in texts)
    missing = len(found.missing) + (not noticed)
    lost = max(0, missing - flagged) + max(0, WANTED_PAGES - len(pages))
    broken = []
    if flagged > missing:
        broken.append(f"{flagged - missing} flagged as unknown although the provider lists them")
    took = _caught_up(texts, restarted)
    if took > _CATCH_UP:
        broken.append(f"caught up {took:.1f} s after the restart, promised {_CATCH_UP:g} s")
    return Outcome(
        injected=int(killed),
        sent=found.sent,
        lost=lost,
        doubled=len(found.doubled),
        early=found.early,
        late=found.late,
        unknown=flagged + sum(text.kind is Kind.UNSETTLED for text in texts),
        note=f"{note}, caught up in {took:.1f} s",
        broken=tuple(broken),
    )


def _caught_up(texts: list[judge.Text], restarted: datetime) -> float:
    """Seconds from the restart to the last text but for those that follow from a doubt."""
    plain = [
        text.real
        for text in texts
        if text.kind not in {Kind.UNSETTLED, Kind.QUEUE_NEW} and "(repeat)" not in text.body
    ]
    return max(0.0, (max(plain, default=restarted) - restarted).total_seconds())


CASES = (
    Case("F4-point", "the performer kills itself at a labelled point", at_points, 108, short=(4,), at_once=3),
    Case("F4-random", "SIGKILL of the performer at a random moment", at_random, 72, short=(1,), at_once=3),
)
