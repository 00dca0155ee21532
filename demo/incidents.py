"""The incidents of the story: real ones, moved to its autumn, and three worked scenarios beside them."""

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


@dataclass(frozen=True, kw_only=True)
class Change:
    """Something that is put in about an incident later: the fields that change."""

    at: datetime
    words: str
    fields: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One incident as it is put in: by whom, when, what the form says, and what is told beside it."""

    key: str
    agency: str
    logged_at: datetime
    body: dict[str, Any]
    headline: str
    rule: str = ""
    changes: tuple[Change, ...] = ()
    scenario: str | None = None


@dataclass
class Story:
    """What will be put in: incidents in order of logging."""

    start: date
    entries: list[Entry]
    refs: dict[str, str] = field(default_factory=dict)

    @property
    def rule(self) -> str:
        """How the rows came here."""
        return rule_text(self.start, SEED)


def real_entries(start: date, roster_csv: str, *, short: bool) -> list[Entry]:
    """The first rows of both attributed samples; a short story takes five of them."""
    people = demo_people(parse_roster(roster_csv, today=start).rows)
    reports = []
    for name, count in _FILES:
        found = [row.report for row in read_incidents(sample(name)) if isinstance(row, Imported)]
        reports += found[:count]
    moved = shift_to_present(reports, people, start=start, seed=SEED)
    return [_entry(incident) for incident in (moved[:5] if short else moved)]


def _entry(incident: DemoIncident) -> Entry:
    source = f"{incident.report.source_agency}, {incident.report.date:%d %b %Y}"
    return Entry(
        key=f"row-{incident.number}",
        agency=incident.agency,
        logged_at=incident.logged_at,
        body=_body(incident),
        headline=f"logs {incident.type} {incident.severity.value} ({source})",
        rule=incident.rule,
        changes=tuple(_changes(incident)),
    )


def _body(incident: DemoIncident) -> dict[str, Any]:
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


def _changes(incident: DemoIncident) -> list[Change]:
    """After a death on duty: next of kin told some hours later, then the day of the funeral."""
    if incident.type != "LODD":
        return []
    logged = incident.logged_at
    funeral = (logged + FUNERAL_AFTER).replace(hour=16, minute=0, second=0, microsecond=0)
    told, day = {"kin_notified": True}, {"funeral_at": funeral.isoformat()}
    return [
        Change(at=logged + KIN_TOLD_AFTER, words="next of kin have been told", fields=told),
        Change(at=logged + FUNERAL_SET_AFTER, words="the funeral is set", fields=day),
    ]


def input_of(entry: Entry, ref: str, logged_real: str) -> dict[str, Any]:
    """The incident as the checker gets it: what was put in, and nothing of what came of it."""
    body = entry.body
    put_in = [(change.at, change.fields) for change in entry.changes]
    kin = [at.isoformat() for at, fields in put_in if "kin_notified" in fields]
    funeral = [fields["funeral_at"] for _, fields in put_in if "funeral_at" in fields]
    later = [fields["ended_at"] for _, fields in put_in if "ended_at" in fields]
    ended = body.get("ended_at") or later[0]
    return {
        "ref": ref,
        "agency": entry.agency,
        "type": body["type"],
        "severity": body["severity"],
        "protocol": body.get("protocol"),
        "scenario": entry.scenario,
        "logged_real": logged_real,
        "affected": [
            {
                "person": one["person_id"],
                "circle": one["circle"],
                "exposure_end": one.get("exposure_end") or ended,
            }
            for one in body["affected"]
        ],
        "kin_told": kin[0] if kin else None,
        "funeral_at": funeral[-1] if funeral else None,
    }
