"""F21: marked names, numbers, ids and words go through the whole product, and are looked for all around it.

Real processes: web, conductor, Prefect's server. Then every byte that they wrote down outside of the
database is searched: logs, Prefect's own database, `/metrics`, and what strangers and mistaken callers are
answered. A leak that is planted on purpose must be found, or the search has shown nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final

from cism.cli.up import free_port
from cism.clock import wait
from cism.services import clockwork, roster
from cism.store.db import Database
from cism.store.tables import Person
from demo.checking.words import Kind, code_of, kind_of
from tests.faults.campaign import Case, Outcome
from tests.faults.ground import Ground, WallSeen
from tests.flows.conftest import PrefectServer
from tests.stories.places import NOON
from tests.stories.roster import Cast

WORDS: Final = "zanzibarquagga tonight, nobody else writes this"
_SURNAME: Final = "Quillfeathermark"
_LOOKED_FOR_WITHIN: Final = 60.0


def marked(seed: int, ground: Ground) -> Outcome:
    """One response with a silent handset, a refused number, lost answers, and callers who are mistaken."""
    cast = _cast()
    url = ground.prepared("postgresql" if seed % 2 else "sqlite", lambda db: _settle(db, cast), "canaries")
    home = ground.home / "prefect-home"
    home.mkdir()
    server = PrefectServer(home)
    ground.at_end(server.kill)
    server.start()
    port = free_port()
    wall = ground.wall(inbound_url=f"http://127.0.0.1:{port}/twilio/sms")
    web, _ = ground.web(url, wall.url, port=port, CISM_LOG_LEVEL="DEBUG")
    auth = (home / "prefect" / "auth").read_text().strip()
    more = {"PREFECT_API_URL": server.url, "PREFECT_API_AUTH_STRING": auth}
    process = ground.start("conductor", "-m", "flows", **ground.env(url, wall, web, **more))
    ground.until(lambda: "prefect.ready" in ground.log("conductor"), 120, "the conductor", process)
    told = _happens(ground, wall, web, url, cast)
    wait(3.0)
    found = list(_hits(_everything(ground.home, told), cast))
    planted = ground.home / "planted.log"
    planted.write_text(f"sent to {cast.phone('QX7ROSTERa')}")
    seen = any(place == planted.name for place, _ in _hits(_everything(ground.home, {}), cast))
    return Outcome(
        injected=len(list(_canaries(cast))),
        sent=len(wall.texts()),
        note=f"{sum(1 for _ in _everything(ground.home, told))} places searched",
        broken=(
            *(f"{what} in {place}" for place, what in found[:5]),
            *(() if seen else ("a leak that was planted was not found",)),
        ),
    )


def _cast() -> Cast:
    cast = Cast()
    for key, roles in (("cora", "coordinator"), ("clint", "clinician"), ("dina", "clinical_director")):
        cast.add(f"QX7ROSTER{key}", roles=roles, name=f"{key.title()} {_SURNAME}")
    for number in range(3):
        cast.add(f"QX7ROSTERp{number}", roles="peer", name=f"Peer{number} {_SURNAME}")
    for key in ("a", "b"):
        cast.add(f"QX7ROSTER{key}", name=f"Zebrine{key} {_SURNAME}", email=f"zebrine{key}@example.org")
    return cast


def _settle(db: Database, cast: Cast) -> None:
    with db.transaction() as session:
        clockwork.set_instant(session, NOON)
        roster.import_file(session, cast.text(), NOON)
        for row in session.query(Person):
            row.phone_confirmed_at = row.first_text_at = NOON - timedelta(days=90)


def _happens(ground: Ground, wall: WallSeen, web: str, url: str, cast: Cast) -> dict[str, bytes]:
    """The response; returns what strangers and mistaken callers were answered, by place."""
    token = json.loads(
        ground.cli(url, "token", "create", "--role", "coordinator", "--agency", cast.agency, "--json").stdout
    )["token"]
    head = {"Authorization": f"Bearer {token}"}
    wall.handset(cast.phone("QX7ROSTERp2"), mode="unknown")
    wall.fault("lose_answer_after_accept", 1)
    body = {
        "type": "THREAT", "severity": "S3", "agency": cast.agency,
        "occurred_at": NOON.isoformat(), "ended_at": NOON.isoformat(),
        "affected": [{"person_id": "QX7ROSTERa", "circle": "A"}, {"person_id": "QX7ROSTERb", "circle": "B"}],
    }  # fmt: skip
    logged = ground.http.post(f"{web}/api/v1/incidents", json=body, headers=head)
    assert logged.status_code == 201, logged.text
    ground.until(lambda: _pages(wall), _LOOKED_FOR_WITHIN, "the pages")
    for text in _pages(wall):
        wall.say(str(text["to"]), f"1 {code_of(str(text['body']))}")
    wall.say(cast.phone("QX7ROSTERa"), WORDS)
    wall.say(cast.phone("QX7ROSTERb"), f"3 {WORDS}")
    return _answers(ground, web, head, cast)


def _pages(wall: WallSeen) -> list[dict[str, object]]:
    return [one for one in wall.texts() if kind_of(str(one["body"])) is Kind.PAGE]


def _answers(ground: Ground, web: str, head: dict[str, str], cast: Cast) -> dict[str, bytes]:
    name, phone = cast.rows["QX7ROSTERa"]["name"], cast.phone("QX7ROSTERa")
    asked = {
        "metrics": ground.http.get(f"{web}/metrics"),
        "readyz": ground.http.get(f"{web}/readyz"),
        "no token": ground.http.get(f"{web}/api/v1/escalations"),
        "unsigned webhook": ground.http.post(f"{web}/twilio/sms", data={"From": phone, "Body": WORDS}),
        "not JSON": ground.http.post(f"{web}/api/v1/incidents", content=name.encode(), headers=head),
        "wrong field": ground.http.post(f"{web}/api/v1/incidents", json={"name": name}, headers=head),
        "no such page": ground.http.get(f"{web}/nothing", params={"q": name}),
        "no such incident": ground.http.get(f"{web}/api/v1/incidents/C-NOTHING", headers=head),
    }
    return {place: answer.content for place, answer in asked.items()}


def _canaries(cast: Cast) -> Iterator[str]:
    yield from (WORDS, WORDS.split()[0], _SURNAME)
    for key, row in cast.rows.items():
        yield from (key, row["name"], row["phone"].removeprefix("+1"), row["name"].split()[0] + " Q")
        if row["email"]:
            yield row["email"]


def _everything(home: Path, told: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:
    yield from told.items()
    for path in sorted(home.rglob("*")):
        if path.is_file():
            yield path.name, path.read_bytes()


def _hits(places: Iterable[tuple[str, bytes]], cast: Cast) -> Iterator[tuple[str, str]]:
    marks = {mark.lower().encode() for mark in _canaries(cast)}
    for place, content in places:
        lower = content.lower()
        yield from ((place, mark.decode()) for mark in sorted(marks) if mark in lower)


CASES = (
    Case("F21", "marked names, numbers and words: none in logs, metrics, Prefect, errors", marked, seeds=2),
)
