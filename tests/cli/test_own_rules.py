"""An installation's own types and protocols: files in CISM_HOME, proved before anything starts with them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cism.domain.protocol import from_json
from cism.services.own_rules import use_installed
from cism.store.tables import Agency, Incident
from tests.cli.conftest import Cli

OWN = """\
base: sfa-follow-up
base_version: 1
key: metro-follow-up
version: 3
activation: {team: {S1: 2}}
contacts:
  - {id: f3, remove: true}
  - {id: f14, after: 14d, kind: date, window: [13d, 16d], by: peer}
"""


@pytest.fixture(autouse=True)
def only_the_shipped_ones_afterwards(tmp_path: Path) -> Iterator[None]:
    yield
    use_installed(tmp_path / "nowhere")


def write(cli: Cli, name: str, text: str) -> Path:
    path = cli.home / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_an_agency_logs_a_type_of_its_own_that_no_code_knows(cli: Cli) -> None:
    cli.roster()
    cli.conductor()
    assert "AVALANCHE" in cli.refused(
        "log", "--type", "AVALANCHE", "--agency", "harbor-fd", "--affected", "F204:A"
    )
    write(
        cli,
        "types.yaml",
        "AVALANCHE: {label: Avalanche, severity: S3, disciplines: [fire], interventions: [DEF]}",
    )
    logged = cli.json("log", "--type", "AVALANCHE", "--agency", "harbor-fd", "--affected", "F204:A")
    assert cli.json("incident", logged["ref"])["type"] == "AVALANCHE"
    listed = {row["type"]: row for row in cli.json("types", "list", "--discipline", "fire")}
    assert listed["AVALANCHE"]["basis"] == "design"
    assert "OIS_SHOOTER" not in listed


def test_a_broken_file_of_types_is_told_by_line_and_nothing_starts(cli: Cli) -> None:
    path = write(cli, "types.yaml", "AVALANCHE:\n  label: Avalanche\n  severity: S5\n")
    told = cli.refused("incidents")
    assert told.startswith(f"{path}:3: AVALANCHE.severity: 'S5' is not known here.")
    assert told.endswith("nothing starts before it is mended")


def test_every_type_says_what_stands_behind_it(cli: Cli) -> None:
    listed = {row["type"]: row for row in cli.json("types", "list")}
    assert (listed["LODD"]["basis"], listed["OIS_SHOOTER"]["basis"]) == ("source", "unverified")
    assert listed["RIOT"]["basis"] == "design"
    assert "no authority publishes a scale" in cli.ok("types", "list")


def test_a_protocol_by_difference_is_chosen_by_its_key_and_pinned_to_the_incident(cli: Cli) -> None:
    cli.roster()
    cli.conductor()
    path = write(cli, "protocols/ours.yaml", OWN)
    logged = cli.incident("--protocol", "metro-follow-up")
    path.write_text(OWN.replace("version: 3", "version: 4").replace("14d", "15d"), encoding="utf-8")
    again = cli.incident("--protocol", "metro-follow-up")
    with cli.database() as session:
        kept = {row.ref: from_json(row.protocol_body) for row in session.query(Incident)}
    assert [rule.id for rule in kept[logged].contacts] == [
        "f0",
        "f1",
        "f7",
        "f14",
        "f30",
        "f90",
        "f180",
        "fA",
    ]
    assert [kept[ref].version for ref in (logged, again)] == [3, 4]


def test_it_is_listed_with_its_evidence_rehearsed_and_the_default_of_an_agency(cli: Cli) -> None:
    cli.roster()
    write(cli, "protocols/ours.yaml", OWN)
    listed = {row["key"]: row for row in cli.json("protocols", "list")}
    assert len(listed) == 9
    assert listed["metro-follow-up"]["origin"] == "own"
    assert listed["metro-follow-up"]["title"] == "Stress First Aid and follow-up, as changed here"
    assert "does not claim to prevent PTSD" in listed["metro-follow-up"]["evidence_note"]

    assert (
        cli.json("agency", "set", "metro-pd", "--protocol", "metro-follow-up")["protocol"]
        == "metro-follow-up"
    )
    assert cli.json("rehearse", "metro-follow-up")["version"] == 3


def test_where_the_file_of_an_agencys_default_is_taken_away_it_is_still_answered(cli: Cli) -> None:
    cli.roster()
    cli.conductor()
    with cli.database() as session:
        session.get_one(Agency, "metro-pd").protocol = "metro-follow-up"
    ref = cli.incident()
    assert cli.json("incident", ref)["protocol"] == "sfa-follow-up"
    assert "metro-follow-up" in cli.refused(
        "log",
        "--type",
        "OTHER",
        "--agency",
        "metro-pd",
        "--affected",
        "P110:A",
        "--protocol",
        "metro-follow-up",
    )  # whoever names it is told


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("S1: 2", "S1: none", ":5: activation.team.S1: 'none' is not a whole number"),
        (
            "version: 3",
            "version: 3\nladders: {EMERGENCY: {rungs: [clinician]}}",
            ":5: ladders.EMERGENCY.rungs: ",
        ),
        ("key: metro-follow-up", "key: lodd", ":3: key: that key comes with the product"),
    ],
)
def test_a_difference_that_is_not_sound_is_told_by_line_and_nothing_starts(
    cli: Cli, old: str, new: str, told: str
) -> None:
    path = write(cli, "protocols/ours.yaml", OWN.replace(old, new))
    assert f"{path}{told}" in cli.refused("incidents")
    path.write_text(OWN)
    cli.ok("incidents")


def test_two_files_with_one_key_are_refused(cli: Cli) -> None:
    write(cli, "protocols/a.yaml", OWN)
    write(cli, "protocols/b.yaml", OWN)
    assert "there is another protocol metro-follow-up" in cli.refused("incidents")


def test_a_file_that_cannot_be_read_is_refused_in_words(cli: Cli) -> None:
    path = write(cli, "protocols/a.yaml", "")
    path.write_bytes(b"\xff\xfe")
    assert "it is not UTF-8; save it as UTF-8" in cli.refused("incidents")
    path.unlink()
    path.mkdir()
    assert "it cannot be read: Is a directory" in cli.refused("incidents")
