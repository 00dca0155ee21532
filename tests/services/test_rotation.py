"""A new key of the installation while everything runs, and when an old one may be taken away."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from cism.errors import ConfigurationError, NotAllowed
from cism.key_file import KeyFile, fresh
from cism.services import audit, copies, rotation
from cism.store import seal
from cism.store.apart import Apart
from cism.store.db import Database
from cism.store.tables import Agency, Person, VaultKey
from tests.conftest import VAULT_KEY
from tests.services.test_person_keys import OWNERS
from tests.services.world import World


@pytest.fixture
def file(tmp_path: Path) -> KeyFile:
    path = tmp_path / "keys" / "vault.keys"
    path.parent.mkdir()
    made = KeyFile(path)
    made.write([VAULT_KEY])
    seal.use(seal.Keyring([VAULT_KEY], made))
    return made


@pytest.fixture
def world(any_world: World, file: KeyFile, tmp_path: Path) -> World:
    any_world.db.apart = Apart(tmp_path, tmp_path / "stop.list")
    any_world.text("jordan", "STOP")
    any_world.log("THREAT", "sam:A", severity="S2", ended_at=any_world.now())
    any_world.act(lambda session: audit.write(session, "system", "before"))
    return any_world


def _under(db: Database) -> dict[str, int]:
    with db.read() as session:
        return {one.key: one.values + one.lines for one in rotation.standing(session)}


def test_everything_is_sealed_anew_and_can_be_read_and_the_old_key_is_needed_no_more(
    world: World, file: KeyFile
) -> None:
    before, old = _names(world), seal.current().newest
    assert rotation.begin(world.db, file)
    new = seal.current().newest
    assert new != old
    assert _under(world.db)[old] > 10
    with world.db.transaction() as session:
        audit.write(session, "system", "keys.rotate")
    assert sum(rotation.seal_anew(world.db)) > 10
    assert _under(world.db)[old] == 0
    listed = file.keys()
    seal.use(seal.Keyring([key for key in listed if seal.key_id(key) == new]))
    world.db.keys.forget()
    assert _names(world) == before
    assert world.db.apart is not None
    read = world.db.apart.read()
    assert read.lines
    assert not read.broken
    assert world.see(audit.verify)[1] is None, "also rows whose MAC the old key made"


def _names(world: World) -> list[str]:
    return sorted(f"{row.name} {row.phone} {row.zone}" for row in world.rows(Person))


def test_a_rotation_that_was_cut_short_goes_on_with_the_same_key(
    world: World, file: KeyFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotation, "AT_ONCE", 3)
    old = seal.current().newest
    rotation.begin(world.db, file)
    new, some = seal.current().newest, rotation.seal_anew(world.db)
    done = [next(some) for _ in range(4)]
    some.close()  # type: ignore[attr-defined]  # as if the machine had died
    left = _under(world.db)
    assert left[old]
    assert left[new] >= sum(done)
    assert max(done) <= 3
    assert not rotation.begin(world.db, file), "no second new key"
    assert seal.current().newest == new
    assert sum(rotation.seal_anew(world.db)) in range(left[old] - 30, left[old]), "and the stop list"
    assert _under(world.db)[old] == 0


def test_a_value_that_changes_while_it_is_sealed_anew_keeps_the_newer_words(
    world: World, file: KeyFile
) -> None:
    rotation.begin(world.db, file)
    place = next(one for one in rotation.places() if one.table.name == "agency")
    row = {"key": world.cast.agency, "duty_phone": seal.current().seal("+12025550111")}
    with world.db.transaction() as session:
        assert rotation._anew(place, row)["old"] == row["duty_phone"]
        rotation._write(session, place, [row])
    assert "+12025550111" not in {one.duty_phone for one in world.rows(Agency)}


def test_every_place_that_the_installations_keys_seal_is_looked_through() -> None:
    found = {f"{place.table.name}.{place.column}" for place in rotation.places()}
    assert found == {*OWNERS, "person_key.wrapped"}


def test_an_old_key_stays_while_something_needs_it(world: World, file: KeyFile, tmp_path: Path) -> None:
    old = seal.current().newest
    assert _refusal(world, file) == "no key can be taken away: there is one key alone"
    rotation.begin(world.db, file)
    assert "values are sealed with it" in _refusal(world, file)
    with world.db.transaction() as session:
        audit.write(session, "system", "keys.rotate")
        copies.made(session, tmp_path / "copy")
    list(rotation.seal_anew(world.db))
    assert "wait ten minutes" in _refusal(world, file)
    world.db.clock.pass_real(minutes=11)  # type: ignore[attr-defined]
    assert "1 backups need it" in _refusal(world, file)
    with world.db.transaction() as session:
        copies.gone(session, str(tmp_path / "copy"))
    assert rotation.retire(world.db, file) == [old]
    assert seal.current().names == [seal.current().newest] != [old]
    assert _names(world)
    assert world.rows(VaultKey, VaultKey.id == old)[0].retired_real is not None


def _refusal(world: World, file: KeyFile) -> str:
    with pytest.raises(NotAllowed) as refused:
        rotation.retire(world.db, file)
    return str(refused.value)


def test_the_file_of_keys_is_private_and_a_spoilt_or_missing_one_changes_nothing(file: KeyFile) -> None:
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    sealed, ring = seal.current().seal("words"), seal.current()
    file.path.write_text("no keys")
    ring.refresh()
    assert ring.open(sealed) == "words"
    file.path.unlink()
    ring.refresh()
    assert ring.open(sealed) == "words"
    with pytest.raises(ConfigurationError, match="lacks the key"):
        ring.open(seal.Keyring([fresh()]).seal("others"))


def test_a_process_that_meets_a_newer_key_reads_the_file_again(file: KeyFile) -> None:
    mine = seal.current()
    newer = fresh()
    file.write([newer, VAULT_KEY])
    assert mine.open(seal.Keyring([newer]).seal("by another process")) == "by another process"
    assert mine.newest == seal.key_id(newer)


_WRITER = """
import itertools, pathlib, sys
from sqlalchemy import select
from cism.settings import load
from cism.store import seal
from cism.store.db import Database
from cism.store.tables import Agency, Person
db, stop, mine = Database.from_settings(load()), pathlib.Path(sys.argv[1]), int(sys.argv[2])
for number in itertools.count(1):
    last = stop.exists()  # the keys were changed before this transaction begins: it meets the new one
    with db.transaction() as session:  # a row of its own, one that both write, and everybody's read
        people = session.scalars(select(Person).order_by(Person.id)).all()
        assert all(one.name and one.phone and one.zone for one in people)
        people[mine].rank = f"rank {number}"
        if number % 5 == 0:
            session.scalars(select(Agency)).one().duty_phone = f"+1202555{number:04}"
    if number == 1:
        print("writing", flush=True)
    if last:
        break
print(seal.current().newest, number)
"""


def test_keys_rotate_by_command_while_two_other_processes_write(
    database_url: str, file: KeyFile, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Nothing is lost: each finds the last that it wrote. Nothing is unreadable, with the new key alone."""
    world = World(database_url)
    request.addfinalizer(world.db.close)
    stop, old = tmp_path / "stop", seal.current().newest
    env = {name: value for name, value in os.environ.items() if not name.startswith("CISM_")}
    env |= {"CISM_HOME": str(tmp_path), "CISM_DATABASE_URL": database_url}
    env |= {"CISM_VAULT_KEY_FILE": str(file.path), "CISM_CLOCK": "movable"}
    names = _names(world)
    with ExitStack() as stack:
        writers = [stack.enter_context(_writer(stop, number, env)) for number in range(2)]
        stack.callback(stop.touch)  # also where something fails: they must end
        assert [writer.stdout.readline() for writer in writers if writer.stdout] == ["writing\n"] * 2
        command = [sys.executable, "-m", "cism.cli.main", "keys", "rotate"]
        told = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        stop.touch()
        said = [writer.communicate()[0].split() for writer in writers]
    assert told.returncode == 0, told.stderr
    assert [writer.returncode for writer in writers] == [0, 0]
    seal.refresh()
    new = seal.current().newest
    assert [name for name, _ in said] == [new, new] != [old, old], "they met the new key by themselves"
    list(rotation.seal_anew(world.db))  # what a transaction that had begun before sealed with the old one
    assert _under(world.db)[old] == 0
    listed = file.keys()
    seal.use(seal.Keyring([key for key in listed if seal.key_id(key) == new]))
    world.db.keys.forget()
    ranks = [row.rank for row in sorted(world.rows(Person), key=lambda row: row.id)]
    assert ranks[:2] == [f"rank {number}" for _, number in said]
    assert _names(world) == names
    assert next(row.duty_phone for row in world.rows(Agency))


def _writer(stop: Path, number: int, env: dict[str, str]) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", _WRITER, str(stop), str(number)]
    return subprocess.Popen(words, env=env, stdout=subprocess.PIPE, text=True)
