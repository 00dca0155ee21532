"""Every row of a file of real incidents is imported, passed over or refused, with a reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cism.data import sample
from cism.domain.incident import Severity
from cism.domain.incident_files import (
    FORMATS,
    Imported,
    IncidentReport,
    PassedOver,
    Refused,
    RowResult,
    detect,
    format_named,
    read_incidents,
)
from cism.domain.incident_files.us_zones import state_code, zone_of
from cism.domain.incident_types import INCIDENT_TYPES
from cism.domain.people import Discipline
from cism.errors import BadInput

REAL = Path(__file__).parents[3] / "shared" / "data"
LODD = "date,agency,state,cause,officers_killed,canines_killed"
KILLINGS = "date,agency,city,state,cause,armed,lat,lng"
SHOOTINGS = "id,date,manner_of_death,armed,city,state,signs_of_mental_illness,threat_level,flee,body_camera"
TORONTO = (
    "incident_number,alarm_time,arrival_time,clear_time,cad_event_type,final_incident_type,station_area,ward,"
    "intersection,property_use,apparatus,personnel,firefighter_casualties,civilian_casualties,persons_rescued"
)
SCHOOLS = (
    "uid,date,time,day_of_week,school_name,district_name,city,county,state,school_type,enrollment,staffing,"
    "killed,injured,casualties,shooting_type,resource_officer,lat,long"
)
CAD = "time,service,call_type,township,lat,lng"


def results(header: str, *rows: str, today: date | None = None) -> list[RowResult]:
    return list(read_incidents("\n".join([header, *rows]), today=today))


def report(header: str, row: str) -> IncidentReport:
    (result,) = results(header, row)
    assert isinstance(result, Imported), result
    return result.report


def refusal(header: str, row: str) -> str:
    (result,) = results(header, row)
    assert isinstance(result, Refused), result
    return result.reason


def fire(alarm: str, clear: str, *, people: str = "40", hurt: str = "1", civilians: str = "0") -> str:
    return (
        f"F1,{alarm},,{clear},FIR,01 - Fire,1,2,Elm St / Oak St,301 - House,5,{people},{hurt},{civilians},0"
    )


def school(
    *, when: str = "8:15 AM", state: str = "Ohio", day: str = "2009-05-04", lat: str = "", long: str = "",
    killed: str = "0", injured: str = "1", casualties: str = "", kind: str = "targeted",
) -> str:  # fmt: skip
    return (
        f"7,{day},{when},Monday,Elm School,Elm District,Elmtown,Elm County,{state},public,100,10,"
        f"{killed},{injured},{casualties},{kind},0,{lat},{long}"
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


@pytest.mark.parametrize(
    ("state", "lat", "lng", "zone"),
    [
        ("TX", 31.76, -106.48, "America/Denver"),  # El Paso
        ("TX", 30.37, -103.67, "America/Chicago"),  # Alpine
        ("FL", 30.44, -84.28, "America/New_York"),  # Tallahassee
        ("FL", 30.42, -87.22, "America/Chicago"),  # Pensacola
        ("IN", 41.59, -87.34, "America/Chicago"),  # Gary
        ("IN", 39.77, -86.16, "America/Indiana/Indianapolis"),
        ("KY", 38.25, -85.76, "America/New_York"),  # Louisville
        ("KY", 36.99, -86.44, None),  # Bowling Green: near the line
        ("TN", 35.05, -85.31, None),  # Chattanooga: near the line
        ("OR", 44.03, -116.96, "America/Boise"),  # Ontario
        ("ID", 47.68, -116.78, "America/Los_Angeles"),  # Coeur d'Alene
        ("NV", 36.17, -115.14, "America/Los_Angeles"),  # Las Vegas
        ("NV", 40.74, -114.07, None),  # West Wendover keeps Utah's time
        ("AZ", 33.45, -112.07, "America/Phoenix"),
        ("AZ", 36.28, -109.22, None),  # Lukachukai, Navajo Nation
        ("ND", 46.88, -102.79, "America/Denver"),  # Dickinson
        ("SD", 44.08, -103.23, "America/Denver"),  # Rapid City
        ("NE", 41.26, -95.94, "America/Chicago"),  # Omaha
        ("MI", 45.82, -88.06, None),  # Iron Mountain
        ("KS", 37.69, -97.34, "America/Chicago"),  # Wichita
        ("AK", 61.22, -149.90, "America/Anchorage"),
        ("Hawaii", 21.3, -157.9, "Pacific/Honolulu"),
        ("Atlantis", 0.0, 0.0, None),
    ],
)
def test_places_are_in_their_zone_or_undecided(state: str, lat: float, lng: float, zone: str | None) -> None:
    assert zone_of(state, (lat, lng)) == zone


def test_states_are_known_by_letters_and_by_name() -> None:
    assert (state_code("district of columbia"), state_code("PR"), state_code("TR")) == ("DC", "PR", None)


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


@pytest.mark.parametrize(
    ("header", "row", "says"),
    [
        (LODD, "2009-02-30,Elm Police,WA,Gunfire,1,0", "not a possible date"),
        (LODD, "0001-01-01,Elm Police,WA,Gunfire,1,0", "not a possible date"),
        (LODD, "29/11/2009,Elm Police,WA,Gunfire,1,0", "not a possible date"),
        (LODD, "2009-11-29,Elm Police,WA,Gunfire,-1,0", "a negative number"),
        (LODD, "2009-11-29,Elm Police,WA,Gunfire,one,0", "not a whole number"),
        (LODD, "2009-11-29,Elm Police,WA,Gunfire,0,0", "nobody died"),
        (LODD, "2009-11-29,,WA,Gunfire,1,0", "agency is empty"),
        (LODD, "2009-11-29,Elm Police,Q9,Gunfire,1,0", "'Q9' is not a state"),
        (LODD, "2009-11-29,CataÃ±o Police,PR,Gunfire,1,0", "garbled"),
        (LODD, "2009-11-29,Elm\ufffd Police,PR,Gunfire,1,0", "garbled"),
        (LODD, f"2009-11-29,{'x' * 201},PR,Gunfire,1,0", "longer than 200"),
        (LODD, "2009-11-29,Elm, Police,PR,Gunfire,1,0", "7 cells, 6 columns"),
        (LODD, '2009-11-29,"Elm Police,PR,Gunfire,1,0', "a quote"),
        (KILLINGS, "2015-01-01,Elm Police,Elmtown,FL,Magic,No,25.1,-80.3", "cause 'Magic' is not known"),
        (KILLINGS, "2015-01-01,Elm Police,Elmtown,FL,Taser,No,95.1,-80.3", "not on earth"),
        (KILLINGS, "2015-01-01,Elm Police,Elmtown,FL,Taser,No,north,-80.3", "are not numbers"),
        (SHOOTINGS, "3,2015-01-02,vanished,,Shelton,WA,True,attack,,False", "'vanished' is not known"),
        (SHOOTINGS, "x,2015-01-02,shot,,Shelton,WA,True,attack,,False", "id 'x' is not a whole number"),
        (SHOOTINGS, "3,2015-01-02,shot,,Shelton,ZZ,True,attack,,False", "is not a state"),
        (SCHOOLS, school(when="25:99"), "not a possible clock time"),
        (SCHOOLS, school(casualties="5"), "not the sum"),
        (SCHOOLS, school(state="Atlantis"), "is not a state"),
        (TORONTO, fire("2013-05-01T02:30:00", "2013-05-01T01:00:00"), "before what came before it"),
        (TORONTO, fire("2013-05-01T02:30:00", "2013-07-01T01:00:00"), "more than 31 days later"),
        (TORONTO, fire("2013-05-01T02:30:00", "2013-05-01T04:00:00", people="-4"), "a negative number"),
        (TORONTO, fire("2013-05-01 02:30", "2013-05-01T04:00:00"), "not a possible time"),
        (CAD, "2016-13-15T12:01,EMS,FALL VICTIM,NORRISTOWN,40.1,-75.3", "not a possible time"),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_is_refused_with_the_reason(header: str, row: str, says: str) -> None:
    assert says in refusal(header, row)


def test_a_bad_row_never_takes_its_neighbours_along() -> None:
    good = "2009-11-{},Elm Police,WA,Gunfire,1,0"
    found = results(LODD, good.format(27), '2009-11-28,"Elm', good.format(29), "", good.format(30))
    assert [(type(result), result.line) for result in found] == [
        (Imported, 2),
        (Refused, 3),
        (Imported, 4),
        (Imported, 6),
    ]


def test_with_the_day_given_a_row_from_the_future_is_refused() -> None:
    row = "2026-11-{},Elm Police,WA,Gunfire,1,0"
    found = results(LODD, row.format(25), row.format(26), today=date(2026, 11, 24))
    assert [type(result) for result in found] == [Imported, Refused]


def test_reading_twice_gives_the_same_keys_whatever_case_and_spacing() -> None:
    once = report(LODD, "2009-11-29,Elm Police,WA,Gunfire,1,0")
    again = report(LODD, '2009-11-29," ELM  police",WA,gunfire,1,0')
    assert once.source_key == again.source_key
    assert once.source_key != report(LODD, "2009-11-29,Oak Police,WA,Gunfire,1,0").source_key


@settings(max_examples=300)
@given(
    st.sampled_from([LODD, KILLINGS, SHOOTINGS, TORONTO, SCHOOLS, CAD]),
    st.lists(st.text(max_size=15) | st.sampled_from(["2015-01-01", "1", "-1", "WA", "8:15 AM"]), max_size=20),
)
def test_no_text_makes_a_reader_crash(header: str, cells: Sequence[str]) -> None:
    text = f"{header}\n{','.join(cells)}"
    for result in read_incidents(text, today=date(2026, 11, 24)):
        assert result.line > 1
        assert isinstance(result, Imported) or result.reason


@settings(max_examples=200)
@given(st.text())
def test_no_file_makes_the_reader_crash(text: str) -> None:
    try:
        list(read_incidents(text))
    except BadInput as refused:
        said = refused.errors
    else:
        said = ["it was a file"]
    assert said


@pytest.mark.parametrize(("name", "least"), [("real_incidents_lodd.csv", 15), ("real_incidents_ois.csv", 15)])
def test_the_samples_that_come_along_are_read_without_a_refusal(name: str, least: int) -> None:
    found = list(read_incidents(sample(name)))
    assert least <= len(found) <= 25
    types = {result.report.type if isinstance(result, Imported) else "none" for result in found}
    assert types <= set(INCIDENT_TYPES)


def test_the_samples_are_attributed_as_their_source_asks() -> None:
    text = sample("ATTRIBUTION.md")
    for asked in ("FiveThirtyEight / Officer Down Memorial Page, CC BY 4.0, names removed and rows grouped",
                  "https://creativecommons.org/licenses/by/4.0/"):  # fmt: skip
        assert asked in text


# The six extracts are not part of this repository; their own notes ask tests to skip where they are absent.
@pytest.mark.skipif(not REAL.is_dir(), reason="the extracts of real incidents are not on this machine")
class TestTheSixRealFiles:
    @pytest.mark.parametrize(
        ("name", "imported", "passed", "refused"),
        [
            ("police_line_of_duty_deaths", 2480, 0, 0),
            ("police_killings_2015", 287, 0, 1),
            ("fatal_police_shootings", 2722, 0, 0),
            ("toronto_firefighter_casualties", 109, 0, 0),
            ("school_shootings", 205, 0, 0),
            ("cad_911_calls", 0, 1626, 0),
        ],
    )
    def test_every_row_gets_one_result(self, name: str, imported: int, passed: int, refused: int) -> None:
        found = read_real(name)
        kinds = Counter(type(result) for result in found)
        assert (kinds[Imported], kinds[PassedOver], kinds[Refused]) == (imported, passed, refused)
        reports = [result.report for result in found if isinstance(result, Imported)]
        assert len({report.source_key for report in reports}) == len(reports)
        assert {report.type for report in reports} <= set(INCIDENT_TYPES)

    def test_every_format_has_its_file(self) -> None:
        assert {path.stem for path in REAL.glob("*.csv")} == set(FORMATS)

    def test_a_school_zone_is_known_for_every_row_and_eleven_times_are_not(self) -> None:
        found = [r.report for r in read_real("school_shootings") if isinstance(r, Imported)]
        assert all(item.zone for item in found)
        assert sum(item.occurred_at is None for item in found) == 11

    def test_about_160_events_stand_in_both_files_of_killings(self) -> None:
        keys = [
            {r.report.event_key for r in read_real(name) if isinstance(r, Imported)}
            for name in ("fatal_police_shootings", "police_killings_2015")
        ]
        assert len(keys[0] & keys[1]) == 160

    def test_the_samples_are_rows_of_the_real_files(self) -> None:
        for name, source in (("lodd", "police_line_of_duty_deaths"), ("ois", "police_killings_2015")):
            real = (REAL / f"{source}.csv").read_text(encoding="utf-8").splitlines()
            copied = sample(f"real_incidents_{name}.csv").splitlines()
            assert copied[0] == real[0]
            assert set(copied) <= set(real)


def read_real(name: str) -> list[RowResult]:
    return list(read_incidents((REAL / f"{name}.csv").read_text(encoding="utf-8")))
