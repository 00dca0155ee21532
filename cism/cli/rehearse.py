"""`cism rehearse`: prove a protocol, and play it in virtual time before anybody depends on it."""

from __future__ import annotations

import json
import secrets
import tempfile
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import TypeAdapter, ValidationError

from cism.cli import reading, show
from cism.cli.show import AsJson, moment
from cism.clock import RealClock
from cism.domain.protocol import Protocol, load_protocol, parse_protocol
from cism.errors import BadInput
from cism.services import rehearsal
from cism.services.intake import AffectedInput, IncidentInput
from cism.store import seal

_FIELDS = {item.name for item in fields(IncidentInput)} - {"logged_by"}
_INPUT = TypeAdapter(IncidentInput)


def rehearse(
    protocol: Annotated[str, typer.Argument(help="A protocol's key, or a file that ends in .yaml.")],
    incident: Annotated[
        Path | None,
        typer.Option(help="JSON as in POST /api/v1/incidents, with people of the sample roster."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Prove a protocol, then play it in virtual time: who is texted what, and when. No phone is reached."""
    proved = _protocol(protocol)
    present = RealClock().now()
    report = _incident(incident) if incident else rehearsal.usual(present)
    played, state = _play(proved, report, rehearsal.logged_at(report, present))
    rows = [
        {"at": moment(item.at), "person": item.person, "kind": item.kind, "text": item.text}
        for item in played
    ]
    if as_json:
        show.data({"protocol": proved.key, "version": proved.version, "state": state, "texts": rows})
        return
    columns = {"at": "At", "person": "Who", "kind": "Kind", "text": "Text"}
    show.table(f"{proved.title}, rehearsed", columns, rows, "nobody is texted")
    answers = sum(item.kind == "answer" for item in played)
    show.line(
        f"{len(rows) - answers} texts and {answers} answers over {_days(played)} days; at the end {state}; "
        "the team said yes to everything, nobody else answered"
    )


def _protocol(given: str) -> Protocol:
    if given.endswith((".yaml", ".yml")) or "/" in given:
        return parse_protocol(reading.file(Path(given)), given)
    return load_protocol(given)


def _incident(path: Path) -> IncidentInput:
    try:
        found = json.loads(reading.file(path))
    except ValueError as error:
        message = f"{path} is not JSON: {error}; write an incident as POST /api/v1/incidents takes it"
        raise BadInput(message) from None
    if not isinstance(found, dict) or not set(found) <= _FIELDS:
        message = f"{path}: an incident is an object with some of {', '.join(sorted(_FIELDS))}"
        raise BadInput(message)
    try:
        report = _INPUT.validate_python(found)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        message = f"{path}: {where}: {first['msg']}"
        raise BadInput(message) from None
    _refuse_times_without_zone(path, report)
    return report


def _refuse_times_without_zone(path: Path, report: IncidentInput) -> None:
    rows: list[IncidentInput | AffectedInput] = [report, *report.affected]
    for row in rows:
        for item in fields(row):
            value: Any = getattr(row, item.name)
            if isinstance(value, datetime) and value.tzinfo is None:
                message = f"{path}: {item.name} has no zone; write it like 2026-03-02T14:30-05:00"
                raise BadInput(message)


def _play(proved: Protocol, report: IncidentInput, start: datetime) -> tuple[list[rehearsal.Played], str]:
    kept = seal.swap(seal.Keyring([secrets.token_bytes(32)]))  # the installation's keys stay where they are
    try:
        with tempfile.TemporaryDirectory(prefix="cism-rehearsal-") as folder, show.progress("rehearsing"):
            play = rehearsal.Rehearsal(f"sqlite:///{folder}/rehearsal.db", proved, start)
            try:
                return list(play.play(report)), play.state()
            finally:
                play.close()
    finally:
        seal.swap(kept)


def _days(played: list[rehearsal.Played]) -> int:
    return (played[-1].at - played[0].at).days if played else 0
