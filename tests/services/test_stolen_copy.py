"""A stolen copy of the database, read without any key: every value of every table, every tie to a person."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import text

from cism.domain.incident import Circle
from cism.services import claims, intake, links, roster
from cism.store import migrate as _migrate  # noqa: F401 - every table is known by then
from cism.store.tables import Base
from tests.services.world import World

_SAID: Final = "the brass band keeps marching through my kitchen"
_PRIVACY: Final = Path(__file__).parents[2] / "docs" / "privacy.md"
# An opaque id or hash, a number, a time, a reference, a question's code, a sealed value.
_SHAPE: Final = re.compile(
    r"[0-9a-f]{16,64}|[0-9]+([.][0-9]+)?|[A-Z]-[A-Z0-9]{4,8}|[A-Z][0-9][A-Z][0-9]|(v1|p1)[.][\w.=-]+"
    r"|\d{4}-\d\d-\d\d[ T0-9:.+Z]*|\d\d:\d\d[0-9:.]*"
)
_WORD: Final = re.compile(r"[A-Za-z0-9_.:+-]+")  # a code word, or several ids and code words
_CLEAR: Final = {
    "agency.display": "what an agency is called in texts",
    "agency.crisis_line": "a public number",
    "agency.retention": "how long it keeps what",
    "outbox.reason": "why a text did not leave, in the program's own few sentences",
    "incident.protocol_body": "the rules of its follow-up",
    "step.payload": "agency, severity, times and opaque ids",
    "step.outcome": "what a step came to, in a few code words",
}
"""What is written in clear and is more than one word, with the reason."""
_GUESSED: Final = ("id", "name", "phone", "email", "unit", "station", "rank", "timezone")
_WAYS: Final = (hashlib.sha256, hashlib.sha1, hashlib.md5)


@pytest.fixture
def stolen(sqlite_url: str) -> Iterator[tuple[World, sqlite3.Connection]]:
    """A department in which somebody asked for a call, somebody wrote, somebody was in danger."""
    world = World(sqlite_url)
    world.cast.rows["jordan"] |= {"rank": "FIRST-LIEUTENANT", "station": "STATION-HARBOUR"}
    world.cast.rows["jordan"] |= {"unit": "ENGINE-NINETY-FOUR", "timezone": "America/Boise"}
    world.act(roster.import_file, world.cast.text(), world.now())
    world.log("THREAT", "jordan:A", "sam:B", severity="S2", ended_at=world.now())
    world.advance(hours=30)
    for key, words in (("jordan", "3"), ("jordan", _SAID), ("sam", "I want to kill myself")):
        world.text(key, words)
    world.advance(hours=4)
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as copy:
        yield world, copy
    world.db.close()


def test_every_value_is_sealed_or_an_opaque_id_or_a_number_or_a_code(
    stolen: tuple[World, sqlite3.Connection],
) -> None:
    world, copy = stolen
    assert _told(copy, world) == []
    world.act(lambda session: session.execute(text("UPDATE person SET rank = 'Captain of the watch'")))
    assert {place for place, _ in _told(copy, world)} == {"person.rank"}, "what is in clear is found"


def test_whoever_asked_for_a_call_is_an_opaque_id_whatever_is_joined_to_it(
    stolen: tuple[World, sqlite3.Connection],
) -> None:
    """Out from each call that was asked for, over every foreign key, to the end."""
    world, copy = stolen
    asked = {row[0] for row in copy.execute("SELECT person_id FROM escalation")}
    assert {world.id_of("jordan"), world.id_of("sam")} <= asked
    reached = _reached(copy, asked)
    assert {"escalation", "inbound", "question", "affected", "incident", "person_role"} <= set(reached)
    known = _known(world)
    values = {value for rows in reached.values() for row in rows for value in row if isinstance(value, str)}
    assert [value for value in values if _says(value, known)] == []
    columns = [row[1] for row in copy.execute("PRAGMA table_info(person)")]
    sealed = {"roster_id", "name", "phone", "unit", "station", "rank", "zone", "sleep_start", "sleep_end"}
    for person in reached["person"]:
        row = dict(zip(columns, person, strict=True))
        assert all(row[name].startswith(("v1.", "p1.")) for name in sealed), sealed


def test_no_hash_can_be_tried_with_what_a_thief_can_guess(sqlite_url: str) -> None:
    """Names and templates are no secrets: a bare hash of a text to Jordan says which id is Jordan's."""
    world = World(sqlite_url)
    report = intake.IncidentInput(
        type="THREAT",
        agency=world.cast.agency,
        ended_at=world.now(),
        affected=(intake.AffectedInput(person_id="jordan", circle=Circle.A),),
    )
    world.act(intake.log_once, report, caller="token", key="roadside")
    world.rest()
    world.act(links.send_sign_in, world.cast.phone("jordan"), "an-address", world.now())
    guesses = [report.agency, intake.canonical(report), *_codes(world)]
    for hours in (0, 30):
        world.advance(hours=hours)
        guesses += [one.body for one in world.act(claims.claim, rate=None)]
    assert any("Jordan" in one and "all good" in one for one in guesses), "a check-in with the name left"
    for row in world.cast.rows.values():
        guesses += [value for name, value in row.items() if value and name in _GUESSED]
        guesses += [f"phone\0{row['phone']}", f"roster\0{world.cast.agency}\0{row['id']}"]
    made = {way(guess.encode()).hexdigest() for guess in guesses for way in _WAYS}
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as copy:
        assert {place for place, value in _values(copy) if value in made} == set()
    world.close()


def test_the_page_on_privacy_names_every_table_that_ties_something_to_a_person() -> None:
    page = _PRIVACY.read_text(encoding="utf-8")
    ties = {
        table.name
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if column.name in {"person_id", "actor", "actor_id"}
        or any(key.column.table.name == "person" for key in column.foreign_keys)
    }
    assert sorted(name for name in ties if f"`{name}`" not in page) == []


def _codes(world: World) -> list[str]:
    return [str(json.loads(row.payload)["secret"]) for row in world.sent("link_code")]


def _told(copy: sqlite3.Connection, world: World) -> list[tuple[str, str]]:
    """Values of no shape that tells nothing; and whatever a thief would know again, codes among them."""
    known, found = _known(world), []
    for place, value in _values(copy):
        if not isinstance(value, str) or not value or _SHAPE.fullmatch(value):
            continue
        is_code = _WORD.fullmatch(value) or place in _CLEAR
        if not is_code or _says(value, known):
            found.append((place, value))
    return found


def _says(value: str, known: list[str]) -> bool:
    return not _SHAPE.fullmatch(value) and any(word in value.lower() for word in known)


def _values(copy: sqlite3.Connection) -> Iterator[tuple[str, Any]]:
    for table in _tables(copy):
        rows = copy.execute(f"SELECT * FROM {table}")  # noqa: S608 - the names of our own tables
        for row in rows:
            yield from (
                (f"{table}.{column[0]}", value) for column, value in zip(rows.description, row, strict=True)
            )


def _reached(copy: sqlite3.Connection, ids: set[str]) -> dict[str, set[tuple[Any, ...]]]:
    """Every row that holds one of these ids, then every row that holds an id of those, and so on."""
    rows = {table: set(copy.execute(f"SELECT * FROM {table}")) for table in _tables(copy)}  # noqa: S608
    found: dict[str, set[tuple[Any, ...]]] = {}
    wanted, seen = set(ids), set[str]()
    while wanted:
        seen |= wanted
        hits = {(table, row) for table, them in rows.items() for row in them if wanted & set(row)}
        for table, row in hits:
            found.setdefault(table, set()).add(row)
        held = {value for _, row in hits for value in row if isinstance(value, str)}
        wanted = {value for value in held if re.fullmatch(r"[0-9a-f]{20}|SM\w+", value)} - seen
    return found


def _known(world: World) -> list[str]:
    """What a thief might know of somebody, in lower case."""
    fields = ("name", "phone", "email", "rank", "station", "unit", "timezone")
    told = {row[field] for row in world.cast.rows.values() for field in fields if len(row.get(field, "")) > 3}
    return sorted(word.lower() for word in told | set(_SAID.split()[1:4]))


def _tables(copy: sqlite3.Connection) -> list[str]:
    return [row[0] for row in copy.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
