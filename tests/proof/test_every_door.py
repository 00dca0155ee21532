"""Every route of the application, by every kind of caller: what each is answered stands in one map.

A route that is not in the map fails the test, and so does an entry without its route. Nothing that a call
does is kept, so that no entry leans on another.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.domain.people import Role
from cism.store.tables import Escalation
from tests.conftest import START, FakeClock
from tests.proof import ground
from tests.web.conftest import OTHER, Site

T = TypeVar("T")
METHODS = ("GET", "POST", "PATCH", "DELETE")
CALLERS: dict[str, tuple[Role, str | None, str | None]] = {
    "responder": (Role.RESPONDER, None, "R3"),
    "affected": (Role.RESPONDER, None, "R1"),
    "logged it": (Role.SUPERVISOR, None, "S1"),
    "command": (Role.SUPERVISOR, None, None),
    "its peer": (Role.PEER, None, "P1"),
    "a peer": (Role.PEER, None, "P3"),
    "clinician": (Role.CLINICIAN, None, "K1"),
    "coordinator": (Role.COORDINATOR, None, "C1"),
    "director": (Role.CLINICAL_DIRECTOR, None, "D1"),
    "chaplain": (Role.CHAPLAIN, None, None),
    "admin": (Role.ADMIN, None, None),
    "elsewhere": (Role.COORDINATOR, OTHER, "F1"),
}
BODIES: dict[str, Any] = {
    "PATCH /api/v1/incidents/{ref}": {"statements_complete": True},
    "POST /api/v1/incidents/{ref}/affected": {"affected": [{"person_id": "R3", "circle": "B"}]},
    "POST /api/v1/incidents/{ref}/dates": {"day": "2026-05-01", "kind": "birthday"},
    "POST /api/v1/escalations/{escalation_id}/close": {"outcome": "reached"},
    "POST /api/v1/break-glass": {"incident": "{ref}", "reason": "danger"},
    "POST /api/v1/disclosures": {"person_id": "R2", "exception": "hi_statute", "recipient": "court"},
}
EXPECTED = (Path(__file__).parent / "doors.txt").read_text()


def doors(site: Site) -> list[str]:
    """Every method and path that the application serves, in a stable order."""
    return sorted(set(_walk(site.client._transport.app.routes)))  # type: ignore[attr-defined]


def _walk(routes: Any) -> Iterator[str]:
    for route in routes:
        if hasattr(route, "original_router"):
            yield from _walk(route.original_router.routes)
        for method in getattr(route, "methods", None) or ():
            if method in METHODS:
                yield f"{method} {route.path}"


@pytest.fixture
async def site(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Site]:
    """One incident with its team; whatever a call writes is thrown away."""
    file = tmp_path / "cism.db"
    shutil.copyfile(sqlite_template, file)
    async with ground.opened(f"sqlite:///{file}", FakeClock(), tmp_path / "home") as site:
        ground.settle(site.db)
        ref = (await site.log())["ref"]
        ground.go_to(site, START + timedelta(minutes=1))
        await ground.answer(site, "P1", "page", "1")
        await site.text("R1", "3")
        ground.rest(site)
        site.tokens["ref"] = ref
        for role, agency, person in CALLERS.values():
            site.token(role, agency or "metro-pd", person)
        yield site


def _thrown_away(site: Site) -> Callable[..., Any]:
    async def act(work: Callable[[Session], T]) -> T:
        with site.db.thrown_away() as session:
            return work(session)

    return act


async def knock(site: Site, door: str, headers: dict[str, str]) -> int:
    method, path = door.split()
    with site.db.read() as session:
        escalation = session.scalar(select(Escalation.id))
    given = {
        "{ref}": site.tokens["ref"],
        "{escalation_id}": escalation,
        "{disclosure_id}": "0" * 20,
        "{glass_id}": "0" * 20,
        "{person_id}": "R2",
        "{day}": "2026-05-01",
    }
    for name, value in given.items():
        path = path.replace(name, str(value))
    path = path.replace("{secret}", "x" * 12).replace("{_act}", "answer")
    body = BODIES.get(door, site.incident() if door == "POST /api/v1/incidents" else {})
    body = {name: given.get(str(value), value) for name, value in body.items()}
    more = {"json": body} if path.startswith("/api/") and method != "GET" else {}
    return (await site.client.request(method, path, headers=headers, **more)).status_code


async def _answers(site: Site, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[int]]:
    monkeypatch.setattr(site.backend, "act", _thrown_away(site))
    heads = [{}, *(site.token(role, agency or "metro-pd", who) for role, agency, who in CALLERS.values())]
    return {door: [await knock(site, door, head) for head in heads] for door in doors(site)}


async def test_each_door_answers_each_caller_as_the_map_says(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = ["nobody", *CALLERS]
    expected = {}
    for line in EXPECTED.splitlines():
        if line and not line.startswith("#"):
            method, path, *codes = line.split()
            expected[f"{method} {path}"] = [int(code) for code in codes]
    found = await _answers(site, monkeypatch)
    assert sorted(set(found) - set(expected)) == [], "declare in doors.txt who may knock there"
    assert sorted(set(expected) - set(found)) == [], "these doors are gone: take them out of doors.txt"
    wrong = [
        f"{door}: {who} got {got}, not {wanted}"
        for door in found
        for who, got, wanted in itertools.zip_longest(columns, found[door], expected[door])
        if got != wanted
    ]
    assert wrong == []
    assert not any(code >= 500 and "readyz" not in door for door, codes in found.items() for code in codes)


async def test_the_openapi_document_names_doors_of_the_map_alone(site: Site) -> None:
    document = (await site.client.get("/api/v1/openapi.json")).json()
    named = {f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item}
    assert named <= set(doors(site))
    assert {door for door in doors(site) if " /api/v1/" in door} - named == {"GET /api/v1/openapi.json"}
