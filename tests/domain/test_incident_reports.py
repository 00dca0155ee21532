"""All that a report says of a row, and where a result says it stood."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, date, datetime

import pytest

from cism.domain.incident import Severity
from cism.domain.incident_files import Imported, PassedOver, Refused, format_named, read_incidents
from cism.domain.people import Discipline
from cism.errors import BadInput
from tests.domain.incident_rows import (
    CAD,
    KILLINGS,
    LODD,
    SCHOOLS,
    SHOOTINGS,
    TORONTO,
    fire,
    report,
    results,
    school,
)

KEYS = {"source_key", "event_key"}
UNKNOWN = dict.fromkeys(("occurred_at", "ended_at", "people_exposed"))


def told(header: str, row: str) -> dict[str, object]:
    return {name: value for name, value in asdict(report(header, row)).items() if name not in KEYS}


def test_a_line_of_duty_death_in_full() -> None:
    assert told(LODD, "2009-11-29,Elm Police,WA,Gunfire,1,0") == UNKNOWN | {
        "type": "LODD",
        "severity": Severity.S4,
        "source_agency": "Elm Police",
        "discipline": Discipline.LAW_ENFORCEMENT,
        "date": date(2009, 11, 29),
        "zone": "America/Los_Angeles",
        "place_code": "WA",
        "note": "the date is the day of death, the event may be earlier",
    }


@pytest.mark.parametrize(
    ("cause", "note"), [("Gunshot", ""), ("Unknown", "the source does not know the cause")]
)
def test_a_killing_in_full(cause: str, note: str) -> None:
    found = told(KILLINGS, f"2015-01-01,Elm County Jail,Elmtown,FL,{cause},No,25.155,-80.390")
    assert found == UNKNOWN | {
        "type": found["type"],
        "severity": found["severity"],
        "source_agency": "Elm County Jail",
        "discipline": Discipline.CORRECTIONS,
        "date": date(2015, 1, 1),
        "zone": "America/New_York",
        "place_code": "Elmtown, FL",
        "note": note,
    }


def test_a_fatal_shooting_in_full() -> None:
    assert told(SHOOTINGS, "3,2015-01-02,shot,,Shelton,WA,True,attack,,False") == UNKNOWN | {
        "type": "OIS_SHOOTER",
        "severity": Severity.S4,
        "source_agency": "police, Shelton, WA",
        "discipline": Discipline.LAW_ENFORCEMENT,
        "date": date(2015, 1, 2),
        "zone": "America/Los_Angeles",
        "place_code": "Shelton, WA",
        "note": "",
    }


def test_a_fire_in_full() -> None:
    found = report(TORONTO, fire("2011-07-08T14:03:46", "2011-07-08T16:02:48"))
    assert asdict(found) == {
        "source_key": "toronto_firefighter_casualties:f1",
        "event_key": None,
        "type": "LOD_INJURY",
        "severity": Severity.S3,
        "source_agency": "Toronto Fire Services",
        "discipline": Discipline.FIRE,
        "date": date(2011, 7, 8),
        "occurred_at": datetime(2011, 7, 8, 18, 3, 46, tzinfo=UTC),
        "ended_at": datetime(2011, 7, 8, 20, 2, 48, tzinfo=UTC),
        "zone": "America/Toronto",
        "place_code": "Elm St / Oak St",
        "people_exposed": 40,
        "note": "",
    }


def test_a_school_shooting_in_full() -> None:
    assert asdict(report(SCHOOLS, school())) == {
        "source_key": "school_shootings:7",
        "event_key": None,
        "type": "CHILD",
        "severity": Severity.S3,
        "source_agency": "police, Elmtown, Ohio",
        "discipline": Discipline.LAW_ENFORCEMENT,
        "date": date(2009, 5, 4),
        "occurred_at": datetime(2009, 5, 4, 12, 15, tzinfo=UTC),
        "ended_at": None,
        "zone": "America/New_York",
        "place_code": "Elm School, Elmtown, Ohio",
        "people_exposed": None,
        "note": "",
    }


def test_a_school_time_that_came_twice_is_the_first_and_said() -> None:
    # Clocks in Ohio went back from 02:00 to 01:00 on 2013-11-03.
    found = report(SCHOOLS, school(day="2013-11-03", when="1:30 AM"))
    assert found.occurred_at == datetime(2013, 11, 3, 5, 30, tzinfo=UTC)
    assert found.note == "the clock time came twice that day, the first was taken"


def test_whoever_was_killed_and_hurt_at_a_school_is_added_up() -> None:
    found = report(SCHOOLS, school(killed="1", injured="1", casualties="2"))
    assert (found.type, found.severity) == ("CHILD", Severity.S3)


def test_the_last_clear_time_and_the_most_people_that_are_believed() -> None:
    longest = report(TORONTO, fire("2013-05-01T02:30:00", "2013-06-01T02:30:00", people="200"))
    assert longest.ended_at == datetime(2013, 6, 1, 6, 30, tzinfo=UTC)
    assert (longest.people_exposed, longest.note) == (200, "")
    at_once = report(TORONTO, fire("2013-11-03T01:30:00", "2013-11-03T01:30:00"))
    assert at_once.ended_at == at_once.occurred_at


def test_a_row_of_each_kind_says_its_line_and_its_key() -> None:
    row = "2015-02-04,Elm Police,Phoenix,AZ,Gunshot,Other,33.378,-111.97"
    first, again, bad = results(KILLINGS, row, row, row.replace("AZ", "Q9"))
    assert isinstance(first, Imported)
    assert again == Refused(
        3,
        first.source_key,
        "the same incident as line 2 (same date, agency, city, state, cause); once is enough",
    )
    assert bad == Refused(4, None, "state 'Q9' is not a state")


def test_what_is_passed_over_says_its_line_its_key_and_why() -> None:
    (found,) = results(TORONTO, fire("2012-01-09T06:11:50", "", hurt="0"))
    why = "no firefighter was hurt, and whether anybody died is unknown"
    assert found == PassedOver(2, "toronto_firefighter_casualties:f1", why)
    (future,) = results(TORONTO, fire("2012-01-09T06:11:50", "", hurt="0"), today=date(2012, 1, 7))
    assert future == Refused(2, None, "2012-01-09 lies in the future")
    (call,) = results(CAD, "2016-01-15T12:01,EMS,FEVER,ELM,40.1,-75.3", today=date(2016, 1, 13))
    assert call == Refused(2, None, "2016-01-15 lies in the future")


@pytest.mark.parametrize(
    ("text", "says"),
    [("", "The file is empty."), ('"date,agency', "line 1: "), (CAD, "The file lacks the columns id, date")],
)
def test_a_file_that_cannot_be_used_is_refused_with_its_line(text: str, says: str) -> None:
    with pytest.raises(BadInput) as refused:
        read_incidents(text, format="fatal_police_shootings" if text == CAD else None)
    assert str(refused.value).startswith(says)
    assert refused.value.errors == [str(refused.value) if says == "line 1: " else f"line 1: {refused.value}"]


def test_an_unknown_format_is_refused_with_its_name() -> None:
    with pytest.raises(BadInput) as refused:
        format_named("cad_911_call")
    assert refused.value.errors == [str(refused.value)]
