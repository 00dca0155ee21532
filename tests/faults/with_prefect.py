"""F4, F5, F7 and F8 with Prefect: its conductor is killed, its server is killed, the provider fails."""

from __future__ import annotations

import random
import subprocess
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import select

from cism.clock import RealClock, monotonic, wait
from cism.services import clockwork
from cism.store.db import now
from cism.store.states import OutboxState
from cism.store.tables import Outbox
from demo.checking.words import Kind
from tests.faults import judge
from tests.faults.campaign import Case, Outcome, added
from tests.faults.ground import Ground, WallSeen
from tests.faults.kills import (
    DOUBT,
    LATER,
    PASSINGS,
    WANTED_PAGES,
    Site,
    go_on,
    judge_site,
    prepare,
    wait_for_death,
)
from tests.faults.provider import BROKEN, FLAGGED, STORM, handed_twice
from tests.flows.conftest import PrefectServer

_LATE: Final = 60.0  # seconds that a lost Prefect may delay anything
# seconds: what is turned away waits for its turns; and a text that takes the place of one that nobody can
# settle may not be settled either, two minutes each. How long one doubt may last is judged by itself.
_RESTS: Final = 900.0
_READY: Final = {"conductor": "prefect.ready", "worker": "worker.ready"}


def conductor_killed(seed: int, ground: Ground) -> Outcome:
    """The conductor dies in the middle of Prefect runs: at a labelled point, or at random."""
    chance = random.Random(f"prefect {seed}")
    point = list(PASSINGS)[seed // 2 % len(PASSINGS)] if seed % 2 == 0 else None
    site = _site(ground, ground.stock.prefect(), "postgresql" if seed % 3 == 2 else "sqlite", chance)
    times = chance.randint(1, PASSINGS[point]) if point else 0
    process = _part(site, "conductor", **({"CISM_CRASH_AT": f"{point}:{times}"} if point else {}))
    site.begin()
    if point:
        killed, note = wait_for_death(site, process), f"{point}:{times}"
    else:
        span = chance.uniform(0.0, 2.0)
        wait(span)
        killed, note = process.poll() is None, f"after {span:.2f} s"
        ground.kill(process)
    return go_on(site, killed=killed, later=chance.choice(LATER), note=note)


def storm(seed: int, ground: Ground) -> Outcome:
    """Half of all requests are turned away while Prefect's runs hand texts over."""
    return _amid(seed, ground, STORM, lambda wall: [])


def broken_provider(seed: int, ground: Ground) -> Outcome:
    """5xx, resets and time-outs, before and after a text was accepted, in the middle of Prefect's runs."""
    return _amid(seed, ground, BROKEN, handed_twice)


def _amid(seed: int, ground: Ground, plan: dict[str, Any], rules: Callable[[WallSeen], list[str]]) -> Outcome:
    chance = random.Random(f"amid {seed}")
    site = _site(ground, ground.stock.prefect(), "postgresql" if seed % 2 else "sqlite", chance)
    conductor, _ = _part(site, "conductor"), _part(site, "worker")
    site.wall.ask("POST", "/faults", {"plan": plan, "seed": seed})
    site.begin()
    doubts = _Doubts(site)
    took = ground.until(doubts.over, _RESTS, "it comes to rest", conductor)
    texts = [text for text in judge.texts_of(site.wall.export(), judge.moves_of(site.db)) if text.arrived]
    found = judge.judge(texts, site.due)
    items = Counter(item["kind"] for item in ground.queue(site.db.url))
    flagged = sum(items[kind] for kind in FLAGGED)
    pages = {text.to for text in texts if text.kind is Kind.PAGE}
    return Outcome(
        injected=len(site.wall.ask("GET", "/injected")["injected"]),
        sent=found.sent,
        lost=max(0, len(found.missing) - flagged) + max(0, WANTED_PAGES - len(pages)),
        doubled=len(found.doubled),
        early=found.early,
        late=found.late,
        unknown=items["unsettled_send"],
        note=f"at rest after {took:.0f} s, {doubts.told()}; {dict(items)} for humans",
        broken=(*rules(site.wall), *doubts.too_long()),
    )


class _Doubts:
    """How long each text was in doubt, looked at again and again while the parts work."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._since: dict[str, float] = {}
        self.longest = 0.0  # seconds

    def over(self) -> bool:
        """Whether all has come to rest."""
        in_doubt = select(Outbox.id).where(Outbox.state == OutboxState.UNKNOWN)
        with self._site.db.read() as session:
            ids = [str(one) for one in session.scalars(in_doubt)]
        at = monotonic()
        self._since = {one: self._since.get(one, at) for one in ids}
        self.longest = max([self.longest, *(at - since for since in self._since.values())])
        return self._site.quiet()

    def told(self) -> str:
        """For the row's note."""
        return f"in doubt for {self.longest:.0f} s at most"

    def too_long(self) -> list[str]:
        """What is in doubt for longer than the rule says is a promise that was broken."""
        return [f"a text was in doubt for {self.longest:.0f} s"] if self.longest > DOUBT else []


def server_killed(seed: int, ground: Ground) -> Outcome:
    """Prefect's server dies in the middle of a wave; in two seeds of three all that it knew is wiped too."""
    chance = random.Random(f"server {seed}")
    home = ground.home / "prefect-home"
    home.mkdir()
    server = PrefectServer(home)
    ground.at_end(server.kill)
    server.start()
    site = _site(ground, server, "postgresql" if seed % 2 else "sqlite", chance)
    conductor, worker = _part(site, "conductor"), _part(site, "worker")
    site.begin()
    wait(chance.uniform(0.1, 1.5))
    server.kill()
    begun = RealClock().now()
    ground.until(site.quiet, _LATE, "all has left without Prefect", conductor)
    found = judge_site(site, begun, killed=True, note="server killed")
    if seed % 3:
        server.wipe()
    server.start()
    log = ground.home / "worker.log"
    ground.until(lambda: log.read_text().count("worker.ready") > 1, 90, "the worker is back", worker)
    return added([found, _goes_on(site, conductor)])


def _goes_on(site: Site, conductor: subprocess.Popen[bytes]) -> Outcome:
    """What was planned before is planned still: nobody answered the pages, so the next are asked in time."""
    before = {text.to for text in judge.texts_of(site.wall.export()) if text.kind is Kind.PAGE}
    with site.db.transaction() as session:
        clockwork.move_to(session, now(session) + timedelta(minutes=10, seconds=5), "campaign")
    begun = RealClock().now()

    def asked() -> set[str]:
        texts = judge.texts_of(site.wall.export())
        return {text.to for text in texts if text.kind is Kind.PAGE} - before

    site.ground.until(asked, _LATE, "the next helpers are asked", conductor)
    took = (RealClock().now() - begun).total_seconds()
    return Outcome(0, note=f"the next helpers asked in {took:.1f} s")


def _site(ground: Ground, server: PrefectServer, kind: str, chance: random.Random) -> Site:
    auth = (server.home / "prefect" / "auth").read_text().strip()
    more = {"PREFECT_API_URL": server.url, "PREFECT_API_AUTH_STRING": auth, "CISM_PERFORM_DUE_SECONDS": "20"}
    assert kind in {"sqlite", "postgresql"}
    callbacks = chance.random() < 0.5
    return prepare(ground, kind, callbacks=callbacks, answer_seconds=0.05, more=more)  # type: ignore[arg-type]


def _part(site: Site, part: str, **env: str) -> subprocess.Popen[bytes]:
    words = ["worker"] if part == "worker" else []
    process = site.ground.start(part, "-m", "flows", *words, **site.env, **env)
    site.ground.until(lambda: _READY[part] in site.ground.log(part), 120, f"the {part}", process)
    return process


CASES = (
    Case(
        "F4-prefect",
        "SIGKILL of the conductor under Prefect",
        conductor_killed,
        20,
        at_once=2,
    ),
    Case("F7-prefect", "429 storms, half of all requests, under Prefect", storm, 4, at_once=2),
    Case(
        "F8-prefect",
        "5xx, resets, time-outs, before and after accept, under Prefect",
        broken_provider,
        4,
        at_once=2,
    ),
    Case("F5", "SIGKILL of Prefect's server; its database wiped", server_killed, 6),
)
