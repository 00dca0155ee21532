"""The real incidents of the story, moved to the present, and what is put in about them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from cism.data import sample
from cism.domain.demo_people import demo_people
from cism.domain.demo_shift import DemoIncident, rule_text, shift_to_present
from cism.domain.incident_files import Imported, read_incidents
from cism.domain.roster_csv import parse_roster

SEED = 4
_FILES = (("real_incidents_lodd.csv", 6), ("real_incidents_ois.csv", 8))
KIN_TOLD_AFTER = timedelta(hours=3)
FUNERAL_AFTER = timedelta(days=5)
FUNERAL_SET_AFTER = timedelta(hours=26)


@dataclass
class Story:
    """What will be put in: incidents in order of logging, and later changes of them."""

    start: date
    incidents: list[DemoIncident]
    refs: dict[int, str] = field(default_factory=dict)
    logged: dict[int, dict[str, Any]] = field(default_factory=dict)

    @property
    def rule(self) -> str:
        """How the rows came here."""
        return rule_text(self.start, SEED)


def make_story(start: date, roster_csv: str, *, short: bool) -> Story:
    """The first rows of both attributed samples; a short story takes five of them."""
    people = demo_people(parse_roster(roster_csv, today=start).rows)
    reports = []
    for name, count in _FILES:
        found = [row.report for row in read_incidents(sample(name)) if isinstance(row, Imported)]
        reports += found[:count]
    moved = shift_to_present(reports, people, start=start, seed=SEED)
    return Story(start, moved[:5] if short else moved)


def body_of(incident: DemoIncident) -> dict[str, Any]:
    """What the supervisor's log form would send."""
    return {
        "type": incident.type,
        "severity": incident.severity.value,
        "agency": incident.agency,
        "occurred_at": incident.occurred_at.isoformat(),
        "ended_at": incident.ended_at.isoformat(),
        "affected": [
            {
                "person_id": one.person,
                "circle": one.circle.value,
                "exposure_end": one.exposure_end.isoformat(),
            }
            for one in incident.affected
        ],
    }


def changes_of(incident: DemoIncident) -> list[tuple[datetime, dict[str, Any], str]]:
    """After a death on duty: next of kin told some hours later, then the day of the funeral."""
    if incident.type != "LODD":
        return []
    funeral = (incident.logged_at + FUNERAL_AFTER).replace(hour=16, minute=0, second=0, microsecond=0)
    return [
        (incident.logged_at + KIN_TOLD_AFTER, {"kin_notified": True}, "next of kin have been told"),
        (incident.logged_at + FUNERAL_SET_AFTER, {"funeral_at": funeral.isoformat()}, "the funeral is set"),
    ]


def input_of(incident: DemoIncident, ref: str, logged_real: str) -> dict[str, Any]:
    """The incident as the checker gets it: what was put in, and nothing of what came of it."""
    changes = changes_of(incident)
    funeral = next((change["funeral_at"] for _, change, _ in changes if "funeral_at" in change), None)
    kin = next((at.isoformat() for at, change, _ in changes if "kin_notified" in change), None)
    return {
        "ref": ref,
        "agency": incident.agency,
        "type": incident.type,
        "severity": incident.severity.value,
        "logged_real": logged_real,
        "affected": [
            {"person": one.person, "circle": one.circle.value, "exposure_end": one.exposure_end.isoformat()}
            for one in incident.affected
        ],
        "kin_told": kin,
        "funeral_at": funeral,
    }
