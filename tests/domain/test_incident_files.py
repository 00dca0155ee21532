"""What a row of each known format becomes."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from cism.domain.incident import Severity
from cism.domain.incident_files import (
    Imported,
    PassedOver,
    Refused,
    detect,
    format_named,
    read_incidents,
)
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
    refusal,
    report,
    results,
    school,
)


@pytest.mark.parametrize(
    ("header", "name"),
    [
        (LODD, "police_line_of_duty_deaths"),
        (KILLINGS, "police_killings_2015"),
        (SHOOTINGS, "fatal_police_shootings"),
        (TORONTO, "toronto_firefighter_casualties"),
        (SCHOOLS, "school_shootings"),
        (CAD, "cad_911_calls"),
    ],
)
def test_the_header_tells_the_format_in_any_order_of_columns(header: str, name: str) -> None:
    assert detect(header.split(",")).name == name
    assert detect(list(reversed(header.split(",")))).name == name


def test_an_unknown_header_is_refused_with_the_nearest_format_and_what_it_lacks() -> None:
    with pytest.raises(
        BadInput, match=r"nearest format is police_line_of_duty_deaths.*columns cause\."
    ) as refused:
        read_incidents("date,agency,state,officers_killed,canines_killed\n")
    assert len(refused.value.errors) == 1


def test_a_named_format_must_be_known_and_fit_the_header() -> None:
    with pytest.raises(BadInput, match="did you mean cad_911_calls"):
        format_named("cad_911_call")
    with pytest.raises(BadInput, match="lacks the columns id, date"):
        read_incidents(CAD + "\n", format="fatal_police_shootings")
    assert list(read_incidents(CAD + "\n", format="cad_911_calls")) == []


@pytest.mark.parametrize("text", ["", "  \n", '"date,agency'])
def test_an_empty_file_or_a_broken_header_is_refused_at_once(text: str) -> None:
    with pytest.raises(BadInput):
        read_incidents(text)


@pytest.mark.parametrize(
    ("cause", "officers", "canines", "kind", "severity"),
    [
        ("Gunfire", 1, 0, "LODD", Severity.S4),
        ("Automobile accident", 2, 0, "LODD", Severity.S4),
        ("Heart attack", 1, 0, "LODD", Severity.S3),
        ("Duty related illness", 1, 0, "LODD", Severity.S3),
        ("9/11 related illness", 1, 0, "LODD", Severity.S3),
        ("Gunfire", 1, 1, "LODD", Severity.S4),
        ("Stabbed", 0, 1, "OTHER", Severity.S2),
        ("Heat exhaustion", 0, 1, "OTHER", Severity.S1),
    ],
)
def test_a_line_of_duty_death_is_weighed_by_who_died_and_how_long_ago(
    cause: str, officers: int, canines: int, kind: str, severity: Severity
) -> None:
    found = report(LODD, f"2009-11-29,Elm County Sheriff's Office,WA,{cause},{officers},{canines}")
    assert (found.type, found.severity) == (kind, severity)
    assert (found.date, found.occurred_at, found.people_exposed) == (date(2009, 11, 29), None, None)
    assert found.zone == "America/Los_Angeles"
    assert "day of death" in found.note


def test_a_federal_agency_has_no_state_and_no_zone() -> None:
    found = report(LODD, "2001-09-11,United States Secret Service,US,Terrorist attack,1,0")
    assert (found.zone, found.place_code) == (None, None)


def test_corrections_are_told_from_the_name_of_the_agency() -> None:
    found = report(LODD, '1995-01-08,"Elm County Department of Corrections, Jail Division",NJ,Assault,1,0')
    assert found.discipline is Discipline.CORRECTIONS
    assert found.source_agency.endswith("Corrections, Jail Division")


@pytest.mark.parametrize(
    ("cause", "kind", "severity"),
    [
        ("Gunshot", "OIS_SHOOTER", Severity.S4),
        ("Taser", "IN_CUSTODY_DEATH", Severity.S3),
        ("Death in custody", "IN_CUSTODY_DEATH", Severity.S3),
        ("Struck by vehicle", "FATAL_PURSUIT", Severity.S3),
        ("Unknown", "IN_CUSTODY_DEATH", Severity.S3),
    ],
)
def test_a_killing_is_typed_by_its_cause(cause: str, kind: str, severity: Severity) -> None:
    found = report(KILLINGS, f"2015-01-01,Elm Police,Elmtown,FL,{cause},No,25.155,-80.390")
    assert (found.type, found.severity, found.zone) == (kind, severity, "America/New_York")
    assert found.occurred_at is None


def test_several_agencies_joined_by_commas_stay_one_text() -> None:
    found = report(KILLINGS, '2015-01-06,"Elm Police, Oak  Police",Elmtown,PA,Gunshot,No,40.4,-79.9')
    assert found.source_agency == "Elm Police, Oak Police"


def test_two_deaths_of_one_event_are_one_incident() -> None:
    row = "2015-02-04,Elm Police,Phoenix,AZ,Gunshot,{},33.378,-111.97"
    first, second = results(KILLINGS, row.format("Firearm"), row.format("Other"))
    assert isinstance(first, Imported)
    assert isinstance(second, Refused)
    assert "the same incident as line 2" in second.reason


def test_a_shooting_without_agency_names_the_police_of_the_place() -> None:
    found = report(SHOOTINGS, "3,2015-01-02,shot,,Shelton,WA,True,attack,,False")
    assert (found.type, found.source_agency) == ("OIS_SHOOTER", "police, Shelton, WA")
    assert found.source_key == "fatal_police_shootings:3"


def test_a_street_in_place_of_a_city_is_not_taken_over() -> None:
    found = report(SHOOTINGS, "3,2015-01-02,shot,,300 block of Elm Road,TN,True,attack,,False")
    assert found.source_agency == "police, TN"


def test_one_event_in_two_sources_has_one_event_key() -> None:
    here = report(SHOOTINGS, "3,2015-01-02,shot,,Key Largo,FL,True,attack,,False")
    there = report(KILLINGS, "2015-01-02,Elm Police,key  largo,FL,Gunshot,No,,")
    assert here.event_key == there.event_key
    assert here.source_key != there.source_key


def test_a_fire_counts_its_people_and_ends_when_cleared() -> None:
    found = report(TORONTO, fire("2011-07-08T14:03:46", "2011-07-08T16:02:48"))
    assert (found.type, found.severity, found.people_exposed) == ("LOD_INJURY", Severity.S3, 40)
    assert found.occurred_at == datetime(2011, 7, 8, 18, 3, 46, tzinfo=UTC)
    assert found.ended_at == datetime(2011, 7, 8, 20, 2, 48, tzinfo=UTC)
    assert (found.zone, found.discipline) == ("America/Toronto", Discipline.FIRE)
    assert found.place_code == "Elm St / Oak St"


def test_a_long_fire_that_counts_crews_again_is_capped() -> None:
    found = report(TORONTO, fire("2012-01-09T06:11:50", "2012-01-20T22:00:10", people="1275"))
    assert found.people_exposed == 200
    assert "1275" in found.note


def test_a_fire_still_burning_has_no_end() -> None:
    assert report(TORONTO, fire("2012-01-09T06:11:50", "", people="0")).ended_at is None


@pytest.mark.parametrize(("hurt", "civilians"), [("3", "0"), ("1", "4")])
def test_many_hurt_make_a_fire_graver(hurt: str, civilians: str) -> None:
    row = fire("2012-01-09T06:11:50", "2012-01-09T08:00:00", hurt=hurt, civilians=civilians)
    assert report(TORONTO, row).severity is Severity.S4


def test_a_fire_without_hurt_firefighters_is_passed_over() -> None:
    (found,) = results(TORONTO, fire("2012-01-09T06:11:50", "2012-01-09T08:00:00", hurt="0"))
    assert isinstance(found, PassedOver)


def test_of_a_time_that_came_twice_the_first_is_taken_and_said() -> None:
    # Clocks in Toronto went back from 02:00 to 01:00 on 2013-11-03.
    found = report(TORONTO, fire("2013-11-03T01:30:00", "2013-11-03T01:10:00"))
    assert found.occurred_at == datetime(2013, 11, 3, 5, 30, tzinfo=UTC)
    assert found.ended_at == datetime(2013, 11, 3, 6, 10, tzinfo=UTC)
    assert "came twice" in found.note


def test_a_time_that_never_was_is_refused() -> None:
    # Clocks in Toronto went forward from 02:00 to 03:00 on 2013-03-10.
    assert "never was in America/Toronto" in refusal(
        TORONTO, fire("2013-03-10T02:30:00", "2013-03-10T05:00:00")
    )
    assert "never was" in refusal(SCHOOLS, school(day="2013-03-10", when="2:30 AM"))


@pytest.mark.parametrize(
    ("killed", "injured", "shooting", "kind", "severity"),
    [
        ("3", "0", "indiscriminate", "MCI", Severity.S4),
        ("1", "0", "targeted", "CHILD", Severity.S3),
        ("0", "9", "", "CHILD", Severity.S3),
        ("0", "0", "public suicide", "CHILD", Severity.S3),
        ("0", "0", "accidental", "THREAT", Severity.S2),
    ],
)
def test_a_school_shooting_is_weighed_by_its_victims(
    killed: str, injured: str, shooting: str, kind: str, severity: Severity
) -> None:
    found = report(SCHOOLS, school(killed=killed, injured=injured, kind=shooting))
    assert (found.type, found.severity) == (kind, severity)


@pytest.mark.parametrize("when", ["2:30PM", "2:30 PM", "02:30 pm"])
def test_a_school_time_is_local_to_its_state(when: str) -> None:
    assert report(SCHOOLS, school(when=when)).occurred_at == datetime(2009, 5, 4, 18, 30, tzinfo=UTC)


def test_noon_and_midnight_are_read_right() -> None:
    assert report(SCHOOLS, school(when="12:00 PM")).occurred_at == datetime(2009, 5, 4, 16, tzinfo=UTC)
    assert report(SCHOOLS, school(when="12:05 AM")).occurred_at == datetime(2009, 5, 4, 4, 5, tzinfo=UTC)


def test_an_unknown_time_stays_unknown() -> None:
    found = report(SCHOOLS, school(when=""))
    assert (found.occurred_at, found.zone) == (None, "America/New_York")
    undecided = report(SCHOOLS, school(state="Tennessee"))
    assert (undecided.occurred_at, undecided.zone) == (None, None)
    assert "zone cannot be told" in undecided.note


def test_coordinates_decide_the_zone_of_a_state_in_two() -> None:
    assert report(SCHOOLS, school(state="Tennessee", lat="35.10", long="-90.01")).zone == "America/Chicago"
    assert report(SCHOOLS, school(state="Tennessee", lat="36.35", long="-84.14")).zone == "America/New_York"


@pytest.mark.parametrize("call", ["CARDIAC ARREST", "RESCUE - WATER", "VEHICLE ACCIDENT"])
def test_the_calls_nearest_to_a_critical_incident_ask_for_a_human(call: str) -> None:
    (found,) = results(CAD, f"2016-01-15T12:01,EMS,{call},NORRISTOWN,40.1,-75.3")
    assert isinstance(found, PassedOver)
    assert "fatality unknown; log it by hand" in found.reason


def test_an_ordinary_call_is_passed_over_however_often_it_stands_there() -> None:
    row = "2016-01-15T12:01,EMS,FALL VICTIM,NORRISTOWN,40.1,-75.3"
    found = results(CAD, row, row)
    assert [type(result) for result in found] == [PassedOver, PassedOver]
    assert all(isinstance(r, PassedOver) and "ordinary dispatch call" in r.reason for r in found)
