"""What the checker may look at: the wall's export, the input files, the table of clock moves."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from io import StringIO
from pathlib import Path
from typing import Any

from demo.checking.hours import Hours
from demo.checking.moves import Moves, moment
from demo.checking.words import Kind, code_of, kind_of

_STOP_WORDS = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"})


@dataclass(frozen=True)
class Person:
    """One row of the roster."""

    key: str
    phone: str = field(repr=False)
    agency: str
    roles: frozenset[str]
    hours: Hours
    consent_pages: bool
    consent_care: bool
    status: str


@dataclass(frozen=True)
class Affected:
    """One affected person of an incident."""

    person: str
    circle: str
    exposure_end: datetime


@dataclass(frozen=True)
class Incident:
    """One incident as it was put in. `logged_real` is when the request left, `logged` the same."""

    ref: str
    agency: str
    type: str
    severity: str
    logged: datetime
    logged_real: datetime
    affected: tuple[Affected, ...]
    kin_told: datetime | None
    funeral_at: datetime | None
    protocol: str | None = None
    scenario: str | None = None


@dataclass(frozen=True)
class Text:
    """One text of the product, accepted by the wall; `at` is product time."""

    sid: str
    to: str = field(repr=False)
    body: str = field(repr=False)
    real: datetime
    at: datetime
    kind: Kind
    code: str | None
    arrived: bool


@dataclass(frozen=True)
class Said:
    """One text that a phone sent. `means` is what the script of replies says that the person meant."""

    sid: str
    handset: str = field(repr=False)
    body: str = field(repr=False)
    real: datetime
    at: datetime
    means: str

    @property
    def is_stop(self) -> bool:
        """Whether it is exactly a carrier's stop word."""
        return self.body.strip().upper() in _STOP_WORDS


@dataclass
class Evidence:
    """Everything, and quick ways to it."""

    people: dict[str, Person]
    incidents: list[Incident]
    texts: list[Text]
    said: list[Said]
    rejected: list[tuple[datetime, int, str]]
    until: datetime
    acts: dict[str, int]
    runs: dict[str, int]
    by_phone: dict[str, Person] = field(init=False)
    texts_to: dict[str, list[Text]] = field(init=False)
    said_by: dict[str, list[Said]] = field(init=False)

    def __post_init__(self) -> None:
        self.texts.sort(key=lambda text: text.real)
        self.said.sort(key=lambda said: said.real)
        self.by_phone = {person.phone: person for person in self.people.values()}
        self.texts_to, self.said_by = defaultdict(list), defaultdict(list)
        for text in self.texts:
            self.texts_to[text.to].append(text)
        for said in self.said:
            self.said_by[said.handset].append(said)

    def of_kind(self, *kinds: Kind) -> list[Text]:
        """All texts of these kinds, in order."""
        return [text for text in self.texts if text.kind in kinds]

    def silenced(self, phone: str) -> Said | None:
        """The text after which nothing may go to this number: STOP, or "who is this"."""
        return next(
            (said for said in self.said_by[phone] if said.is_stop or said.means == "wrong number"), None
        )


def load(export: Path, inputs: Path, moves: Path) -> Evidence:
    """Read the three files."""
    return build(*(json.loads(path.read_text(encoding="utf-8")) for path in (export, inputs, moves)))


def build(export: Mapping[str, Any], inputs: Mapping[str, Any], moves: list[Mapping[str, Any]]) -> Evidence:
    """The evidence from the files' contents."""
    clock = Moves(moves)
    meant = _meanings(inputs["script"])
    return Evidence(
        people={person.key: person for person in _people(inputs["roster_csv"])},
        incidents=[_incident(row, clock) for row in inputs["incidents"]],
        texts=[_text(row, clock) for row in export["messages"] if row["direction"] == "outbound-api"],
        said=[_said(row, clock, meant) for row in export["inbound"]],
        rejected=[
            (moment(row["at"]), int(row["code"]), str(row.get("to") or ""))
            for row in export["rejected"]
            if row.get("at")
        ],
        until=clock.product(moment(export["exported_at"])),
        acts=dict(inputs["acts"]),
        runs=dict(inputs["flow_runs"]),
    )


def _people(text: str) -> list[Person]:
    return [_person(row) for row in csv.DictReader(StringIO(text))]


def _person(row: Mapping[str, str]) -> Person:
    return Person(
        key=f"{row['agency']}:{row['id']}",
        phone=row["phone"],
        agency=row["agency"],
        roles=frozenset(row["roles"].split(";")),
        hours=Hours(
            row["timezone"],
            time.fromisoformat(row["sleep_start"] or "21:00"),
            time.fromisoformat(row["sleep_end"] or "08:00"),
        ),
        consent_pages=row["consent_pages"] == "yes",
        consent_care=row["consent_care"] == "yes",
        status=row["status"],
    )


def _incident(row: Mapping[str, Any], clock: Moves) -> Incident:
    real = moment(row["logged_real"])
    return Incident(
        ref=row["ref"],
        agency=row["agency"],
        type=row["type"],
        severity=row["severity"],
        logged=clock.product(real),
        logged_real=real,
        affected=tuple(
            Affected(item["person"], item["circle"], moment(item["exposure_end"])) for item in row["affected"]
        ),
        kin_told=moment(row["kin_told"]) if row.get("kin_told") else None,
        funeral_at=moment(row["funeral_at"]) if row.get("funeral_at") else None,
        protocol=row.get("protocol"),
        scenario=row.get("scenario"),
    )


def _text(row: Mapping[str, Any], clock: Moves) -> Text:
    real = moment(row["accepted_at"])
    return Text(
        sid=row["sid"],
        to=row["to"],
        body=row["body"],
        real=real,
        at=clock.product(real),
        kind=kind_of(row["body"]),
        code=code_of(row["body"]),
        arrived=row["arrived_at"] is not None,
    )


def _meanings(script: list[Mapping[str, str]]) -> dict[str, str]:
    return {row["sid"]: row["means"] for row in script}


def _said(row: Mapping[str, Any], clock: Moves, meant: Mapping[str, str]) -> Said:
    real = moment(row["accepted_at"])
    return Said(
        row["sid"], row["from"], row["body"], real, clock.product(real), meant.get(row["sid"], "unscripted")
    )
