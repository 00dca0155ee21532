"""Shootings at schools (Washington Post). Local clock time, or none.

`killed` and `injured` exclude the shooter. Three killed or more are a multi-casualty event, S4. One
victim, hurt or killed, or a shooter who turned on themselves (a pupil as a rule) makes it a child victim,
S3. Shots that hit nobody are a threat to those who went in, S2. The zone is told from state and
coordinates; where it cannot be, a known clock time is still no instant and stays unknown. Enrollment
bounds the people at the school, not the responders.
"""

from __future__ import annotations

from datetime import date, datetime, time

from cism.domain.incident import Severity
from cism.domain.incident_files import cells as read
from cism.domain.incident_files.known_format import Cells, Format
from cism.domain.incident_files.report import IncidentReport
from cism.domain.incident_files.us_zones import known_state, zone_of
from cism.domain.people import Discipline

NAME = "school_shootings"
_MANY = 3


def _read(row: Cells) -> IncidentReport:
    number = read.count("uid", row["uid"])
    day = read.day("date", row["date"])
    clock = read.half_day_clock("time", row["time"])
    city = read.words("city", row["city"])
    state = known_state(row["state"])
    kind, severity = _weigh(row)
    zone = zone_of(state, read.coordinates(row["lat"], row["long"]))
    occurred, note = _occurred(day, clock, zone)
    return IncidentReport(
        source_key=f"{NAME}:{number}",
        type=kind,
        severity=severity,
        source_agency=f"police, {city}, {state}",
        discipline=Discipline.LAW_ENFORCEMENT,
        date=day,
        occurred_at=occurred,
        zone=zone,
        place_code=f"{read.words('school_name', row['school_name'])}, {city}, {state}",
        note=note,
    )


def _weigh(row: Cells) -> tuple[str, Severity]:
    killed = read.count("killed", row["killed"])
    injured = read.count("injured", row["injured"])
    if row["casualties"] and read.count("casualties", row["casualties"]) != killed + injured:
        message = "casualties is not the sum of killed and injured"
        raise read.RowRefusedError(message)
    if killed >= _MANY:
        return "MCI", Severity.S4
    if killed + injured or "suicide" in read.optional_words("shooting_type", row["shooting_type"]).casefold():
        return "CHILD", Severity.S3
    return "THREAT", Severity.S2


def _occurred(day: date, clock: time | None, zone: str | None) -> tuple[datetime | None, str]:
    if clock is None:
        return None, "the source gives no clock time"
    if zone is None:
        return None, f"the clock time {clock:%H:%M} is local, and its time zone cannot be told"
    local = datetime.combine(day, clock)
    note = "the clock time came twice that day, the first was taken" if read.came_twice(local, zone) else ""
    return read.from_local("time", local, zone), note


FORMAT = Format(
    name=NAME,
    title="shootings at schools",
    columns=(
        "uid",
        "date",
        "time",
        "day_of_week",
        "school_name",
        "district_name",
        "city",
        "county",
        "state",
        "school_type",
        "enrollment",
        "staffing",
        "killed",
        "injured",
        "casualties",
        "shooting_type",
        "resource_officer",
        "lat",
        "long",
    ),
    identity="uid",
    read_row=_read,
)
