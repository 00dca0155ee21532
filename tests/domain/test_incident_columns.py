"""Which columns of a row count, and what a refusal says of them."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from cism.domain.incident_files import Imported, PassedOver, Refused, read_incidents
from cism.domain.incident_files.registry import FORMATS

GARBLED = "CataÃ±o"
LODD = {
    "date": "2009-11-29", "agency": "Elm Police", "state": "WA", "cause": "Gunfire",
    "officers_killed": "1", "canines_killed": "0",
}  # fmt: skip
KILLINGS = {
    "date": "2015-01-02", "agency": "Elm Police", "city": "Elmtown", "state": "FL", "cause": "Gunshot",
    "armed": "No", "lat": "25.1", "lng": "-80.3",
}  # fmt: skip
SHOOTINGS = {
    "id": "3", "date": "2015-01-02", "manner_of_death": "shot", "armed": "gun", "city": "Shelton",
    "state": "WA", "signs_of_mental_illness": "True", "threat_level": "attack", "flee": "", "body_camera": "",
}  # fmt: skip
TORONTO = {
    "incident_number": "F1", "alarm_time": "2011-07-08T14:03:46", "arrival_time": "2011-07-08T14:08:00",
    "clear_time": "2011-07-08T16:02:48", "cad_event_type": "FIR", "final_incident_type": "01 - Fire",
    "station_area": "1", "ward": "2", "intersection": "Elm St / Oak St", "property_use": "301 - House",
    "apparatus": "5", "personnel": "40", "firefighter_casualties": "1", "civilian_casualties": "0",
    "persons_rescued": "0",
}  # fmt: skip
SCHOOLS = {
    "uid": "7", "date": "2009-05-04", "time": "8:15 AM", "day_of_week": "Monday", "school_name": "Elm School",
    "district_name": "Elm", "city": "Elmtown", "county": "Elm", "state": "Ohio", "school_type": "public",
    "enrollment": "100", "staffing": "10", "killed": "0", "injured": "1", "casualties": "",
    "shooting_type": "targeted", "resource_officer": "0", "lat": "", "long": "",
}  # fmt: skip
CAD = {
    "time": "2016-01-15T12:01", "service": "EMS", "call_type": "FALL VICTIM", "township": "NORRISTOWN",
    "lat": "40.1", "lng": "-75.3",
}  # fmt: skip
ROWS: dict[str, dict[str, str]] = {
    "police_line_of_duty_deaths": LODD,
    "police_killings_2015": KILLINGS,
    "fatal_police_shootings": SHOOTINGS,
    "toronto_firefighter_casualties": TORONTO,
    "school_shootings": SCHOOLS,
    "cad_911_calls": CAD,
}
# Another cell that can be read, where the column does not hold just any words.
OTHER = {
    "date": "2014-03-04", "state": "OR", "officers_killed": "2", "canines_killed": "1", "lat": "41.5",
    "lng": "-81.5", "long": "-81.5", "id": "4", "manner_of_death": "shot and Tasered", "uid": "8",
    "alarm_time": "2011-07-08T14:00:00", "arrival_time": "2011-07-08T14:09:00", "killed": "1",
    "clear_time": "2011-07-08T17:00:00", "personnel": "41", "firefighter_casualties": "2", "injured": "2",
    "civilian_casualties": "2", "persons_rescued": "2", "time": "9:15 AM", "casualties": "1",
}  # fmt: skip


def read(row: Mapping[str, str]) -> Imported | PassedOver | Refused:
    (result,) = read_incidents(f"{','.join(row)}\n{','.join(row.values())}\n")
    return result


def other(name: str, column: str) -> str:
    if name == "cad_911_calls" and column == "time":
        return "2016-01-15T12:02"
    if name == "police_killings_2015" and column == "cause":
        return "Taser"
    return OTHER.get(column, "Oak")


@pytest.mark.parametrize("name", ROWS)
def test_each_column_that_makes_a_row_the_same_tells_two_rows_apart_and_no_other_does(name: str) -> None:
    known = FORMATS[name]
    identity = known.columns if known.identity == "all columns" else known.identity.split(", ")
    key = read(ROWS[name]).source_key
    apart = []
    for column in known.columns:
        found = read(ROWS[name] | {column: other(name, column)})
        assert not isinstance(found, Refused), found
        if found.source_key != key:
            apart.append(column)
    assert apart == list(identity)


@pytest.mark.parametrize("name", ROWS)
def test_a_key_begins_with_the_name_of_its_format(name: str) -> None:
    key = read(ROWS[name]).source_key
    assert key is not None
    assert key.startswith(f"{name}:")


def test_deaths_of_one_day_and_place_in_two_sources_may_be_one_event() -> None:
    keys = set()
    for change in ({}, {"date": "2015-01-03"}, {"city": "Oak"}, {"state": "OR"}, {"agency": "Oak Police"}):
        found = read(KILLINGS | change)
        assert isinstance(found, Imported)
        keys.add(found.report.event_key)
    assert len(keys) == 4


@pytest.mark.parametrize(
    ("row", "column", "bad"),
    [
        *((LODD, column, "") for column in LODD),
        *((KILLINGS, column, "") for column in ("date", "agency", "city", "state", "cause")),
        (KILLINGS, "armed", GARBLED),
        *((SHOOTINGS, column, "") for column in ("id", "date", "city", "state", "manner_of_death")),
        *((TORONTO, column, "") for column in ("incident_number", "alarm_time", "personnel")),
        *((TORONTO, column, "many") for column in TORONTO if column.endswith(("casualties", "rescued"))),
        *((TORONTO, column, "noon") for column in ("alarm_time", "arrival_time", "clear_time")),
        *((TORONTO, column, "2013-03-10T02:30:00") for column in ("alarm_time", "clear_time")),
        (TORONTO, "intersection", GARBLED),
        *((SCHOOLS, column, "") for column in ("uid", "date", "school_name", "city", "state")),
        *((SCHOOLS, column, "many") for column in ("time", "killed", "injured", "casualties")),
        (SCHOOLS, "shooting_type", GARBLED),
        *((CAD, column, "") for column in ("time", "service", "call_type")),
        (CAD, "township", GARBLED),
    ],
)
def test_the_reason_names_the_column_of_the_cell_that_cannot_be(
    row: dict[str, str], column: str, bad: str
) -> None:
    quiet = {"injured": "0"} if column == "shooting_type" else {}
    found = read(row | quiet | {column: bad})
    assert isinstance(found, Refused)
    assert found.reason.startswith(f"{column} ")


def test_a_clock_time_that_never_was_is_told_by_its_column() -> None:
    found = read(SCHOOLS | {"date": "2013-03-10", "time": "2:30 AM"})
    assert isinstance(found, Refused)
    assert found.reason.startswith("time 2013-03-10T02:30:00 never was")


@pytest.mark.parametrize("bad", [{"lat": "95.0"}, {"lng": "-190.0"}])
def test_the_place_of_a_dispatch_call_must_be_on_earth(bad: dict[str, str]) -> None:
    found = read(CAD | bad)
    assert isinstance(found, Refused)
    assert "not on earth" in found.reason
