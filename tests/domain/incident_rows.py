"""Rows of the known formats of incident files, for tests."""

from __future__ import annotations

from datetime import date

from cism.domain.incident_files import Imported, IncidentReport, Refused, RowResult, read_incidents

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
