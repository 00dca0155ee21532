"""What the worked scenarios promise can be broken, and is then named: by silence, and by a word too many."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest

from cism.data import sample
from cism.domain.protocol import protocol_keys
from cism.domain.roster_csv import parse_roster
from demo import scenarios
from demo.checking import scenarios as told
from demo.checking.evidence import Evidence, build
from demo.checking.words import Kind, kind_of
from demo.incidents import input_of

START = datetime(2026, 9, 1, tzinfo=UTC)
ROSTER = sample("sample_roster.csv").splitlines()[0] + "\n" + scenarios.roster_rows()
CHECK_IN = "Hi, Ann here. No need to answer. 1 all good, 2 call me in the next days, 3 call me now"
INVITED = "Hi, Ann here. Optional get-together Tue 14:00. 1 count me in, 0 not for me, 2 call me."
PAGED = "Hudson FD peer team: assignment, answer by 10:10. 1 C4D5 available, 0 C4D5 not now."
PROPOSED = "Plains EMS peer team: a group meeting is proposed. By 10:00: 1 A7K2 approved, 0 A7K2 refused."


def evidence(*texts: tuple[str, datetime, str]) -> Evidence:
    """All scenarios as they were put in, and these texts; product time is real time."""
    phones = {f"{row['agency']}:{row['id']}": row["phone"] for row in csv.DictReader(StringIO(ROSTER))}
    messages = [
        {
            "sid": f"SM{number}",
            "direction": "outbound-api",
            "to": phones[who],
            "body": body,
            "accepted_at": at.isoformat(),
            "arrived_at": at.isoformat(),
        }
        for number, (who, at, body) in enumerate(texts)
    ]
    entries = scenarios.entries()
    inputs: dict[str, Any] = {
        "roster_csv": ROSTER,
        "incidents": [input_of(entry, entry.key, entry.logged_at.isoformat()) for entry in entries],
        "script": [],
        "acts": {},
        "flow_runs": {},
    }
    moved = [{"moved_at_real": START.isoformat(), "offset_before": 0.0, "offset_after": 0.0, "kind": "set"}]
    exported = (START + timedelta(days=500)).isoformat()
    export = {"exported_at": exported, "messages": messages, "inbound": [], "rejected": []}
    return build(json.loads(json.dumps(export)), json.loads(json.dumps(inputs)), moved)


def broken(found: Evidence) -> dict[str, list[str]]:
    return {promise.name.split()[1]: promise.broken for promise in told.judge(found)}


def test_where_nobody_is_texted_every_scenario_says_what_is_missing() -> None:
    said = {name: "\n".join(lines) for name, lines in broken(evidence()).items()}
    assert set(said) == {"B", "C", "D"}
    for missing in ("check-in at 2026-10-06T16:20", "check-in at 2026-11-04T10:00", "anniversary"):
        assert missing in said["B"]
    for missing in ("check-in at 2026-11-01T16:00", "no dispatch peer", "HELP got no answer"):
        assert missing in said["C"]
    for missing in ("check-in at 2026-10-21T14:30", "fourth week", "half a year later", "their own people"):
        assert missing in said["D"]


@pytest.mark.parametrize(
    ("scenario", "who", "at", "body", "said"),
    [
        ("B", "hudson-fd:H118", "2026-10-06T20:20Z", CHECK_IN, "check-in to person 1"),  # the dead
        ("B", "hudson-fd:H109", "2026-10-06T20:20Z", PAGED, "page to person 2"),  # was on the alarm
        ("B", "hudson-fd:H117", "2026-10-05T21:00Z", CHECK_IN, "check-in to person 2"),  # before kin are told
        ("B", "hudson-fd:H105", "2026-10-10T15:30Z", CHECK_IN, "check-in to person 3"),  # during the service
        ("C", "lake-ems:L104", "2026-10-31T15:00Z", CHECK_IN, "check-in to person 1"),  # asleep by day
        ("C", "lake-ems:L105", "2026-10-31T21:30Z", INVITED, "invitation to person 2"),  # called back
        ("C", "lake-ems:L106", "2026-10-31T12:25Z", PAGED, "page to person 1"),  # of the same crew
        ("D", "plains-ems:D101", "2026-10-22T15:00Z", PROPOSED, "approval to person 1"),  # weeks too early
    ],
)
def test_a_word_too_many_is_named(scenario: str, who: str, at: str, body: str, said: str) -> None:
    assert kind_of(body) is not Kind.UNKNOWN
    before = broken(evidence())[scenario]
    more = broken(evidence((who, datetime.fromisoformat(at), body)))[scenario]
    assert [line for line in more if line not in before and said in line]


def test_the_people_of_the_scenarios_make_a_whole_roster_and_their_protocols_exist() -> None:
    found = parse_roster(ROSTER, today=START.date())
    assert (len(found.rows), list(found.warnings)) == (69, [])
    chosen = {entry.body["protocol"] for entry in scenarios.entries() if "protocol" in entry.body}
    assert chosen <= set(protocol_keys())
