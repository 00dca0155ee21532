"""Real rows reach the present by whole weeks, and what was added can be redone from the printed rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cism.data import sample
from cism.domain.demo_people import DemoPerson, demo_people
from cism.domain.demo_shift import HOURS, DemoIncident, rule_text, shift_to_present
from cism.domain.incident import Circle, Severity
from cism.domain.incident_files import Imported, IncidentReport, read_incidents
from cism.domain.people import Discipline, Role
from cism.domain.roster_csv import parse_roster
from cism.errors import BadInput

START = date(2026, 11, 23)  # a Monday
ROSTER = parse_roster(sample("sample_roster.csv"), today=START).rows
PEOPLE = demo_people(ROSTER)
REPORTS = [
    result.report
    for name in ("real_incidents_lodd.csv", "real_incidents_ois.csv")
    for result in read_incidents(sample(name))
    if isinstance(result, Imported)
]


def person(key: str, unit: str = "A", role: Role = Role.RESPONDER, **more: Discipline) -> DemoPerson:
    return DemoPerson(
        key=key,
        agency=key.partition(":")[0],
        discipline=more.get("discipline", Discipline.LAW_ENFORCEMENT),
        unit=unit,
        zone="America/New_York",
        roles=frozenset({role}),
    )


SMALL = [
    person("pd:1"),
    person("pd:2"),
    person("pd:3", "B"),
    person("pd:4", role=Role.SUPERVISOR),
    person("pd:5", role=Role.PEER),
    person("radio:1", discipline=Discipline.DISPATCH),
    person("radio:2", discipline=Discipline.DISPATCH),
]


def a_report(
    kind: str = "OIS_SHOOTER", day: date = date(2015, 3, 26), **known: datetime | str
) -> IncidentReport:
    return IncidentReport(
        source_key="killings:1",
        type=kind,
        severity=Severity.S4,
        source_agency="Elm Police",
        discipline=Discipline.LAW_ENFORCEMENT,
        date=day,
        **known,  # type: ignore[arg-type]
    )


def shifted(*reports: IncidentReport, seed: int = 3, start: date = START) -> list[DemoIncident]:
    found = shift_to_present(reports, SMALL, start=start, seed=seed)
    return sorted(found, key=lambda incident: incident.number)


def listed(incident: DemoIncident) -> list[tuple[str, str]]:
    return [(one.person, one.circle.value) for one in incident.affected]


def test_three_rows_redone_by_hand_from_the_printed_rule() -> None:
    first, second, third = shifted(a_report(), a_report("LODD"), a_report())
    # k = 3 + 1 = 4, even: Thursday of the first week; hour 4 mod 5 = 09:20; shape 1: the next whole crew
    # from place 3 mod 2 = 1 (unit B), the next dispatcher from place 3 mod 2 = 1, the next supervisor.
    assert first.occurred_at == datetime(2026, 11, 26, 14, 20, tzinfo=UTC)
    assert listed(first) == [("pd:3", "A"), ("radio:2", "C"), ("pd:4", "E")]
    # k = 5, odd: the second week; hour 0; shape 2: two responders from place 3 mod 3 = 0; own loss: B and D.
    assert second.occurred_at == datetime(2026, 12, 3, 14, 20, tzinfo=UTC)
    assert listed(second) == [("pd:1", "B"), ("pd:2", "D"), ("radio:1", "C")]
    # k = 6, even; hour 1; shape 3: one more responder and the next peer.
    assert third.occurred_at == datetime(2026, 11, 26, 21, 40, tzinfo=UTC)
    assert listed(third) == [("pd:3", "A"), ("pd:5", "B")]


def test_exposure_ends_by_circle_and_logging_comes_after_all_of_it() -> None:
    (found,) = shifted(a_report())
    ends = {one.circle: one.exposure_end - found.occurred_at for one in found.affected}
    assert ends == {
        Circle.A: timedelta(minutes=20),
        Circle.C: timedelta(minutes=20),
        Circle.E: timedelta(minutes=60),
    }
    assert found.ended_at - found.occurred_at == timedelta(minutes=60)
    assert found.logged_at - found.ended_at == timedelta(minutes=15)


def test_a_known_clock_time_and_length_are_kept() -> None:
    known = a_report(
        occurred_at=datetime(2012, 7, 1, 6, 7, 30, tzinfo=UTC),
        ended_at=datetime(2012, 7, 1, 10, 7, 30, tzinfo=UTC),
        zone="America/Toronto",
    )
    (found,) = shifted(known)
    assert found.occurred_at.astimezone(ZoneInfo("America/New_York")).strftime("%H:%M:%S") == "02:07:30"
    assert found.ended_at - found.occurred_at == timedelta(hours=4)
    assert "02:07 is the row's own clock time" in found.rule


def test_police_types_stay_with_the_police_and_losses_go_round() -> None:
    found = shift_to_present(REPORTS, PEOPLE, start=START, seed=7)
    police = {one.agency for one in found if one.type in {"OIS_SHOOTER", "IN_CUSTODY_DEATH", "FATAL_PURSUIT"}}
    assert police == {"metro-pd"}
    assert {one.agency for one in found if one.type == "LODD"} == {"metro-pd", "harbor-fd", "county-ems"}


def test_the_rule_of_each_incident_names_everything_that_was_added() -> None:
    (found,) = shifted(a_report())
    for said in (
        "k = 3 + 1 = 4",
        "Elm Police, 2015-03-26 (killings:1) + 609 weeks = Thu 2026-11-26",
        "first week since k is even",
        "OIS_SHOOTER at pd, place 0 of pd",
        "09:20 is place 4 mod 5 = 4 of the hours",
        "America/New_York: 2026-11-26T14:20Z, 60 min, logged 15 min after",
        "pd:3 A to 14:40Z, radio:2 C to 14:40Z, pd:4 E to 15:20Z",
    ):
        assert said in found.rule


def test_the_printed_rule_names_the_seed_the_start_and_the_hours() -> None:
    text = rule_text(START, 7)
    assert "seed = 7" in text
    assert "2026-11-23" in text
    assert all(f"{hour:%H:%M}" in text for hour in HOURS)


def test_few_different_moments_come_of_many_rows() -> None:
    found = shift_to_present(REPORTS, PEOPLE, start=START, seed=7)
    clocks = {one.occurred_at.astimezone(ZoneInfo(one.zone)).time() for one in found}
    assert clocks <= set(HOURS)
    assert len(found) == len(REPORTS)


def test_a_roster_without_responders_is_refused() -> None:
    with pytest.raises(BadInput, match="no active responders"):
        shift_to_present([a_report()], [person("pd:4", role=Role.SUPERVISOR)], start=START, seed=1)


def test_only_active_people_of_the_roster_take_part() -> None:
    away = {row.key for row in ROSTER if row.status.value != "active"}
    assert away
    assert not away & {one.key for one in PEOPLE}


@settings(max_examples=200)
@given(
    seed=st.integers(0, 10_000),
    start=st.dates(date(2024, 1, 1), date(2032, 12, 31)),
    days=st.lists(st.dates(date(1995, 1, 1), date(2020, 12, 31)), min_size=1, max_size=15),
)
def test_every_row_moves_by_whole_weeks_into_the_fortnight(seed: int, start: date, days: list[date]) -> None:
    reports = [a_report("LODD" if index % 2 else "OIS_SHOOTER", day) for index, day in enumerate(days)]
    found = shift_to_present(reports, PEOPLE, start=start, seed=seed)
    assert found == shift_to_present(reports, PEOPLE, start=start, seed=seed)
    assert [one.logged_at for one in found] == sorted(one.logged_at for one in found)
    for one in found:
        local = one.occurred_at.astimezone(ZoneInfo(one.zone)).date()
        assert (local - one.report.date).days % 7 == 0
        assert 0 <= (local - start).days < 14
        assert one.affected
        assert len({who.person for who in one.affected}) == len(one.affected)
        assert all(one.occurred_at < who.exposure_end <= one.ended_at < one.logged_at for who in one.affected)


def test_an_incident_has_the_severity_of_its_row_and_says_its_week() -> None:
    first, second = shifted(a_report(), replace(a_report(), severity=Severity.S2))
    assert (first.severity, second.severity) == (Severity.S4, Severity.S2)
    assert "second week since k is odd" in second.rule


def test_a_row_with_a_known_start_alone_lasts_as_long_as_any() -> None:
    known = a_report(occurred_at=datetime(2012, 7, 1, 6, 7, tzinfo=UTC), zone="America/Toronto")
    (found,) = shifted(known)
    assert found.ended_at - found.occurred_at == timedelta(minutes=60)


def test_a_whole_crew_that_lost_one_of_its_own_has_no_actor() -> None:
    lost, shot = shifted(a_report("LODD"), seed=4)[0], shifted(a_report(), seed=4)[0]
    assert listed(lost)[:2] == [("pd:1", "B"), ("pd:2", "B")]
    assert listed(shot)[:2] == [("pd:1", "A"), ("pd:2", "B")]


def test_agencies_and_the_police_among_them_each_have_turns_of_their_own() -> None:
    people = [
        *(person(f"{agency}:{n}") for agency in ("pd", "so") for n in (1, 2)),
        *(person(f"fd:{n}", discipline=Discipline.FIRE) for n in (1, 2)),
    ]
    kinds = ["LODD", "OIS_SHOOTER", "LODD", "OIS_SHOOTER", "LODD", "OIS_SHOOTER"]
    found = shift_to_present([a_report(kind) for kind in kinds], people, start=START, seed=6)
    agencies = [one.agency for one in sorted(found, key=lambda one: one.number)]
    assert agencies[::2] == ["fd", "pd", "so"]
    assert agencies[1::2] == ["pd", "so", "pd"]


def test_the_time_is_local_to_the_first_person_of_the_agency() -> None:
    far = [replace(person("pd:1"), zone="America/Denver"), person("pd:2"), person("pd:3")]
    (found,) = shift_to_present([a_report()], far, start=START, seed=3)
    assert (found.zone, found.occurred_at.hour) == ("America/Denver", 16)


def test_whoever_was_present_is_exposed_for_two_thirds_in_whole_minutes() -> None:
    known = a_report(
        occurred_at=datetime(2012, 7, 1, 6, 0, tzinfo=UTC),
        ended_at=datetime(2012, 7, 1, 7, 1, tzinfo=UTC),
        zone="America/Toronto",
    )
    found = shifted(known, known)[1]
    ends = [(one.circle, one.exposure_end - found.occurred_at) for one in found.affected]
    minutes = [timedelta(minutes=many) for many in (20, 40, 20)]
    assert ends == list(zip((Circle.A, Circle.B, Circle.C), minutes, strict=True))


def test_one_supervisor_and_one_peer_come_however_many_there_are() -> None:
    more = [*SMALL, person("pd:6", role=Role.SUPERVISOR), person("pd:7", role=Role.PEER)]
    found = shift_to_present([a_report()] * 3, more, start=START, seed=3)
    crew, _, alone = sorted(found, key=lambda incident: incident.number)
    assert listed(crew)[2:] in ([("pd:4", "E")], [("pd:6", "E")])
    assert listed(alone)[1:] in ([("pd:5", "B")], [("pd:7", "B")])


def test_a_crew_is_the_people_of_one_unit_of_the_roster() -> None:
    assert {one.key: one.unit for one in PEOPLE} == {
        row.key: row.unit for row in ROSTER if row.status.value == "active"
    }
