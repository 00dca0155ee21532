"""Whoever reads about somebody, and whoever is refused, stands in the audit log: by every door there is.

The doors are those that the application serves and the commands that the command line has: a new one that
leaves no row fails here, unless it is named below with the reason why it shows nothing of anybody.
"""

from __future__ import annotations

import ast
import inspect
import shutil
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from typer.main import get_command

from cism.cli.main import app
from cism.store.tables import Assignment, Audit, Escalation, QueueItem
from cism.web.auth import RefusalLog
from tests.conftest import START, FakeClock
from tests.proof import ground
from tests.proof.test_every_door import CALLERS, doors, knock
from tests.web.browsing import fields, open_link
from tests.web.conftest import Site

OF_NOBODY = {
    "GET /api/v1/openapi.json": "what the API is",
    "GET /api/v1/disclosures/exceptions": "the law, as data",
    "GET /healthz": "the process answers",
    "GET /readyz": "the parts answer",
    "GET /metrics": "figures of the machine; what could tell of one person is told to this machine alone",
}
_WORDS = "I cannot sleep since then, please somebody call"


@pytest.fixture
async def site(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Site]:
    """One incident with its team, a call that is needed, and words that wait for a reader."""
    file = tmp_path / "cism.db"
    shutil.copyfile(sqlite_template, file)
    async with ground.opened(f"sqlite:///{file}", FakeClock(), tmp_path / "home") as site:
        ground.settle(site.db)
        site.tokens["ref"] = (await site.log())["ref"]
        ground.go_to(site, START + timedelta(minutes=1))
        await ground.answer(site, "P1", "page", "1")
        await ground.answer(site, "P2", "page", "1")
        await site.text("R1", "3")
        await site.text("R2", _WORDS)
        ground.rest(site)
        for role, agency, person in CALLERS.values():
            site.token(role, agency or "metro-pd", person)
        yield site


def _rows(site: Site, *, allowed: bool) -> int:
    with site.db.read() as session:
        return int(
            session.scalar(select(func.count()).select_from(Audit).where(Audit.allowed.is_(allowed))) or 0
        )


async def test_each_answer_and_each_refusal_of_the_api_leaves_a_row(site: Site) -> None:
    silent = []
    heads = {"nobody": {}, **{who: site.token(r, a or "metro-pd", p) for who, (r, a, p) in CALLERS.items()}}
    for door in doors(site):
        if " /api/" not in door or door in OF_NOBODY:
            continue
        site.client._transport.app.state.refusals = RefusalLog()  # type: ignore[attr-defined] # as a minute later
        for who, head in heads.items():
            before = {kind: _rows(site, allowed=kind) for kind in (True, False)}
            status = await knock(site, door, head)
            kind = status < 400
            if status in {401, 403, 404} or kind:
                grown = _rows(site, allowed=kind) - before[kind]
                silent += [f"{door}: {who} got {status}"] if grown < 1 else []
    assert silent == []


async def test_what_is_named_as_showing_nobody_is_there_and_shows_nobody(site: Site) -> None:
    assert sorted(set(OF_NOBODY) - set(doors(site))) == []
    for door in OF_NOBODY:
        answer = await site.client.get(door.split()[1], headers=site.token(*_first("director")))
        assert _told_of(site, answer.text) == []


def _first(who: str) -> Any:
    role, agency, person = CALLERS[who]
    return role, agency or "metro-pd", person


def _told_of(site: Site, text: str, but: str = "") -> list[str]:
    """Names, numbers and words of people of the roster that a text shows, other than one's own."""
    found = []
    for key in ("R1", "R2", "R3", "P1", "P2", "S1", "C1", "D1", "K1"):
        person = site.person(key)
        marks = [person.name.split()[0], (person.phone or "")[-4:]]
        found += [key for mark in marks if mark and mark in text and key != but]
    return found + ([_WORDS] if _WORDS in text else [])


def _subjects(site: Site) -> Iterator[tuple[str, str, str]]:
    for row in site.rows(select(Assignment).where(Assignment.state == "accepted")):
        yield ("P1" if row.peer_id == site.id_of("P1") else "P2"), "assignment", row.id
    for key in ("C1", "D1", "K1"):
        for item in site.rows(select(QueueItem).where(QueueItem.inbound_sid.is_not(None))):
            yield key, "queue", item.id
        for call in site.rows(select(Escalation)):
            yield key, "escalation", call.id
    for key in ("C1", "D1", "K1", "P1", "P2", "S1", "R1"):
        yield key, "home", ""


async def test_each_page_that_shows_somebody_leaves_a_row_of_whoever_looked(site: Site) -> None:
    silent, shown = [], set()
    for key, purpose, subject in _subjects(site):
        path = site.link(key, purpose, subject or None)
        await open_link(site, path)
        before = len(_read_by(site, key))
        page = (await site.client.get(path)).text
        told = _told_of(site, page, but=key)
        if told and len(_read_by(site, key)) == before:
            silent.append(f"{purpose} of {key} shows {told}")
        shown |= {purpose} if told else set()
    assert silent == []
    assert {"assignment", "queue", "home"} <= shown  # it was not in vain


def _read_by(site: Site, key: str) -> list[Audit]:
    return site.rows(select(Audit).where(Audit.actor == site.id_of(key), Audit.allowed.is_(True)))


async def test_a_wrong_code_at_an_address_is_a_refusal_that_is_kept(site: Site) -> None:
    path = site.link("P1", "home", None)
    before = _rows(site, allowed=False)
    gate = await site.client.get(f"{path}?sent=1")
    answer = await site.client.post(f"{path}/open", data=fields(gate, "/open") | {"code": "000000"})
    assert answer.status_code == 403
    assert _rows(site, allowed=False) == before + 1


# Commands that neither read nor act for anybody, with the reason. All others go through `acting`, which
# writes the row in the transaction that reads, and of a refusal in one of its own.
PLAIN = {
    "up": "starts the parts",
    "web": "starts a part",
    "phones": "starts a part",
    "doctor": "counts and settings; names nobody",
    "rehearse": "invented people, in memory",
    "incidents replay": "invented people, in memory",
    "db upgrade": "the tables",
    "paper check": "a file that the reader opened already",
    "protocols check": "rules",
    "protocols list": "rules",
    "types list": "rules",
    "audit head": "the log's length and a MAC",
    "audit verify": "the log against itself; shows no row",
    "disclosure exceptions": "the law, as data",
    "keys make": "a new key; reads nothing",
    "backup restore": "files; the restore itself leaves a row",
    "backup keep": "files",
    "backup restored": "files; the restore itself leaves a row",
}


def _commands(group: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    for key in list(group.commands):
        command = group.commands[key]
        whole = f"{name} {key}".strip()
        if hasattr(command, "commands"):
            yield from _commands(command, whole)
        else:
            yield whole, command.callback


def _goes_through_acting(callback: Any) -> bool:
    """Whether the command, or a function of its module that it calls, opens its transaction by `acting`."""
    module = inspect.getmodule(callback)
    assert module is not None
    functions = {
        node.name: {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
        for node in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(node, ast.FunctionDef)
    }
    reached, left = set[str](), {inspect.unwrap(callback).__name__}
    while left:
        reached |= left
        left = {name for one in left for name in functions.get(one, ())} - reached
    return "acting" in reached


def test_each_command_goes_by_the_door_that_audits_or_is_named_with_the_reason() -> None:
    found = {name: _goes_through_acting(callback) for name, callback in _commands(get_command(app))}
    unnamed = sorted(name for name, audited in found.items() if not audited and not _is_plain(name))
    assert unnamed == []
    assert sorted(name for name in PLAIN if found.get(name, True)) == []


def _is_plain(name: str) -> bool:
    return name in PLAIN or name.split()[0] in {"clock", "languages"}  # no person is in either
