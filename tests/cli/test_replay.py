"""`cism incidents replay`: the samples that come with the product, and all files where they are there."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cism.cli.main import app
from cism.services import ledger, replay
from cism.services.ledger import Line

_SAMPLES = ("real_incidents_lodd.csv", "real_incidents_ois.csv")
_REAL = Path(__file__).parents[3] / "shared" / "data"
_NAMES = ("police_line_of_duty_deaths", "police_killings_2015", "fatal_police_shootings")
_NAMES += ("toronto_firefighter_casualties", "school_shootings", "cad_911_calls")
runner = CliRunner()


def sample(name: str) -> str:
    return str(resources.files("cism.data").joinpath(name))


def test_real_incidents_are_replayed_and_nobody_is_forgotten() -> None:
    files = [sample(name) for name in _SAMPLES]
    done = runner.invoke(app, ["incidents", "replay", *files, "--sample", "2", "--jobs", "1", "--json"])
    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout)["files"]
    assert [row["file"] for row in rows] == list(_SAMPLES)
    for row in rows:
        assert row["responses"] == 2
        assert row["people"] >= 2
        assert row["texts_by_kind"]["check_in"] > row["people"]
        assert row["checked"] > row["responses"] * 10
        assert row["violations"] == 0


def test_a_replay_that_was_stopped_goes_on_with_the_parts_that_it_has_not_played(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "parts.jsonl"
    first, both = ([sample(name) for name in names] for names in (_SAMPLES[:1], _SAMPLES))
    options = ["--sample", "1", "--jobs", "2", "--kept", str(kept), "--json"]
    alone = json.loads(runner.invoke(app, ["incidents", "replay", *first, *options]).stdout)["files"]
    whole = json.loads(runner.invoke(app, ["incidents", "replay", *both, *options]).stdout)["files"]
    assert whole[0] == alone[0]
    assert len(kept.read_text().splitlines()) == 2
    monkeypatch.setattr(replay, "play", None)  # everything is kept: nothing is played
    again = json.loads(runner.invoke(app, ["incidents", "replay", *both, *options]).stdout)["files"]
    assert again == whole


def test_a_file_that_no_replay_kept_is_refused_by_its_line(tmp_path: Path) -> None:
    kept = tmp_path / "parts.jsonl"
    kept.write_text('{"part": "0"}\n')
    done = runner.invoke(app, ["incidents", "replay", sample(_SAMPLES[0]), "--kept", str(kept)])
    assert done.exit_code == 1
    assert "line 1: not what a replay keeps" in done.stderr
    assert kept.read_text() == '{"part": "0"}\n'


def test_the_same_seed_plays_alike() -> None:
    _, parts = replay.parts_of(_text(), seed=3, sample=1)
    assert replay.play(parts[0]) == replay.play(parts[0])


def test_a_ledger_that_fails_is_counted_and_makes_the_command_fail(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = ledger.lines

    def forgets(*args: object, **kwargs: object) -> list[Line]:
        found = real(*args, **kwargs)  # type: ignore[arg-type]
        return [
            Line(affected_id=one.affected_id, incident_id=one.incident_id, person_id=one.person_id)
            for one in found
        ]

    monkeypatch.setattr(ledger, "lines", forgets)
    done = runner.invoke(
        app, ["incidents", "replay", sample(_SAMPLES[0]), "--sample", "1", "--jobs", "1", "--json"]
    )
    assert done.exit_code == 1
    assert json.loads(done.stdout)["files"][0]["violations"] > 0


def test_rows_that_are_no_critical_incidents_are_counted_and_not_played() -> None:
    text = "time,service,call_type,township,lat,lng\n2016-01-15T12:01:00,EMS,FALL VICTIM,UPPER,40.1,-75.1\n"
    found, parts = replay.parts_of(text, seed=1)
    assert (found.rows, parts) == (1, [])


def test_parts_hold_every_critical_row_once_and_in_order_of_time() -> None:
    found, parts = replay.parts_of(_text(), seed=1, most=3)
    dates = [row.report.date for part in parts for row in part.rows]
    assert dates == sorted(dates)
    assert len(dates) == found.rows - found.outcomes["refused"] - found.outcomes["not critical"]
    assert max(len(part.rows) for part in parts) == 3


# The six extracts are not part of this repository; their own notes ask tests to skip where they are absent.
@pytest.mark.skipif(not _REAL.is_dir(), reason="the extracts of real incidents are not on this machine")
def test_a_few_rows_of_each_of_the_six_real_files_are_replayed() -> None:
    files = [str(_REAL / f"{name}.csv") for name in _NAMES]
    done = runner.invoke(app, ["incidents", "replay", *files, "--sample", "1", "--jobs", "1", "--json"])
    assert done.exit_code == 0, done.output
    rows = {row["file"]: row for row in json.loads(done.stdout)["files"]}
    assert len(rows) == 6
    assert rows["cad_911_calls.csv"]["not_critical"] == 1626
    assert all(row["responses"] == 1 for name, row in rows.items() if not name.startswith("cad"))


def _text() -> str:
    return Path(sample(_SAMPLES[0])).read_text(encoding="utf-8")
