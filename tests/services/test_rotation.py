"""A new key of the installation while everything runs, and when an old one may be taken away."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
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
db, stop = Database.from_settings(load()), pathlib.Path(sys.argv[1])
for number in itertools.count():
    with db.transaction() as session:
        agency, person = session.scalars(select(Agency)).one(), session.scalars(select(Person)).first()
        agency.duty_phone, person.rank = f"+1202555{number:04}", f"rank {number}"
    if number == 0:
        print("writing", flush=True)
    if stop.exists():
        break
print(seal.current().newest, agency.duty_phone, person.rank)
"""


def test_keys_rotate_while_another_process_writes(sqlite_url: str, file: KeyFile, tmp_path: Path) -> None:
    world = World(sqlite_url)
    stop = tmp_path / "stop"
    env = {**os.environ, "CISM_HOME": str(tmp_path), "CISM_DATABASE_URL": sqlite_url}
    env |= {"CISM_VAULT_KEY_FILE": str(file.path)}
    words = [sys.executable, "-c", _WRITER, str(stop)]
    with subprocess.Popen(words, env=env, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "writing\n"
        old = seal.current().newest
        assert rotation.begin(world.db, file)
        rounds = sum(1 for _ in rotation.seal_anew(world.db))
        stop.touch()
        said = writer.stdout.read().split(maxsplit=2)
    assert writer.returncode == 0
    assert rounds
    list(rotation.seal_anew(world.db))
    assert said[0] == seal.current().newest != old, "it has met the new key by itself"
    assert _under(world.db)[old] == 0
    assert [row.duty_phone for row in world.rows(Agency)] == [said[1]]
    assert said[2].strip() in {row.rank for row in world.rows(Person)}
