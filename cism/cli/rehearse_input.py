"""What stands on the command line of a rehearsal: a protocol, an incident, a roster."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, TypeAdapter, ValidationError

from cism.cli import reading
from cism.domain.incident import Severity
from cism.domain.protocol import Protocol, load_protocol, parse_protocol
from cism.errors import BadInput
from cism.services import rehearsal, rehearsal_ground
from cism.services.intake import AffectedInput, IncidentInput
from cism.services.rehearsal import Later, Script
from cism.services.rehearsal_ground import Fill

_INCIDENTS = resources.files("cism.data.incidents")
_FIELDS = {item.name for item in fields(IncidentInput)} - {"logged_by"}
_LATER, _LOGGED = "later", "logged_at"
_KEYS = {*_FIELDS, _LATER, _LOGGED}
_INPUT = TypeAdapter(IncidentInput)
_ALWAYS = "sfa-follow-up"  # whose incident is played for a protocol that has none of its own


class _Change(BaseModel):
    """What PATCH /api/v1/incidents takes, and when it becomes known."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    at: AwareDatetime
    severity: Severity | None = None
    ended_at: AwareDatetime | None = None
    kin_notified: bool | None = None
    funeral_at: AwareDatetime | None = None
    statements_complete: bool | None = None


_MOMENT: TypeAdapter[AwareDatetime | None] = TypeAdapter(AwareDatetime | None)
_CHANGES = TypeAdapter(tuple[_Change, ...])


def protocol(given: str) -> Protocol:
    """A protocol by its key, or out of a file."""
    if given.endswith((".yaml", ".yml")) or "/" in given:
        return parse_protocol(reading.file(Path(given)), given)
    return load_protocol(given)


def roster(path: Path | None, key: str, *, own: bool) -> Fill:
    """Whose people are rehearsed with: a file's, the installation's own, or those of a sample roster.

    A protocol whose incident needs people that the sample roster lacks brings some of its own.
    """
    if path is not None and own:
        message = "give --roster or --own-roster, not both"
        raise BadInput(message)
    if own:
        from cism.cli.viewer import acting  # it brings the whole installation's settings with it

        with acting(None, "rehearse own roster") as viewer:
            return rehearsal_ground.copied(viewer.session)
    if path is not None:
        return rehearsal_ground.from_file(reading.file(path))
    theirs = _INCIDENTS.joinpath(f"{key}.csv")
    return (
        rehearsal_ground.from_file(theirs.read_text(encoding="utf-8"))
        if theirs.is_file()
        else rehearsal_ground.sample()
    )


def script(path: Path | None, key: str, present: datetime, *, sample: bool) -> Script:
    """The incident of a file; without one that of the protocol, or for another roster the usual one."""
    if path is not None:
        return _script(reading.file(path), str(path), present)
    if not sample:
        return Script(report=None, start=present.replace(second=0, microsecond=0))
    file = _INCIDENTS.joinpath(f"{key}.json")
    if not file.is_file():
        file = _INCIDENTS.joinpath(f"{_ALWAYS}.json")
    return _script(file.read_text(encoding="utf-8"), file.name, present)


def _script(text: str, name: str, present: datetime) -> Script:
    try:
        found = json.loads(text)
    except ValueError as error:
        message = f"{name} is not JSON: {error}; write an incident as POST /api/v1/incidents takes it"
        raise BadInput(message) from None
    if not isinstance(found, dict) or not set(found) <= _KEYS:
        message = f"{name}: an incident is an object with some of {', '.join(sorted(_KEYS))}"
        raise BadInput(message)
    changes = _read(_CHANGES, found.pop(_LATER, ()), name, f"{_LATER}.")
    logged = _read(_MOMENT, found.pop(_LOGGED, None), name, _LOGGED)
    report = _read(_INPUT, found, name)
    _refuse_times_without_zone(name, report)
    later = tuple(Later(item.at, item.model_dump(exclude={"at"}, exclude_none=True)) for item in changes)
    return Script(report=report, start=logged or rehearsal.logged_at(report, present), later=later)


def _read(adapter: TypeAdapter[Any], value: object, name: str, prefix: str = "") -> Any:
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        message = f"{name}: {prefix}{where}: {first['msg']}"
        raise BadInput(message) from None


def _refuse_times_without_zone(name: str, report: IncidentInput) -> None:
    rows: list[IncidentInput | AffectedInput] = [report, *report.affected]
    for row in rows:
        for item in fields(row):
            value: Any = getattr(row, item.name)
            if isinstance(value, datetime) and value.tzinfo is None:
                message = f"{name}: {item.name} has no zone; write it like 2026-03-02T14:30-05:00"
                raise BadInput(message)
