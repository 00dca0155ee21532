"""Killings by police 2015 (FiveThirtyEight, from The Guardian's "The Counted").

Date only, so the clock time stays unknown; the zone is told from state and coordinates. Two people who
died by one agency at one place on one day are one incident: the second row is a repeat. A cause that the
source calls unknown is read as a death in custody, because that keeps the same legal care as a shooting.
"""

from __future__ import annotations

from collections.abc import Mapping

from cism.domain.csv_lines import shown
from cism.domain.incident import Severity
from cism.domain.incident_files import cells as read
from cism.domain.incident_files.known_format import Cells, Format
from cism.domain.incident_files.lodd import discipline_of
from cism.domain.incident_files.report import IncidentReport, row_key
from cism.domain.incident_files.us_zones import known_state, zone_of

NAME = "police_killings_2015"
_BY_CAUSE: Mapping[str, tuple[str, Severity]] = {
    "gunshot": ("OIS_SHOOTER", Severity.S4),
    "taser": ("IN_CUSTODY_DEATH", Severity.S3),
    "death in custody": ("IN_CUSTODY_DEATH", Severity.S3),
    "struck by vehicle": ("FATAL_PURSUIT", Severity.S3),
    "unknown": ("IN_CUSTODY_DEATH", Severity.S3),
}


def _read(row: Cells) -> IncidentReport:
    day = read.day("date", row["date"])
    agency = read.words("agency", row["agency"])
    city = read.words("city", row["city"])
    state = known_state(row["state"])
    cause = read.words("cause", row["cause"])
    read.optional_words("armed", row["armed"])
    place = read.coordinates(row["lat"], row["lng"])
    if cause.casefold() not in _BY_CAUSE:
        message = f"cause {shown(cause)} is not known; known: {', '.join(_BY_CAUSE)}"
        raise read.RowRefusedError(message)
    kind, severity = _BY_CAUSE[cause.casefold()]
    return IncidentReport(
        source_key=row_key(NAME, day.isoformat(), agency, city, state, cause),
        event_key=row_key("killing", day.isoformat(), city, state),
        type=kind,
        severity=severity,
        source_agency=agency,
        discipline=discipline_of(agency),
        date=day,
        zone=zone_of(state, place),
        place_code=f"{city}, {state}",
        note="the source does not know the cause" if cause.casefold() == "unknown" else "",
    )


FORMAT = Format(
    name=NAME,
    title="killings by police, first quarter of 2015",
    columns=("date", "agency", "city", "state", "cause", "armed", "lat", "lng"),
    identity="date, agency, city, state, cause",
    read_row=_read,
)
