"""Two worlds that differ only in what one affected person did are one and the same to the supervisor.

Every page, call, refusal, listing and text that the logging supervisor can get is taken in both worlds, at
every stage, byte for byte: status, headers, length, body, and which statements the database was given for it
(what an answer waits for). Codes, addresses and ids are drawn by chance, and are made alike before.
"""

from __future__ import annotations

import base64
import re
import shutil
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import object_session
from typer.testing import CliRunner

from cism.cli.main import app
from cism.domain.escalation import EscalationState
from cism.domain.people import Role
from cism.services import escalations, people, queue, response
from cism.store.db import now
from cism.store.tables import Escalation, InboundMessage, Incident, QueueItem
from cism.web.api import views
from tests.conftest import START, VAULT_KEY, FakeClock
from tests.proof import ground
from tests.proof.ground import answer, go_to, rest
from tests.web.browsing import open_link, sign_in
from tests.web.conftest import Site

X = "R1"
_LINES = (
    *("incident REF --json", "incident REF", "incidents --json", "incidents", "escalations --json"),
    *("queue list --json", "offers REF --json", "incident dates list REF --json", "accept REF", "close REF"),
    *("escalation ack NONE", "session brief NONE", "offer made NONE", "queue handle NONE", "reopen REF"),
    *("end-contacts REF R1", "refer REF R1", "incident remove REF R1", "roster status R1 active"),
)
STAGES = {
    "at once": 0.2,
    "the same night": 5,
    "the next day": 26,
    "a month": 740,
    "a quarter": 2200,
}
Deed = Callable[[Site, str], Awaitable[None]]

_CHANCE = (
    (re.compile(r"/a/[\w-]{12}"), "/a/ADDRESS"),
    (re.compile(r"\b[0-9a-f]{64}\b|\b[0-9a-f]{32}\b|\b[0-9a-f]{20}\b"), "ID"),
    (re.compile(r"\b[A-Z][0-9][A-Z][0-9]\b"), "CODE"),
    (re.compile(r"\b\d{6}\b"), "ONCE"),
)


def alike(text: str, *refs: str) -> str:
    """The same without what chance drew; lengths stay as they are compared besides."""
    for ref in refs:
        text = text.replace(ref, "C-OTHER")
    for pattern, word in _CHANCE:
        text = pattern.sub(word, text)
    return text


@dataclass
class Seen:
    """Everything that the supervisor got, by what they asked for."""

    answers: dict[str, Any] = field(default_factory=dict)

    def differs(self, other: Seen) -> list[str]:
        """What is not the same, in words."""
        keys = sorted(self.answers.keys() | other.answers.keys())
        found = []
        for key in keys:
            mine, theirs = self.answers.get(key), other.answers.get(key)
            if mine != theirs:
                found.append(f"{key}: {_first(mine, theirs)}")
        return found


def _first(mine: Any, theirs: Any) -> str:
    """The innermost place where two answers part."""
    if isinstance(mine, list | tuple) and isinstance(theirs, list | tuple):
        return next(_first(*pair) for pair in zip_longest(mine, theirs) if pair[0] != pair[1])
    return f"{mine!r} or {theirs!r}"


class Supervisor:
    """Somebody who asks for everything, knows every trick, and writes down what comes."""

    def __init__(self, site: Site, ref: str, body: dict[str, Any]) -> None:
        self.site, self.ref, self.body = site, ref, body
        self.seen = Seen()

    async def asks(self, stage: str) -> None:
        """Every door, one after the other."""
        head = self.site.token(Role.SUPERVISOR, person="S1")
        for name, method, path, body in self._calls():
            await self._ask(f"{stage}: {name}", method, path, headers=head, json=body)
        await self._pages(stage)
        for name in ("/healthz", "/metrics"):
            await self._ask(f"{stage}: {name}", "GET", name, headers={"Forwarded": "for=192.0.2.7"})
        self.seen.answers[f"{stage}: texts"] = [
            (kind, alike(words), at) for kind, words, at in ground.texts_to(self.site, "S1")
        ]

    def _calls(self) -> Iterator[tuple[str, str, str, Any]]:
        one = f"/api/v1/incidents/{self.ref}"
        none = "0" * 20
        yield "incident", "GET", one, None
        for part in ("timeline", "dates"):
            yield part, "GET", f"{one}/{part}", None
        yield "raise", "PATCH", one, {"severity": "S3"}
        yield "lower", "PATCH", one, {"severity": "S1"}
        yield "statements", "PATCH", one, {"statements_complete": True}
        yield "nonsense", "PATCH", one, {"accepted_by": X}
        for key in (X, "R2", "NOBODY", "north-fire:F1"):
            yield f"add {key}", "POST", f"{one}/affected", {"affected": [{"person_id": key, "circle": "B"}]}
            yield f"remove {key}", "DELETE", f"{one}/affected/{key}", None
        for act in ("stand-down", "close", "reopen"):
            yield act, "POST", f"{one}/{act}", {}
        yield "escalations", "GET", "/api/v1/escalations", None
        for known in (none, *self._theirs()):
            kind = "an escalation" if known == none else "the escalation"
            yield f"take {kind}", "POST", f"/api/v1/escalations/{known}/ack", {}
            yield f"end {kind}", "POST", f"/api/v1/escalations/{known}/close", {"outcome": "reached"}

    def _theirs(self) -> list[str]:
        """An id that they may have found on somebody's desk; where there is none, one that was made up."""
        return [row.id for row in self.site.rows(select(Escalation).limit(1))] or ["f" * 20]

    async def _pages(self, stage: str) -> None:
        await self._ask(f"{stage}: receipt", "GET", f"/log/{self.ref}")
        await self._ask(f"{stage}: form", "GET", "/log")
        await self._ask(f"{stage}: nowhere", "GET", f"/log/C-{X}")
        await self._opens(f"{stage}: what waits", "home", None)
        incident, other = self.site.rows(select(Incident.id))[0], self._theirs()[0]
        for purpose in ("incident", "offers", "session"):
            await self._opens(f"{stage}: page {purpose}", purpose, incident)
        for purpose in ("queue", "escalation", "assignment"):
            await self._opens(f"{stage}: page {purpose}", purpose, other)
        rest(self.site)

    async def _opens(self, name: str, purpose: str, subject: str | None) -> None:
        """An address that they somehow have: it is theirs, and about something that is not."""
        page = await open_link(self.site, self.site.link("S1", purpose, subject))
        self._note(name, page.status_code, page.headers, page.text, [])

    async def again(self, stage: str) -> None:
        """The same report once more, and the same key with another report; then one about X alone."""
        head = self.site.token(Role.SUPERVISOR, person="S1") | {"Idempotency-Key": "roadside"}
        for name, body in (("again", self.body), ("key again", {**self.body, "severity": "S4"})):
            await self._ask(f"{stage}: log {name}", "POST", "/api/v1/incidents", headers=head, json=body)
        alone = self.site.incident(affected=[{"person_id": X, "circle": "A"}])
        head["Idempotency-Key"] = stage
        await self._ask(f"{stage}: log X alone", "POST", "/api/v1/incidents", headers=head, json=alone)

    async def _ask(self, name: str, method: str, path: str, **more: Any) -> None:
        with ground.statements(self.site.db) as asked:
            got = await self.site.client.request(method, path, **more)
        self._note(name, got.status_code, got.headers, got.text, asked)

    def _note(self, name: str, status: int, headers: Any, text: str, asked: list[str]) -> None:
        kept = sorted((key, alike(value)) for key, value in headers.items() if key != "set-cookie")
        refs = [found for found in re.findall(r"C-[A-Z0-9]{5}\b", text) if found != self.ref]
        shown = alike(text, *refs)
        if name.endswith("/metrics"):
            # the time itself, and how long a part of the program was not seen: a task of its own in real time
            shown = "\n".join(
                line for line in shown.splitlines() if not re.search("_clock_|_heartbeat_", line)
            )
            kept = [pair for pair in kept if pair[0] != "content-length"]
        self.seen.answers[name] = (status, [pair for pair in kept if pair[0] != "location"], shown, asked)


async def _nothing(_site: Site, _stage: str) -> None:
    """X is silent."""


def _texts(*bodies: str, when: str = "the next day") -> Deed:
    async def deed(site: Site, stage: str) -> None:
        if stage == when:
            for body in bodies:
                await site.text(X, body)
                rest(site)

    return deed


def _answers(kind: str, digit: str) -> Deed:
    async def deed(site: Site, _stage: str) -> None:
        await answer(site, X, kind, digit)

    return deed


def _reported(digit: str) -> Deed:
    """The peer who looks after X says how the call went."""

    async def deed(site: Site, _stage: str) -> None:
        for asked in ground.open_questions(site, "contact_report"):
            if asked.about_id == site.id_of(X):
                who = next(key for key in ("P1", "P2", "P3") if site.id_of(key) == asked.person_id)
                await site.text(who, f"{digit} {asked.code}")
                rest(site)

    return deed


def _ends(outcome: str) -> Deed:
    """X asks for a call now; the clinical director takes it, and it ends like this."""

    async def deed(site: Site, stage: str) -> None:
        if stage != "the next day":
            return
        await site.text(X, "3")
        rest(site)
        with site.db.transaction() as session:
            row = session.scalars(select(Escalation).where(Escalation.state != EscalationState.CLOSED)).one()
            helper = people.get(session, site.id_of("D1"))
            escalations.acknowledge(session, row, helper, now(session))
            escalations.close(session, row, helper, outcome, now(session))
        rest(site)

    return deed


async def _read(site: Site, stage: str) -> None:
    """X writes in their own words, and a human handles it."""
    if stage != "the next day":
        return
    await site.text(X, "could somebody look at my shifts")
    rest(site)
    with site.db.transaction() as session:
        for item in session.scalars(select(QueueItem).where(QueueItem.state == "open")):
            queue.handle(session, item.id, by=site.id_of("C1"), now=now(session))
    rest(site)


def _both(*deeds: Deed) -> Deed:
    async def deed(site: Site, stage: str) -> None:
        for one in deeds:
            await one(site, stage)

    return deed


DEEDS: dict[str, Deed] = {
    "answers, comes to the meeting and keeps in touch": _both(
        _texts("1"), _answers("invitation", "1"), _answers("opt_in", "1"), _reported("4")
    ),
    "declines everything": _both(
        _texts("0"), _answers("invitation", "0"), _answers("opt_in", "0"), _reported("5")
    ),
    "asks for a call in the next days, and writes words that a human reads": _both(_texts("2"), _read),
    "asks for a call now, which nobody makes yet": _texts("3"),
    "asks for a call now and is reached": _ends("reached"),
    "asks for a call now and is not reached": _both(_ends("not_reached"), _reported("6")),
    "writes crisis words": _texts("I want to kill myself"),
    "worries the peer, and sends STOP": _both(_reported("7"), _texts("STOP", when="a month")),
    "opts out in other words, after a night without texts": _both(
        _texts("STOP", "START", when="the same night"), _texts("please stop texting me")
    ),
}


def _humans(site: Site) -> None:
    """Staff do what they are there for, alike in both worlds: read, call, and say how it ended."""
    with site.db.transaction() as session:
        director = people.get(session, site.id_of("D1"))
        for item in queue.open_items(session):
            queue.handle(session, item.id, by=director.id, now=now(session))
        for row in session.scalars(select(Escalation).where(Escalation.state != EscalationState.CLOSED)):
            escalations.acknowledge(session, row, director, now(session))
            escalations.close(session, row, director, "reached", now(session))


@dataclass(frozen=True)
class Base:
    """Both worlds until X does something: the file, the reference, the report."""

    file: Path
    ref: str
    body: dict[str, Any]
    token: str


async def _begin(folder: Path, template: Path) -> Base:
    file = folder / "base.db"
    shutil.copyfile(template, file)
    clock = FakeClock()
    async with ground.opened(f"sqlite:///{file}", clock, folder / "home") as site:
        ground.settle(site.db)
        circles = {"R1": "B", "R2": "B", "R3": "B", "S1": "E", "T1": "C"}
        listed = [{"person_id": key, "circle": circle} for key, circle in circles.items()]
        body = site.incident(affected=listed, protocol="cism-classic")
        head = site.token(Role.SUPERVISOR, person="S1") | {"Idempotency-Key": "roadside"}
        got = await site.client.post("/api/v1/incidents", json=body, headers=head)
        ref = str(got.json()["ref"])
        go_to(site, START + timedelta(minutes=5))
        for peer in ("P1", "P2", "P3"):
            await answer(site, peer, "page", "1")
        with site.db.transaction() as session:
            row = session.scalars(select(Incident)).one()
            response.accept(session, row.id, by=site.id_of("C1"), now=now(session))
        go_to(site, START + timedelta(minutes=8))
        token = site.tokens["supervisor:metro-pd:S1"]
    return Base(file, ref, body, token)


async def _lived(base: Base, folder: Path, deed: Deed, plant: int | None = None) -> Seen:
    folder.mkdir()
    file = folder / "world.db"
    shutil.copyfile(base.file, file)
    clock = FakeClock(START + timedelta(minutes=8))
    async with ground.opened(f"sqlite:///{file}", clock, folder / "home") as site:
        site.tokens["supervisor:metro-pd:S1"] = base.token
        who = Supervisor(site, base.ref, base.body)
        for stage, hours in [*STAGES.items()][:plant]:
            go_to(site, START + timedelta(hours=hours), _humans)
            for key in ("R2", "R3"):  # with X they are three, without two: too few to meet
                await answer(site, key, "invitation", "1")
            await deed(site, stage)
            site.client.cookies.clear()
            await sign_in(site)
            await who.asks(stage)
            for key in ("D1", "K1"):
                await answer(site, key, "approval", "1")
            for asked in ground.open_questions(site, "contact_report"):
                if asked.about_id != site.id_of(X):
                    peer = next(key for key in ("P1", "P2", "P3") if site.id_of(key) == asked.person_id)
                    await answer(site, peer, "contact_report", "4")
        if plant is None:
            await who.again("at last")
            rest(site)
            await who.asks("at last")
    _at_a_terminal(who, file, folder / "home")
    return who.seen


def _at_a_terminal(who: Supervisor, file: Path, home: Path) -> None:
    """The same supervisor with `--as`, long after."""
    keys = base64.urlsafe_b64encode(VAULT_KEY).decode()
    env = {"CISM_HOME": str(home), "CISM_DATABASE_URL": f"sqlite:///{file}", "CISM_VAULT_KEYS": keys}
    for line in _LINES:
        words = line.replace("REF", who.ref).replace("NONE", "0" * 20).split()
        got = CliRunner(env=env).invoke(app, [*words, "--as", "metro-pd:S1"])
        others = [found for found in re.findall(r"C-[A-Z0-9]{5}\b", got.output) if found != who.ref]
        who.seen.answers[f"cism {line}"] = (got.exit_code, alike(got.output, *others))


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Base:
    """What both worlds have in common."""
    import asyncio

    with ground.keys():
        return asyncio.run(_begin(tmp_path_factory.mktemp("base"), sqlite_template))


@pytest.fixture(scope="module")
def silent(base: Base, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """The world in which X does nothing."""
    import asyncio

    with ground.keys():
        return asyncio.run(_lived(base, tmp_path_factory.mktemp("silent") / "world", _nothing))


@pytest.mark.parametrize("deed", list(DEEDS.values()), ids=list(DEEDS))
async def test_a_supervisor_cannot_tell_from_anything_whether_somebody(
    base: Base, silent: Seen, tmp_path: Path, deed: Deed
) -> None:
    found = await _lived(base, tmp_path / "world", deed)
    assert len(found.answers) > 150
    assert silent.differs(found)[:5] == []


async def test_a_leak_of_one_figure_is_seen(
    base: Base, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The header tells how many texts came in: the comparison must find it, or it has shown nothing."""
    told = views.header

    def leaks(row: Incident, at: datetime) -> dict[str, Any]:
        session = object_session(row)
        assert session is not None
        count = session.scalar(select(func.count()).select_from(InboundMessage))
        return told(row, at) | {"state": f"offered {count}"}

    monkeypatch.setattr(views, "header", leaks)
    quiet = await _lived(base, tmp_path / "quiet", _nothing, plant=3)
    spoken = await _lived(base, tmp_path / "spoken", _texts("1"), plant=3)
    assert [one for one in quiet.differs(spoken) if one.startswith("the next day: incident")]
