"""A disk that takes no more: the command says what is wrong, what to do, and leaves nothing half-written."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from cism import settings
from cism.errors import ConfigurationError, StorageFull
from cism.settings import Settings
from cism.store import db as database
from cism.store import migrate
from cism.store.db import Database
from tests.cli.conftest import ROSTER


def cism(home: Path, *arguments: str, largest_file: int | None = None) -> subprocess.CompletedProcess[str]:
    """The command as a process; no file of its may grow beyond a size."""

    def limit() -> None:
        if largest_file is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))

    kept = {name: value for name, value in os.environ.items() if not name.startswith("CISM_")}
    return subprocess.run(
        [sys.executable, "-m", "cism.cli.main", *arguments],
        env=kept | {"CISM_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        preexec_fn=limit,
    )


def test_an_import_that_does_not_fit_leaves_nothing_and_says_what_to_do(tmp_path: Path) -> None:
    assert cism(tmp_path, "db", "upgrade").returncode == 0
    refused = cism(tmp_path, "roster", "import", str(ROSTER), largest_file=50_000)
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert refused.stderr.startswith("Not saved: the disk ")
    again = cism(tmp_path, "roster", "import", str(ROSTER))
    assert again.stdout.splitlines()[-1] == "60 added, 0 changed, 0 unchanged"


def test_a_disk_without_room_for_the_journal_is_called_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = Database.from_settings(Settings(home=tmp_path))
    migrate.upgrade(db)
    db.engine.dispose()
    for name in ("cism.db-wal", "cism.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
        (tmp_path / name).mkdir()  # what SQLite cannot open, as on a disk without room
    monkeypatch.setattr(database.shutil, "disk_usage", lambda _: _Usage())
    with pytest.raises(StorageFull, match="Not saved: the disk is full"), db.read():
        pass
    db.close()


class _Usage:
    free = 0


def test_a_key_that_could_not_be_written_leaves_no_empty_file(tmp_path: Path) -> None:
    refused = cism(tmp_path, "db", "upgrade", largest_file=0)
    assert refused.returncode == 1
    assert not (tmp_path / "vault.keys").exists()
    assert cism(tmp_path, "db", "upgrade").stdout == f"the database is at version {migrate.head()}\n"


def test_a_home_that_is_no_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    with pytest.raises(ConfigurationError, match=r"CISM_HOME: .*home cannot be used \(File exists\)"):
        settings.Settings(home=tmp_path / "home").keys()
