"""Who may not be texted any more is written apart from the database, and before the database itself."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from cism.domain.people import PersonStatus
from cism.services import lives, people, roster_moves, stop_list
from cism.store import restraints
from cism.store.apart import Apart, Mark
from cism.store.db import STOP_LIST_OWES
from cism.store.tables import Mark as Remembered
from cism.store.tables import Person
from tests.conftest import START
from tests.services.world import World


class PowerCutError(Exception):
    """The machine dies."""


@pytest.fixture
def kept(any_world: World, tmp_path: Path) -> World:
    any_world.db.apart = Apart(tmp_path, tmp_path / "disk" / "stop.list")
    (tmp_path / "disk").mkdir()
    return any_world


def entries(world: World, *, done: bool = False) -> list[dict[str, Any]]:
    assert world.db.apart is not None
    return [
        dict(one)
        for line in world.db.apart.read().lines
        if line.done is done
        for one in (line.entries or [{"tx": line.tx}])
    ]


def of(world: World, key: str) -> dict[str, Any]:
    return [one for one in entries(world) if one["id"] == world.id_of(key)][-1]


def test_a_stop_stands_on_the_list(kept: World) -> None:
    kept.text("jordan", "STOP")
    assert of(kept, "jordan")["stopped"] is not None


def test_a_start_takes_it_back(kept: World) -> None:
    kept.text("jordan", "STOP")
    kept.text("jordan", "START")
    assert of(kept, "jordan")["stopped"] is None


def test_a_death_a_doubted_number_an_opt_out_and_a_removal_stand_on_it(kept: World) -> None:
    kept.act(_status, kept.id_of("jordan"), PersonStatus.DECEASED)
    kept.text("sam", "who is this")
    kept.text("peer-1", "please leave me alone, no more texts")
    kept.act(_remove, kept.id_of("peer-2"))
    assert of(kept, "jordan")["status"] == "deceased"
    assert of(kept, "sam")["frozen"]
    assert (of(kept, "peer-1")["stopped"] is not None, of(kept, "peer-1")["no_care"]) == (True, True)
    assert of(kept, "peer-2")["gone"] is True


def test_the_end_of_one_incidents_contacts_stands_on_it(kept: World) -> None:
    kept.log("THREAT", "jordan:A", severity="S2", ended_at=kept.now())
    kept.advance(days=1, hours=12)
    kept.text("jordan", "0")
    ended = [one for one in entries(kept) if one["what"] == "contacts" and one["ended"]]
    assert [(one["person"], one["reason"]) for one in ended] == [(kept.id_of("jordan"), "declined")]


def test_what_changes_nothing_about_who_may_be_texted_is_not_on_it(kept: World) -> None:
    before = len(entries(kept))
    kept.text("jordan", "hello there")
    assert len(entries(kept)) == before


def test_it_is_written_before_the_commit_and_a_stop_that_was_never_committed_is_marked_so(
    kept: World,
) -> None:
    def dies(_session: Session) -> None:
        raise PowerCutError

    def stops(session: Session, jordan: str) -> None:
        event.listen(session, "before_commit", dies)
        people.get(session, jordan).opted_out_at = START

    jordan = kept.id_of("jordan")
    with pytest.raises(PowerCutError):
        kept.act(stops, jordan)
    assert of(kept, "jordan")["stopped"] is not None
    assert entries(kept, done=True) == []  # nobody said that it was committed
    assert kept.see(lambda session: people.get(session, kept.id_of("jordan")).opted_out_at) is None


def test_a_stop_that_cannot_be_written_down_still_counts_and_is_owed(kept: World) -> None:
    assert kept.db.apart is not None
    kept.db.apart.stop_list.parent.rmdir()
    kept.text("jordan", "STOP")
    assert kept.see(lambda session: people.get(session, kept.id_of("jordan")).opted_out_at) is not None
    assert kept.see(lambda session: session.get(Remembered, STOP_LIST_OWES)) is not None
    kept.db.apart.stop_list.parent.mkdir()
    kept.act(stop_list.catch_up)
    assert of(kept, "jordan")["stopped"] is not None
    assert kept.see(lambda session: session.get(Remembered, STOP_LIST_OWES)) is None


def test_a_list_that_is_new_begins_with_everybody_whom_something_restrains(kept: World) -> None:
    kept.text("jordan", "STOP")
    assert kept.db.apart is not None
    kept.db.apart.stop_list.unlink()
    kept.act(stop_list.begin)
    assert of(kept, "jordan")["stopped"] is not None
    assert entries(kept, done=True) == []  # it can only forbid


def test_no_name_and_no_number_can_be_read_in_it(kept: World) -> None:
    kept.text("jordan", "STOP")
    assert kept.db.apart is not None
    said = kept.db.apart.stop_list.read_text()
    assert kept.cast.phone("jordan") not in said
    assert kept.id_of("jordan") not in said
    assert kept.cast.phone("jordan") not in str(entries(kept))
    assert oct(kept.db.apart.stop_list.stat().st_mode)[-3:] == "600"


@pytest.mark.parametrize("harm", ["altered", "removed", "moved"])
def test_a_line_that_was_altered_removed_or_moved_is_seen(kept: World, harm: str) -> None:
    kept.text("jordan", "STOP")
    kept.text("sam", "STOP")
    assert kept.db.apart is not None
    path = kept.db.apart.stop_list
    assert kept.db.apart.read().broken == []
    lines = path.read_text().splitlines()
    if harm == "altered":
        lines[0] = lines[0].replace('"n": 1', '"n": 01'.replace("01", "9"))
    elif harm == "removed":
        del lines[1]
    else:
        lines[0], lines[2] = lines[2], lines[0]
    path.write_text("\n".join(lines) + "\n")
    assert kept.db.apart.read().broken != []


def test_the_torn_end_of_a_process_that_died_disturbs_nothing(kept: World) -> None:
    kept.text("jordan", "STOP")
    assert kept.db.apart is not None
    with kept.db.apart.stop_list.open("a") as file:
        file.write('{"n": 3, "sea')
    kept.text("sam", "STOP")
    assert kept.db.apart.read().broken == []
    assert of(kept, "sam")["stopped"] is not None


def test_a_mark_never_goes_back_and_is_that_of_one_database(tmp_path: Path) -> None:
    apart = Apart(tmp_path, tmp_path / "stop.list")
    assert apart.marks() == []
    assert apart.remember(Mark("one", 7))
    assert apart.remember(Mark("one", 5))
    assert {mark.ticks for mark in apart.marks()} == {7}
    assert apart.remember(Mark("two", 1))
    assert {(mark.identity, mark.ticks) for mark in apart.marks()} == {("two", 1)}


def test_nobody_changes_people_behind_the_lists_back() -> None:
    """An UPDATE in bulk is seen by no row: what restrains somebody is changed row by row alone."""
    root = Path(__file__).parents[2] / "cism"
    lines = [line for path in sorted(root.rglob("*.py")) for line in path.read_text().splitlines()]
    bulk = [line for line in lines if re.search(r"update\((tables\.)?(Person|AffectedPerson)\)", line)]
    assert [line for line in bulk if any(name in line for name in restraints.WATCHED)] == []


def _status(session: Session, person_id: str, status: PersonStatus) -> None:
    person = session.scalars(select(Person).where(Person.id == person_id)).one()
    lives.set_status(session, person, status, by=None, now=person.phone_confirmed_at)  # type: ignore[arg-type]


def _remove(session: Session, person_id: str) -> None:
    person = people.get(session, person_id)
    roster_moves.remove(session, person, by=None, now=person.phone_confirmed_at)  # type: ignore[arg-type]
