"""Fatal police shootings (Washington Post). No agency, no clock time, no coordinates.

The agency is given as `police, city, state`. Rows carry an id; two of one day and city may be two events,
so each is an incident of its own. `event_key` equals that of the killings file for the same day and city.
"""

from __future__ import annotations

from cism.domain.csv_lines import shown
from cism.domain.incident import Severity
from cism.domain.incident_files import cells as read
from cism.domain.incident_files.known_format import Cells, Format
from cism.domain.incident_files.report import IncidentReport, row_key
from cism.domain.incident_files.us_zones import known_state, zone_of
from cism.domain.people import Discipline

NAME = "fatal_police_shootings"
_MANNERS = frozenset({"shot", "shot and tasered"})


def _read(row: Cells) -> IncidentReport:
    number = read.count("id", row["id"])
    day = read.day("date", row["date"])
    city = read.words("city", row["city"])
    state = known_state(row["state"])
    manner = read.words("manner_of_death", row["manner_of_death"]).casefold()
    if manner not in _MANNERS:
        message = f"manner_of_death {shown(manner)} is not known; known: shot, shot and Tasered"
        raise read.RowRefusedError(message)
    # One row of the source has a street where the city should be: an address is not taken over.
    place = f"{city}, {state}" if not any(char.isdigit() for char in city) else state
    return IncidentReport(
        source_key=f"{NAME}:{number}",
        event_key=row_key("killing", day.isoformat(), city, state),
        type="OIS_SHOOTER",
        severity=Severity.S4,
        source_agency=f"police, {place}",
        discipline=Discipline.LAW_ENFORCEMENT,
        date=day,
        zone=zone_of(state),
        place_code=place,
    )


FORMAT = Format(
    name=NAME,
    title="fatal police shootings",
    columns=(
        "id",
        "date",
        "manner_of_death",
        "armed",
        "city",
        "state",
        "signs_of_mental_illness",
        "threat_level",
        "flee",
        "body_camera",
    ),
    identity="id",
    read_row=_read,
)
