"""A protocol is proved and played before anybody depends on it; nothing of the installation is touched."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

import cism.protocols
from cism.domain.rehearsed import masked
from cism.services import people
from cism.store import seal
from cism.store.db import now
from cism.store.tables import Audit, Incident, Outbox, Person
from tests.cli.conftest import ROSTER, Cli

pytestmark = pytest.mark.parametrize(
    "database_url", ["sqlite"], indirect=True
)  # it plays in a database of its own, in memory
SFA = Path(cism.protocols.__path__[0]) / "sfa-follow-up.yaml"
EVENT = {
    "type": "CHILD",
    "severity": "S2",
    "agency": "county-ems",
    "occurred_at": "2026-03-02T14:30-05:00",
    "ended_at": "2026-03-02T15:30-05:00",
    "affected": [{"person_id": "E305", "circle": "A"}, {"person_id": "metro-dispatch:D403", "circle": "C"}],
}
ONE_TEAM = {"F200", "F201", "F205", "F206", "F210", "F211", "F212", "F214"}
CREW = [{"person_id": f"P{number}", "circle": "B"} for number in (106, 107, 108, 119)]


def told(found: dict[str, Any], kind: str) -> list[str]:
    """When texts of a kind went out, and to whom."""
    return [f"{row['at'][:10]} {row['person']}" for row in found["texts"] if row["kind"] == kind]


def points(found: dict[str, Any], person: str) -> list[str]:
    """At which contact points somebody is checked in with by text."""
    rows = [row for row in found["texts"] if (row["kind"], row["person"]) == ("check_in", person)]
    return [row["point"] for row in rows]


def broken(folder: Path) -> str:
    """A roster with a zone that does not exist."""
    file = folder / "broken.csv"
    file.write_text(ROSTER.read_text().replace("America/New_York", "Mars/Olympus", 1))
    return str(file)


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
    assert points(found, "county-ems:E303") == ["f1", "f3", "f7", "f30", "f90", "f180", "fA"]
    assert all(row["segments"] == 1 for row in found["texts"] if row["kind"] != "answer")
    assert "does not claim to prevent PTSD" in found["evidence_note"]


def test_the_same_rehearsal_plays_alike_every_time_and_each_text_has_its_readers_own_time(cli: Cli) -> None:
    first, second = cli.json("rehearse", "iacp-ois"), cli.json("rehearse", "iacp-ois")
    assert [masked(row["text"]) for row in first["texts"]] == [masked(row["text"]) for row in second["texts"]]
    assert (first["steps"], first["sessions"]) == (second["steps"], second["sessions"])
    times = {row["local"] for row in first["texts"] if row["point"] == "f1" and row["kind"] == "check_in"}
    assert times == {"2026-03-09T08:00:00-04:00"}  # the clocks changed the night before


def test_a_text_is_in_its_readers_language(cli: Cli) -> None:
    found = cli.json("rehearse", "iacp-ois")
    languages = {row["person"]: row["language"] for row in found["texts"]}
    assert (languages["metro-pd:P106"], languages["metro-pd:P107"]) == ("es", "en")


def test_people_text_back_what_they_are_said_to(cli: Cli) -> None:
    found = cli.json("rehearse", "iacp-ois", "--replies", "P107:f1=3,P108:f1=0,opt_in=0")
    assert points(found, "metro-pd:P108") == ["f1"]  # 0: no more check-ins
    assert points(found, "metro-pd:P107")[-1] == "f90"  # declined to keep in touch
    kinds = [row["kind"] for row in found["texts"]]
    assert kinds.count("escalation") >= 1
    assert "call_now" in kinds
    assert "write POINT=TEXT" in cli.refused("rehearse", "iacp-ois", "--replies", "hello")


def test_what_a_supervisor_learns_later_changes_the_rest(cli: Cli, tmp_path: Path) -> None:
    held = {"type": "OIS_PRESENT", "severity": "S3", "agency": "metro-pd", "affected": CREW}
    later = [{"at": "2026-03-03T10:00-05:00", "statements_complete": True}]
    before = cli.json("rehearse", "iacp-ois", "--incident", written(tmp_path, **held))
    after = cli.json("rehearse", "iacp-ois", "--incident", written(tmp_path, **held, later=later))
    assert {row["reason"] for row in before["sessions"]} == {"legal_jeopardy"}
    assert {row["reason"] for row in after["sessions"]} != {"legal_jeopardy"}


def test_a_roster_of_ones_own_is_played_with_its_own_people(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "roster.csv"
    file.write_text(ROSTER.read_text().replace("metro-pd", "metro-police"))
    found = cli.json("rehearse", "sfa-follow-up", "--roster", str(file))
    assert not cli.home.exists()
    checked = {row["person"].split(":")[0] for row in found["texts"] if row["kind"] == "check_in"}
    assert checked == {"metro-police"}
    assert "line 2" in cli.refused("rehearse", "sfa-follow-up", "--roster", broken(tmp_path))


def test_a_roster_without_responders_asks_for_an_incident(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "roster.csv"
    file.write_text("\n".join(ROSTER.read_text().splitlines()[:4]) + "\n")
    said = cli.refused("rehearse", "sfa-follow-up", "--roster", str(file))
    assert said == "this roster has no agency with two active responders; give an incident with --incident"


def test_the_installations_own_roster_is_read_as_it_stands_and_not_changed(cli: Cli) -> None:
    cli.roster()
    with cli.database() as session:
        stopped = people.by_roster_id(session, "metro-pd", "P106")
        assert stopped is not None
        stopped.opted_out_at = now(session)
        for person in session.scalars(select(Person)):
            person.phone_confirmed_at = None if person.roster_id == "P107" else now(session)
    found = cli.json("rehearse", "iacp-ois", "--own-roster")
    assert points(found, "metro-pd:P106") == []  # their STOP holds
    assert points(found, "metro-pd:P107") == []  # unconfirmed: a peer calls instead
    calls = [row["point"] for row in found["texts"] if row["kind"] == "peer_task"]
    assert {"f1", "f3", "f7"} <= set(calls)
    with cli.database() as session:
        assert session.scalars(select(Incident)).all() == []
        assert session.scalars(select(Outbox)).all() == []
        assert "cli rehearse own roster" in session.scalars(select(Audit.act)).all()


def test_two_rosters_at_once_are_refused(cli: Cli) -> None:
    said = cli.refused("rehearse", "iacp-ois", "--own-roster", "--roster", str(ROSTER))
    assert said == "give --roster or --own-roster, not both"


def test_a_change_of_protocol_is_told_as_what_appears_vanishes_and_moves(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "ours.yaml"
    ours = SFA.read_text().replace("key: sfa-follow-up", "key: ours")
    ours = ours.replace("{id: f3, after: 72h", "{id: f4, after: 72h")
    file.write_text(
        ours.replace('f30, after: 30d, kind: date, at: "10:00"', 'f30, after: 30d, kind: date, at: "14:00"')
    )
    found = cli.json("rehearse", "sfa-follow-up", "--diff", str(file))
    texts = {(row["change"], row["what"], row["point"], row["by"]) for row in found["changes"]}
    assert ("vanishes", "check_in", "f3", None) in texts
    assert ("appears", "check_in", "f4", None) in texts
    assert ("moves", "check_in", "f30", 4 * 3600.0) in texts
    said = cli.ok("rehearse", "sfa-follow-up", "--diff", str(file))
    assert "+4h" in said
    assert "From sfa-follow-up to ours" in said
    assert "does not claim to prevent PTSD" in said


def test_two_protocols_that_differ_in_nothing_play_alike(cli: Cli) -> None:
    said = cli.ok("rehearse", "sfa-follow-up", "--diff", "sfa-follow-up")
    assert "sfa-follow-up and sfa-follow-up play alike" in said


def test_an_incident_from_a_file_is_played_from_its_own_time(cli: Cli, tmp_path: Path) -> None:
    found = cli.json("rehearse", "sfa-follow-up", "--incident", written(tmp_path))
    assert found["texts"][0]["at"] == "2026-03-02T21:30:00Z"  # an hour after it ended
    assert {row.split()[1] for row in told(found, "check_in")} == {"county-ems:E305", "metro-dispatch:D403"}


def test_a_file_is_played_with_its_own_rules(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "ours.yaml"
    file.write_text(SFA.read_text().replace("key: sfa-follow-up", "key: ours"))
    said = cli.ok("rehearse", str(file))
    assert (
        "at the end closed. The team said yes to everything, those awake first, and reached whom it called."
        in said
    )
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
        ({"later": [{"at": "2026-03-03T10:00"}]}, "later.0.at: Input should have timezone info"),
        ({"later": [{"at": "2026-03-03T10:00Z", "place": "x"}]}, "later.0.place: Extra inputs are not"),
    ],
)
def test_an_incident_that_is_none_is_refused(
    cli: Cli, tmp_path: Path, changed: dict[str, Any], said: str
) -> None:
    assert said in cli.refused("rehearse", "sfa-follow-up", "--incident", written(tmp_path, **changed))


def test_what_is_no_protocol_is_refused_with_the_nearest(cli: Cli) -> None:
    assert "Did you mean sfa-follow-up?" in cli.refused("rehearse", "sfa-folow-up")


def test_a_what_if_tells_what_it_assumes_and_what_would_be_short(cli: Cli) -> None:
    said = cli.ok("rehearse", "sfa-follow-up", "--what-if", "affected=2000,decline=30%,sender=10dlc-low")
    assert "does not claim to prevent PTSD" in said
    assert "Reckoned, not performed: 2000 invented people" in said
    assert "Assumed, all of it a design" in said
    assert "prices of 2026-11, not verified" in said
    assert "decline=30" in said
    for told in (
        "Team: 667 helpers needed",
        "Last SMS of all: ",
        "Peers: longest queue",
        "Clinicians: longest",
    ):
        assert told in said
    assert " USD" in said
    again = cli.ok("rehearse", "sfa-follow-up", "--what-if", "affected=2000,decline=30%,sender=10dlc-low")
    assert again == said


def test_a_faster_sender_is_through_sooner(cli: Cli) -> None:
    slow, fast = (
        cli.json("rehearse", "sfa-follow-up", "--what-if", f"affected=500,sender={sender}")
        for sender in ("10dlc-low", "short-code")
    )
    name = "first check-in"
    assert fast["longest_wait_seconds"][name] < slow["longest_wait_seconds"][name] / 5
    assert fast["segments"] == slow["segments"]
    assert max(hour["short"] for hour in slow["peers"]) > 0
    assert slow["assumed"]["senders"]["10dlc-low"]["per_day"] == 1000


def test_what_is_reckoned_is_what_the_engine_would_ask_the_same_silent_people(
    cli: Cli, tmp_path: Path
) -> None:
    """Two people who never answer: texts to them and calls, by the engine and by the reckoning."""
    file = tmp_path / "roster.csv"
    rows = list(csv.reader(ROSTER.read_text().splitlines()))
    tied = {rows[0].index(name) for name in ("reports_to", "not_with")}
    kept = [row for row in rows if row[0] in {"id", *ONE_TEAM}]
    alone = [["" if at in tied and row[0] != "id" else cell for at, cell in enumerate(row)] for row in kept]
    file.write_text("".join(",".join(row) + "\n" for row in alone))
    event = {
        "type": "CHILD",
        "severity": "S3",
        "agency": "harbor-fd",
        "affected": [{"person_id": "F205", "circle": "B"}, {"person_id": "F206", "circle": "B"}],
    }
    incident = written(tmp_path, **event)
    played = cli.json(
        "rehearse", "sfa-follow-up", "--roster", str(file), "--incident", incident, "--replies", ""
    )
    silent = "affected=2,decline=0,fine=0,call=0,now=0,end=0,keep=0,sender=short-code"
    reckoned = cli.json(
        "rehearse", "sfa-follow-up", "--roster", str(file), "--incident", incident, "--what-if", silent
    )
    kinds = [row["kind"] for row in played["texts"]]
    care = sum(kinds.count(kind) for kind in ("check_in", "check_in_reminder", "opt_in"))
    team = 2 * kinds.count("peer_task")
    assert care + team == reckoned["segments"] - reckoned["team"]["asked"] - reckoned["team"]["found"]
    assert reckoned["refused_by_carrier"] == reckoned["expired"] == 0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("affected=lots", "affected=lots: Input should be a valid integer"),
        ("sender=pigeon", "sender=pigeon"),
        ("weather=rain", "e.g. affected=2000,decline=30%"),
    ],
)
def test_a_what_if_that_is_none_is_refused(cli: Cli, given: str, said: str) -> None:
    assert said in cli.refused("rehearse", "sfa-follow-up", "--what-if", given)
