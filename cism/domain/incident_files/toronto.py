"""Fires with hurt firefighters (City of Toronto). Local times, a real count of responders on scene.

At least three hurt firefighters or three civilian casualties make it S4, otherwise S3. Exposure ends when
the scene is cleared, days after the alarm in a long fire. Over a long fire `personnel` counts crews again
with every shift, so it is capped at 200, a ceiling of this product and of no source.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from cism.domain.incident import Severity
from cism.domain.incident_files import cells as read
from cism.domain.incident_files.known_format import Cells, Format, NotCritical
from cism.domain.incident_files.report import IncidentReport
from cism.domain.people import Discipline

NAME = "toronto_firefighter_casualties"
ZONE = "America/Toronto"
MOST_PEOPLE = 200
_MANY = 3
_LONGEST = timedelta(days=31)


def _read(row: Cells) -> IncidentReport | NotCritical:
    number = read.words("incident_number", row["incident_number"])
    key = f"{NAME}:{number.casefold()}"
    hurt = read.count("firefighter_casualties", row["firefighter_casualties"])
    civilians = read.count("civilian_casualties", row["civilian_casualties"])
    read.count("persons_rescued", row["persons_rescued"])
    people = read.count("personnel", row["personnel"])
    alarm = read.stamp("alarm_time", row["alarm_time"])
    began = read.from_local("alarm_time", alarm, ZONE)
    ended = _ended(row, began)
    if not hurt:
        return NotCritical(key, "no firefighter was hurt, and whether anybody died is unknown", alarm.date())
    return IncidentReport(
        source_key=key,
        type="LOD_INJURY",
        severity=Severity.S4 if max(hurt, civilians) >= _MANY else Severity.S3,
        source_agency="Toronto Fire Services",
        discipline=Discipline.FIRE,
        date=alarm.date(),
        occurred_at=began,
        ended_at=ended,
        zone=ZONE,
        place_code=read.optional_words("intersection", row["intersection"]) or None,
        people_exposed=min(people, MOST_PEOPLE) or None,
        note=_note(people, alarm),
    )


def _ended(row: Cells, began: datetime) -> datetime | None:
    last = began
    for column in ("arrival_time", "clear_time"):
        if row[column]:
            at = read.from_local(column, read.stamp(column, row[column]), ZONE, not_before=last)
            if at < last or at - began > _LONGEST:
                message = (
                    f"{column} is {'before what came before it' if at < last else 'more than 31 days later'}"
                )
                raise read.RowRefusedError(message)
            last = at
    return last if row["clear_time"] else None


def _note(people: int, alarm: datetime) -> str:
    notes = []
    if people > MOST_PEOPLE:
        notes.append(f"personnel {people} counts crews again, capped at {MOST_PEOPLE}")
    if read.came_twice(alarm, ZONE):
        notes.append("the alarm's clock time came twice that night, the first was taken")
    return "; ".join(notes)


FORMAT = Format(
    name=NAME,
    title="fires with hurt firefighters in Toronto",
    columns=(
        "incident_number",
        "alarm_time",
        "arrival_time",
        "clear_time",
        "cad_event_type",
        "final_incident_type",
        "station_area",
        "ward",
        "intersection",
        "property_use",
        "apparatus",
        "personnel",
        "firefighter_casualties",
        "civilian_casualties",
        "persons_rescued",
    ),
    identity="incident_number",
    read_row=_read,
)
