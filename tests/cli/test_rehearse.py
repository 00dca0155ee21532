"""A protocol is proved and played before anybody depends on it; nothing of the installation is touched."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import cism.protocols
from cism.store import seal
from tests.cli.conftest import Cli

SFA = Path(cism.protocols.__path__[0]) / "sfa-follow-up.yaml"
EVENT = {
    "type": "CHILD",
    "severity": "S2",
    "agency": "county-ems",
    "occurred_at": "2026-03-02T14:30-05:00",
    "ended_at": "2026-03-02T15:30-05:00",
    "affected": [{"person_id": "E305", "circle": "A"}, {"person_id": "metro-dispatch:D403", "circle": "C"}],
}


def told(found: dict[str, Any], kind: str) -> list[str]:
    """When texts of a kind went out, and to whom."""
    return [f"{row['at'][:10]} {row['person']}" for row in found["texts"] if row["kind"] == kind]


def written(folder: Path, **changed: Any) -> str:
    """A file with an incident."""
    file = folder / "incident.json"
    file.write_text(json.dumps(EVENT | changed))
    return str(file)


def test_a_protocol_is_played_to_its_end_and_leaves_nothing_behind(cli: Cli) -> None:
    keys = seal.current()
    found = cli.json("rehearse", "sfa-follow-up")
    assert seal.current() is keys
    assert not cli.home.exists()
    assert (found["protocol"], found["state"]) == ("sfa-follow-up", "closed")
    assert len(told(found, "page")) >= 2
    checks = [row for row in found["texts"] if row["kind"] == "check_in" and row["person"] == "metro-pd:P106"]
    assert len(checks) == 5  # f1, f3, f7, f30, f90: opted in to nothing more
    days = [datetime.fromisoformat(row["at"]) - datetime.fromisoformat(checks[0]["at"]) for row in checks]
    assert timedelta(days=88) < days[-1] < timedelta(days=92)
    assert all(len(row["text"]) <= 160 for row in found["texts"])


def test_an_incident_from_a_file_is_played_from_its_own_time(cli: Cli, tmp_path: Path) -> None:
    found = cli.json("rehearse", "sfa-follow-up", "--incident", written(tmp_path))
    assert found["texts"][0]["at"] == "2026-03-02T21:30:00Z"  # an hour after it ended
    assert {row.split()[1] for row in told(found, "check_in")} == {"county-ems:E305", "metro-dispatch:D403"}


def test_a_file_is_played_with_its_own_rules(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "ours.yaml"
    file.write_text(SFA.read_text().replace("key: sfa-follow-up", "key: ours"))
    said = cli.ok("rehearse", str(file))
    assert "at the end closed; the team said yes to everything, nobody else answered" in said
    assert cli.json("rehearse", str(file))["protocol"] == "ours"


def test_a_broken_protocol_is_refused_by_file_and_line(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text(SFA.read_text().replace("title:", "tittle:", 1))
    said = cli.refused("rehearse", str(file))
    assert said.startswith(f"{file}:")
    assert "tittle" in said


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"agency": "nowhere"}, "there is no agency 'nowhere'; known: county-ems"),
        ({"type": "CHIDL"}, "There is no incident type 'CHIDL'. Did you mean CHILD"),
        ({"ended_at": "2026-03-02T15:30"}, "ended_at has no zone; write it like 2026-03-02T14:30-05:00"),
        ({"severity": "S9"}, "severity: Input should be 'S1', 'S2', 'S3' or 'S4'"),
        ({"weather": "rain"}, "an incident is an object with some of affected, agency, "),
    ],
)
def test_an_incident_that_is_none_is_refused(
    cli: Cli, tmp_path: Path, changed: dict[str, Any], said: str
) -> None:
    assert said in cli.refused("rehearse", "sfa-follow-up", "--incident", written(tmp_path, **changed))


def test_what_is_no_protocol_is_refused_with_the_nearest(cli: Cli) -> None:
    assert "Did you mean sfa-follow-up?" in cli.refused("rehearse", "sfa-folow-up")
