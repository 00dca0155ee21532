"""`cism languages` says which are in use, and proves one before anybody depends on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cism.services.languages import use_installed
from tests.cli.conftest import Cli
from tests.fakes import portuguese


@pytest.fixture(autouse=True)
def only_the_shipped_ones_afterwards(tmp_path: Path) -> Iterator[None]:
    yield
    use_installed(tmp_path / "nowhere")


def test_the_languages_that_come_with_it_are_listed_and_proved(cli: Cli) -> None:
    assert [row["language"] for row in cli.json("languages", "list")] == ["en", "es"]
    proved = cli.json("languages", "check")
    assert proved["errors"] == []
    assert {row["language"]: row["labelled"] > 80 for row in proved["languages"]} == {"en": True, "es": True}


def test_a_folder_in_the_installation_is_proved_and_then_in_use(cli: Cli) -> None:
    folder = portuguese.write(cli.home)
    assert "pt" in cli.ok("languages", "check", str(folder))
    assert [row["language"] for row in cli.json("languages", "list")] == ["en", "es", "pt"]


def test_a_folder_that_does_not_prove_itself_says_what_is_wrong_and_nothing_starts(cli: Cli) -> None:
    folder = portuguese.write(cli.home, labelled_yaml="[]")
    assert "EMERGENCY: 0 of at least 12 texts" in cli.refused("languages", "check", str(folder))
    assert "cism languages check" in cli.refused("incidents")


def test_whoever_imports_people_of_a_language_that_is_not_in_use_is_told(cli: Cli, tmp_path: Path) -> None:
    roster = tmp_path / "people.csv"
    header, first, *_ = (Path(__file__).parents[2] / "cism/data/sample_roster.csv").read_text().splitlines()
    at = header.split(",").index("language")
    cells = first.split(",")
    cells[at] = "pt"
    roster.write_text(f"{header}\n{','.join(cells)}\n")
    said = cli.ok("roster", "import", str(roster), "--dry-run")
    assert "1 people read 'pt', which is not in use here" in said
