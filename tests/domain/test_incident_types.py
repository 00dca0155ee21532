"""Incident types are data: all of the practice's, and an agency's own beside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from cism.domain.incident import Severity
from cism.domain.incident_types import (
    GROUPS,
    INCIDENT_TYPES,
    IncidentTypesInvalid,
    Intervention,
    TypesInUse,
    UnknownIncidentType,
    load_incident_types,
    parse_incident_types,
    suggest_types,
    unknown_type_error,
)
from cism.domain.people import Discipline
from cism.domain.protocol import protocol_keys

# The lists of the practice, with the lower end of a range of severities.
EXPECTED = {
    "S4": "LODD COLLEAGUE_SUICIDE MCI OIS_SHOOTER OFFICER_SHOT OFFICER_DOWN_RADIO COWORKER_FATAL "
    "CATASTROPHIC_DERAILMENT MCI_SURGE RIOT",
    "S3": "LOD_INJURY CHILD VICTIM_KNOWN OIS_PRESENT IN_CUSTODY_DEATH FATAL_PURSUIT HOSTAGE MAYDAY "
    "CHILD_FIRE_DEATH COLLAPSE PAEDIATRIC_ARREST MATERNAL_DEATH ASSAULT_ON_CREW AMBULANCE_CRASH CHILD_CALLER "
    "CALL_SURGE_MCI TRESPASSER_STRIKE CROSSING_FATAL PAEDIATRIC_DEATH STAFF_ASSAULT",
    "S2": "THREAT MEDIA PROLONGED_LOSS CHILD_EXPLOITATION_EXPOSURE CIVILIAN_FIRE_DEATH BODY_RECOVERY "
    "CARE_ERROR_HARM CALLER_DIED_ON_LINE SUICIDAL_CALLER UNEXPECTED_DEATH ADVERSE_EVENT INMATE_SUICIDE",
    "S1": "OTHER",
}


# The same by discipline; the events that may befall anybody stand under "all".
BY_DISCIPLINE = {
    "all": "LODD COLLEAGUE_SUICIDE LOD_INJURY MCI THREAT CHILD VICTIM_KNOWN MEDIA PROLONGED_LOSS OTHER",
    "law_enforcement": "OIS_SHOOTER OIS_PRESENT OFFICER_SHOT IN_CUSTODY_DEATH FATAL_PURSUIT HOSTAGE "
    "CHILD_EXPLOITATION_EXPOSURE",
    "fire": "MAYDAY CIVILIAN_FIRE_DEATH CHILD_FIRE_DEATH COLLAPSE BODY_RECOVERY",
    "ems": "PAEDIATRIC_ARREST MATERNAL_DEATH ASSAULT_ON_CREW AMBULANCE_CRASH CARE_ERROR_HARM",
    "dispatch": "CALLER_DIED_ON_LINE CHILD_CALLER OFFICER_DOWN_RADIO SUICIDAL_CALLER CALL_SURGE_MCI",
    "rail": "TRESPASSER_STRIKE CROSSING_FATAL COWORKER_FATAL CATASTROPHIC_DERAILMENT",
    "hospital": "UNEXPECTED_DEATH PAEDIATRIC_DEATH STAFF_ASSAULT ADVERSE_EVENT MCI_SURGE MATERNAL_DEATH",
    "corrections": "INMATE_SUICIDE RIOT STAFF_ASSAULT IN_CUSTODY_DEATH",
}


@pytest.mark.parametrize("discipline", BY_DISCIPLINE)
def test_every_discipline_has_the_types_of_its_list(discipline: str) -> None:
    everybody = set(Discipline)
    found = {
        code
        for code, kind in INCIDENT_TYPES.items()
        if (discipline == "all" if kind.disciplines == everybody else discipline in kind.disciplines)
    }
    assert found == set(BY_DISCIPLINE[discipline].split())


# What the practice means for each kind, beside one-to-one support and follow-up.
MEANT = {
    "LODD": "OSS CMB LODD CISD? FAM PAS ORG MHP",
    "COLLEAGUE_SUICIDE": "CMB MHP FAM PAS ORG CISD?",
    "LOD_INJURY": "DEF CISD? FAM",
    "MCI": "OSS DEM CMB CISD? ORG",
    "THREAT": "DEF CISD?",
    "CHILD": "DEF CISD?",
    "VICTIM_KNOWN": "DEF",
    "MEDIA": "CMB ORG",
    "PROLONGED_LOSS": "DEF CISD?",
    "OTHER": "",
    "MAYDAY": "DEF AAR CISD?",
    "CARE_ERROR_HARM": "MHP",
    "ADVERSE_EVENT": "MHP",
    "TRESPASSER_STRIKE": "REL DEF CISD?",
    "COWORKER_FATAL": "REL CMB LODD FAM PAS ORG CISD? MHP",
}


@pytest.mark.parametrize("code", MEANT)
def test_what_is_meant_for_a_kind_of_incident_is_what_the_practice_lists(code: str) -> None:
    meant = {item.value for item in INCIDENT_TYPES[code].interventions} - {"121", "FU"}
    assert meant == set(MEANT[code].split())


def test_what_stands_behind_a_type_is_said() -> None:
    for code in BY_DISCIPLINE["all"].split():
        assert INCIDENT_TYPES[code].basis == "source"
    assert INCIDENT_TYPES["RIOT"].basis == "design"
    assert all(kind.sources or kind.basis == "design" for kind in INCIDENT_TYPES.values())


def test_the_types_in_use_can_be_others_and_go_back() -> None:
    shipped = dict(INCIDENT_TYPES)
    INCIDENT_TYPES.use(parse_incident_types("OWN: {label: Own, severity: S1}", "own.yaml", onto=shipped))
    try:
        assert len(INCIDENT_TYPES) == len(shipped) + 1
        assert "OWN" in suggest_types("OWNN")
    finally:
        INCIDENT_TYPES.use(shipped)
    assert "OWN" not in INCIDENT_TYPES


@pytest.mark.parametrize("severity", list(Severity))
def test_every_type_of_the_practice_is_there_with_its_severity(severity: Severity) -> None:
    found = {code for code, kind in INCIDENT_TYPES.items() if kind.severity is severity}
    assert found == set(EXPECTED[severity].split())


def test_every_discipline_has_types_of_its_own() -> None:
    own = {next(iter(t.disciplines)) for t in INCIDENT_TYPES.values() if len(t.disciplines) == 1}
    assert own == set(Discipline)
    assert INCIDENT_TYPES["STAFF_ASSAULT"].disciplines == {Discipline.HOSPITAL, Discipline.CORRECTIONS}
    assert INCIDENT_TYPES["LODD"].disciplines == set(Discipline)


def test_legal_jeopardy_is_known_by_data() -> None:
    found = {code for code, kind in INCIDENT_TYPES.items() if kind.jeopardy}
    assert found == {"OIS_SHOOTER", "OIS_PRESENT", "OFFICER_SHOT", "IN_CUSTODY_DEATH", "FATAL_PURSUIT"}
    assert {INCIDENT_TYPES[code].protocol for code in found} == {"iacp-ois"}


def test_an_error_in_care_never_leads_to_a_group() -> None:
    found = {code: kind for code, kind in INCIDENT_TYPES.items() if not kind.group_allowed}
    assert set(found) == {"CARE_ERROR_HARM", "ADVERSE_EVENT"}
    assert all(not kind.interventions & GROUPS for kind in found.values())
    assert all(Intervention.PROFESSIONAL in kind.interventions for kind in found.values())


def test_one_to_one_support_and_follow_up_belong_to_every_type() -> None:
    for kind in INCIDENT_TYPES.values():
        assert {Intervention.ONE_TO_ONE, Intervention.FOLLOW_UP} <= kind.interventions


def test_a_death_in_the_line_of_duty_offers_no_defusing_on_the_day() -> None:
    lodd = {code for code, kind in INCIDENT_TYPES.items() if kind.lodd}
    assert lodd == {"LODD", "COWORKER_FATAL"}
    assert all(Intervention.DEFUSING not in INCIDENT_TYPES[code].interventions for code in lodd)


def test_exposure_without_one_end_is_marked() -> None:
    assert [code for code, kind in INCIDENT_TYPES.items() if kind.cumulative] == [
        "CHILD_EXPLOITATION_EXPOSURE"
    ]


def test_every_suggested_protocol_exists() -> None:
    assert {kind.protocol for kind in INCIDENT_TYPES.values() if kind.protocol} <= set(protocol_keys())


@pytest.mark.parametrize(
    ("code", "meant"),
    [
        ("OIS_SHOTER", "OIS_SHOOTER"),
        ("ois shooter", "OIS_SHOOTER"),
        ("lodd", "LODD"),
        ("pursuit", "FATAL_PURSUIT"),
        ("derailment", "CATASTROPHIC_DERAILMENT"),
        ("struck", "TRESPASSER_STRIKE"),
    ],
)
def test_an_unknown_type_names_what_was_probably_meant(code: str, meant: str) -> None:
    assert meant in suggest_types(code)
    error = unknown_type_error(code)
    assert isinstance(error, UnknownIncidentType)
    assert meant in str(error)
    assert repr(code) in str(error)


def test_at_most_three_codes_are_meant_and_those_of_the_catalogue_in_hand() -> None:
    own = parse_incident_types(
        "".join(f"FLOOD_{n}: {{label: Flood by {n}, severity: S3}}\n" for n in "ABCDE"), "own.yaml"
    )
    assert len(suggest_types("flood", own)) == 3
    assert str(unknown_type_error("flood a", own)).startswith("There is no incident type 'flood a'. Did you")
    assert suggest_types("flood-a", own)[0] == suggest_types("FLOOD A", own)[0] == "FLOOD_A"
    hint = " or ".join(suggest_types("flood", own))
    assert str(unknown_type_error("flood", own)).endswith(f"Did you mean {hint}?")


@pytest.mark.parametrize("code", ["", "  ", "zzzz", "日本"])
def test_where_nothing_is_near_the_open_type_is_named(code: str) -> None:
    assert str(unknown_type_error(code)).endswith("Use OTHER for an event that no type fits.")


def test_an_agency_adds_a_type_without_code(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("AVALANCHE: {label: Avalanche, severity: S3, disciplines: [fire], interventions: [DEF]}\n")
    types = load_incident_types(own)
    assert types["AVALANCHE"].severity is Severity.S3
    assert set(types) == {*INCIDENT_TYPES, "AVALANCHE"}
    assert "AVALANCHE" not in INCIDENT_TYPES
    assert "AVALANCHE" in suggest_types("avalance", types)


def test_a_type_that_names_nothing_to_do_still_has_one_to_one_support_and_follow_up() -> None:
    types = parse_incident_types("AVALANCHE: {label: Avalanche, severity: S3}", "own.yaml")
    assert types["AVALANCHE"].interventions == {Intervention.ONE_TO_ONE, Intervention.FOLLOW_UP}
    assert list(TypesInUse(types)) == ["AVALANCHE"]


def test_a_mistake_in_the_agencys_own_file_names_that_file(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("AVALANCHE: {label: Avalanche, severity: S3}\nFLOOD: [\n", encoding="utf-8")
    with pytest.raises(IncidentTypesInvalid, match="this is not YAML") as refused:
        load_incident_types(own)
    (told,) = refused.value.errors
    assert told.startswith(f"{own}:3: ")
    assert told == str(refused.value)


def test_a_death_in_the_line_of_duty_stays_one_whatever_an_agency_writes() -> None:
    with pytest.raises(IncidentTypesInvalid, match=r"LODD\.lodd: it protects people") as refused:
        parse_incident_types("LODD: {label: Death, severity: S4}", "own.yaml", onto=INCIDENT_TYPES)
    assert refused.value.errors[-1].endswith("write lodd: true")
    kept = parse_incident_types(
        "LODD: {label: Death, severity: S4, lodd: true}", "own.yaml", onto=INCIDENT_TYPES
    )
    assert kept["LODD"].label == "Death"


def test_an_agency_may_raise_a_severity_but_not_lift_a_protection(tmp_path: Path) -> None:
    raised = "RIOT: {label: Riot, severity: S3}\nOIS_PRESENT: {label: OIS, severity: S4, jeopardy: true}\n"
    assert (
        parse_incident_types(raised, "own.yaml", onto=INCIDENT_TYPES)["OIS_PRESENT"].severity is Severity.S4
    )
    lifted = "OIS_PRESENT: {label: OIS, severity: S3}\nADVERSE_EVENT: {label: Error, severity: S2}\n"
    with pytest.raises(IncidentTypesInvalid) as refused:
        parse_incident_types(lifted, "own.yaml", onto=INCIDENT_TYPES)
    assert refused.value.errors == [
        "own.yaml:1: OIS_PRESENT.jeopardy: it protects people and cannot be lifted; write jeopardy: true",
        "own.yaml:2: ADVERSE_EVENT.group_allowed: it protects people and cannot be lifted; "
        "write group_allowed: false",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("A1: {label: x, severity: S5}", "f.yaml:1: A1.severity: 'S5' is not known here. Did you mean"),
        ("A1: {label: x}", "f.yaml:1: A1.severity: it is missing; write it"),
        (
            "A1: {label: x, severity: S1, jeopardi: true}",
            "A1.jeopardi: there is no such key. Did you mean jeopardy?",
        ),
        ("\na1: {label: x, severity: S1}", "f.yaml:2: a1: a code has capital letters"),
        (
            "A1: {label: x, severity: S1, interventions: [DEFF]}",
            "A1.interventions[0]: 'DEFF' is not known here",
        ),
        (
            "A1: {label: x, severity: S1, disciplines: [police]}",
            "A1.disciplines[0]: 'police' is not known here",
        ),
        ("A1: {label: x, severity: S1, group_allowed: no, interventions: [DEF]}", "take out DEF"),
        (
            "A1: {label: x, severity: S1, basis: source}",
            "f.yaml:1: A1.basis: there is no source; write sources, or basis: design",
        ),
        ("A1: x", "f.yaml:1: A1: it must be keys with values"),
        ("A1: {label: x, severity: S1}\nA1: {label: y, severity: S1}", "f.yaml:2: A1: it is written twice"),
        ("", "there are no types in it"),
        ("- A1", "there are no types in it"),
        ("A1: [", "this is not YAML"),
    ],
)
def test_a_broken_type_is_told_by_file_and_line(text: str, told: str) -> None:
    with pytest.raises(IncidentTypesInvalid) as refused:
        parse_incident_types(text, "f.yaml")
    assert len(refused.value.errors) == 1
    assert told in refused.value.errors[0]


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(IncidentTypesInvalid, match="cannot be read: No such file"):
        load_incident_types(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(IncidentTypesInvalid, match="save it as UTF-8"):
        load_incident_types(tmp_path / "latin.yaml")
