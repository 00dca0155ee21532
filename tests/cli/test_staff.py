"""Rosters and tokens at a terminal."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cism.domain.people import Role
from cism.services import engine, people, roster_write, tokens
from cism.store.tables import Agency, Audit, Person, Step
from tests.cli.conftest import ROSTER, Cli


def persons(cli: Cli) -> int:
    """How many people there are."""
    with cli.database() as session:
        return session.scalar(select(func.count()).select_from(Person)) or 0


def test_a_roster_is_reported_line_by_line(cli: Cli) -> None:
    lines = cli.ok("roster", "import", str(ROSTER)).splitlines()
    assert lines[0] == "line 2: metro-pd:P100 added"
    assert "agency made: harbor-fd" in lines
    assert lines[-1] == "60 added, 0 changed, 0 unchanged"
    again = cli.ok("roster", "import", str(ROSTER)).splitlines()
    assert again[-1] == "0 added, 0 changed, 60 unchanged"


def test_a_dry_run_says_what_would_be_done_and_saves_nothing(cli: Cli) -> None:
    lines = cli.ok("roster", "import", str(ROSTER), "--dry-run").splitlines()
    assert lines[-1] == "60 added, 0 changed, 0 unchanged; dry run: nothing was saved"
    assert persons(cli) == 0


def test_a_dry_run_holds_while_the_conductor_writes(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded, writers = roster_write.load, []

    def beat() -> None:
        with cli.database() as session:
            engine.beat(session, "conductor")

    def load_while_another_writes(session: Session) -> dict[str, roster_write.Known]:
        found = loaded(session)
        writers.append(threading.Thread(target=beat))
        writers[0].start()
        writers[0].join(0.5)  # it is done by then, or waits for us
        return found

    monkeypatch.setattr(roster_write, "load", load_while_another_writes)
    cli.ok("roster", "import", str(ROSTER), "--dry-run")
    writers[0].join()
    assert persons(cli) == 0


def test_a_dry_run_is_audited_like_a_page_view(cli: Cli) -> None:
    cli.ok("roster", "import", str(ROSTER), "--dry-run")
    with cli.database() as session:
        assert session.scalars(select(Audit.act)).all() == ["cli roster import --dry-run"]


def test_the_report_as_json_lists_who_is_missing_from_the_file(cli: Cli, tmp_path: Path) -> None:
    cli.roster()
    rows = ROSTER.read_text().splitlines(keepends=True)
    without_last = tmp_path / "shorter.csv"
    without_last.write_text("".join(rows[:-1]))
    found = cli.json("roster", "import", str(without_last))
    assert found["missing"] == ["metro-dispatch:D410"]
    assert (found["added"], found["unchanged"]) == (0, 59)
    assert persons(cli) == 60


def test_a_broken_roster_is_refused_in_one_line_with_every_error_by_line(cli: Cli, tmp_path: Path) -> None:
    broken = tmp_path / "broken.csv"
    broken.write_text(ROSTER.read_text().replace("+14235550102", "123").replace("clinician;", "doctor;", 1))
    result = cli.run("roster", "import", str(broken))
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("The roster has ")
    assert "nothing was saved. First: line 3: " in result.stderr
    assert result.stdout.splitlines()[0].startswith("line 3: ")
    assert persons(cli) == 0
    with cli.database() as session:
        assert session.scalars(select(Agency)).all() == []


def test_a_roster_in_another_character_set_is_refused_by_line(cli: Cli, tmp_path: Path) -> None:
    latin = tmp_path / "latin.csv"
    latin.write_bytes(ROSTER.read_bytes().replace(b"Adele", b"Ad\xe8le"))
    said = cli.refused("roster", "import", str(latin))
    assert said == "Line 2 is not UTF-8: save the file as CSV in UTF-8 and import it again."


def test_an_unknown_country_is_wrong_usage(cli: Cli) -> None:
    said = cli.refused("roster", "import", str(ROSTER), "--region", "USA", status=2)
    assert "'USA' is not a country; write two letters, like US" in said


def test_confirming_is_planned_once_for_those_who_agreed(cli: Cli) -> None:
    cli.roster()
    found = cli.json("roster", "confirm", "--agency", "metro-pd")
    assert found["planned"] > 10
    assert cli.json("roster", "confirm", "--agency", "metro-pd") == {"planned": 0}
    with cli.database() as session:
        assert session.scalar(select(func.count()).select_from(Step)) == found["planned"]
    assert cli.refused("roster", "confirm", "--agency", "nobody").startswith("there is no agency 'nobody'")


def test_a_token_is_shown_once_and_works(cli: Cli) -> None:
    cli.roster()
    found = cli.json("token", "create", "--role", "supervisor", "--agency", "metro-pd", "--person", "P103")
    assert set(found) == {"token", "role", "agency"}
    with cli.database() as session:
        caller = tokens.caller(session, found["token"])
        assert (caller.role, caller.agency) == (Role.SUPERVISOR, "metro-pd")
        row = people.by_roster_id(session, "metro-pd", "P103")
        assert row is not None
        assert caller.person_id == row.id
    plain = cli.ok("token", "create", "--role", "coordinator", "--agency", "metro-pd").strip()
    assert plain.startswith("cism_")


def test_a_token_for_nobody_is_refused(cli: Cli) -> None:
    cli.roster()
    usual = ("token", "create", "--role", "supervisor")
    assert cli.refused(*usual, "--agency", "metro").startswith("there is no agency 'metro'; known: ")
    said = cli.refused(*usual, "--agency", "metro-pd", "--person", "X1")
    assert said == "nobody with that id is on the roster of 'metro-pd'"
    assert "'chief' is not one of" in cli.refused(
        "token", "create", "--role", "chief", "--agency", "metro-pd", status=2
    )


def test_tokens_are_listed_scoped_and_revoked(cli: Cli) -> None:
    cli.roster()
    made = ("token", "create", "--role", "coordinator", "--agency", "metro-pd", "--days", "7")
    secret = cli.json(*made, "--scope", "incidents:read")["token"]
    (row,) = cli.json("token", "list")
    assert (row["scopes"], row["state"], row["person"]) == (["incidents:read"], "in use", None)
    assert secret not in cli.ok("token", "list")
    cli.ok("token", "revoke", row["id"])
    assert cli.json("token", "list")[0]["state"] == "revoked"
    assert cli.refused("token", "revoke", row["id"]) == "this token was revoked already"
    assert cli.refused(*made, "--scope", "receipt:read").startswith("a coordinator cannot have receipt:read")
