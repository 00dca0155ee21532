"""The whole table of who may see what, written a second time as the practice writes it."""

from __future__ import annotations

from itertools import product

import pytest

from cism.domain.access import (
    ACTS,
    ENTERED_AT_TERMINAL,
    SUPERVISOR_FIELDS,
    TABLE,
    Access,
    Act,
    Datum,
    Fact,
    Relation,
    best_access,
    in_charge,
    may_do,
    may_see,
    patch_act,
    relations,
    shown_count,
)
from cism.domain.people import Role

# One line a datum. Y yes, S status, C count, - nothing; a letter after a colon is what must be known to hold.
# Columns: own, logging supervisor, command, assigned peer, other peer, coordinator, clinician, director,
# HR/IA/admin, reports.
EXPECTED = """
incident_header     Y  Y    Y  Y     -  Y    Y     Y    -    C
affected_roster     -  Y:b  -  Y:o   -  Y    Y:o   Y    -    -
phone               Y  -    -  Y:o   -  Y    Y:o   Y    -    -
offer_made          Y  C    C  Y:o   -  Y    Y:o   Y    -    C
participation       Y  -    -  Y:o   -  C    Y:o   C    -    C
session_time_place  Y  S    S  Y:t   -  Y    Y     Y    -    -
digit_replies       Y  -    -  Y:o   -  S    Y:o   S    -    C
free_text           Y  -    -  Y:of  -  Y:u  Y:o   Y:e  -    -
screening_score     Y  -    -  -     -  -    Y:os  -    -    C
escalation          Y  -    -  Y:o   -  S    Y     Y    -    C
peer_load           -  -    -  Y:v   -  Y    -     Y    -    C
audit_log           -  -    -  -     -  -    -     Y    S:a  -
"""
LETTER = {"Y": Access.YES, "S": Access.STATUS, "C": Access.COUNT, "-": Access.NONE}
NEED = {
    "o": Fact.OWN_PERSON,
    "v": Fact.ABOUT_VIEWER,
    "b": Fact.BEFORE_HANDOVER,
    "t": Fact.ON_TEAM,
    "u": Fact.UNASSIGNED,
    "f": Fact.FRESH,
    "s": Fact.SHARED,
    "e": Fact.ESCALATED,
    "a": Fact.TECHNICAL_ADMIN,
}
ROWS = {line.split()[0]: line.split()[1:] for line in EXPECTED.strip().splitlines()}
CELLS = [
    (relation, Datum(name), cell)
    for name, cells in ROWS.items()
    for relation, cell in zip(Relation, cells, strict=True)
]
SUPERVISORS = (Relation.LOGGING_SUPERVISOR, Relation.COMMAND)


def test_the_table_has_every_relation_and_every_datum() -> None:
    assert set(TABLE) == set(product(Relation, Datum)) == {(r, d) for r, d, _ in CELLS}


@pytest.mark.parametrize(("relation", "datum", "cell"), CELLS)
def test_each_cell_grants_what_the_practice_says_and_only_when_all_it_needs_is_known(
    relation: Relation, datum: Datum, cell: str
) -> None:
    letter, _, conditions = cell.partition(":")
    needs = {NEED[condition] for condition in conditions}
    assert may_see(relation, datum, needs) is LETTER[letter]
    assert may_see(relation, datum, list(Fact)) is LETTER[letter]
    assert may_see(relation, datum) is (Access.NONE if needs else LETTER[letter])
    for missing in needs:
        assert may_see(relation, datum, set(Fact) - {missing}) is Access.NONE


@pytest.mark.parametrize("relation", SUPERVISORS)
def test_invariant_6_a_supervisor_never_sees_who_took_part_replied_was_screened_or_escalated(
    relation: Relation,
) -> None:
    hidden = (
        Datum.PARTICIPATION,
        Datum.DIGIT_REPLIES,
        Datum.FREE_TEXT,
        Datum.SCREENING_SCORE,
        Datum.ESCALATION,
    )
    assert {may_see(relation, datum, list(Fact)) for datum in hidden} == {Access.NONE}


def test_invariant_6_a_supervisor_reads_seven_fields_of_an_incident() -> None:
    assert SUPERVISOR_FIELDS == ("ref", "type", "severity", "agency", "occurred_at", "logged_at", "state")


def test_invariant_10_no_employer_role_sees_a_screening_score() -> None:
    seers = {r for r in Relation if may_see(r, Datum.SCREENING_SCORE, list(Fact)) > Access.COUNT}
    assert seers == {Relation.OWN, Relation.CLINICIAN_ASSIGNED}


def test_a_small_count_is_hidden_outside_the_team_and_zero_is_not() -> None:
    for relation in (*SUPERVISORS, Relation.ADMIN_HR_IA, Relation.REPORTS):
        assert [shown_count(relation, n) for n in (0, 1, 10, 11)] == [0, None, None, 11]
    assert shown_count(Relation.COORDINATOR, 1) == 1


def test_of_several_relations_the_best_counts_and_without_one_there_is_nothing() -> None:
    both = [Relation.COMMAND, Relation.COORDINATOR]
    assert best_access(both, Datum.DIGIT_REPLIES) is Access.STATUS
    assert best_access([], Datum.INCIDENT_HEADER) is Access.NONE
    peers = [Relation.OTHER_PEER, Relation.ASSIGNED_PEER]
    assert best_access(peers, Datum.PHONE, [Fact.OWN_PERSON]) is Access.YES
    assert best_access(peers, Datum.PHONE) is Access.NONE


@pytest.mark.parametrize(
    ("role", "plain", "logged", "assigned"),
    [
        (Role.SUPERVISOR, Relation.COMMAND, Relation.LOGGING_SUPERVISOR, Relation.COMMAND),
        (Role.PEER, Relation.OTHER_PEER, Relation.OTHER_PEER, Relation.ASSIGNED_PEER),
        (Role.CLINICIAN, None, None, Relation.CLINICIAN_ASSIGNED),
        (Role.COORDINATOR, *[Relation.COORDINATOR] * 3),
        (Role.CLINICAL_DIRECTOR, *[Relation.CLINICAL_DIRECTOR] * 3),
        (Role.ADMIN, *[Relation.ADMIN_HR_IA] * 3),
        (Role.RESPONDER, None, None, None),
    ],
)
def test_a_role_is_a_relation_to_an_incident_by_what_its_holder_did_in_it(
    role: Role, plain: Relation | None, logged: Relation | None, assigned: Relation | None
) -> None:
    for found, wanted in (
        (relations([role]), plain),
        (relations([role], logged=True), logged),
        (relations([role], assigned=True), assigned),
    ):
        assert found == (frozenset() if wanted is None else {wanted})


def test_several_roles_are_several_relations() -> None:
    found = relations({Role.SUPERVISOR, Role.PEER}, logged=True)
    assert found == {Relation.LOGGING_SUPERVISOR, Relation.OTHER_PEER}


@pytest.mark.parametrize("relation", Relation)
def test_more_than_the_header_is_for_those_in_charge(relation: Relation) -> None:
    assert in_charge({relation}) == (relation in {Relation.COORDINATOR, Relation.CLINICAL_DIRECTOR})


def test_whoever_is_affected_is_nothing_else_to_that_incident() -> None:
    assert relations(set(Role), affected=True, logged=True, assigned=True) == {Relation.OWN}


S, P, C, D, K = Role.SUPERVISOR, Role.PEER, Role.CLINICIAN, Role.CLINICAL_DIRECTOR, Role.COORDINATOR
MAY = {
    Act.LOG_INCIDENT: {S, K, D},
    Act.SEE_INCIDENT: {S, P, K, C, D},
    Act.SEE_TIMELINE: {K, D},
    Act.ACCEPT_INCIDENT: {K, D},
    Act.ADD_AFFECTED: {S, K, D},
    Act.STATE_FACTS: {S, K, D},
    Act.RAISE_SEVERITY: {S, K, D},
    Act.LOWER_SEVERITY: {K, D},
    Act.LIFT_LEGAL_HOLD: {K, D},
    Act.STAND_DOWN: {K, D},
    Act.CLOSE_INCIDENT: {K, D},
    Act.REOPEN_INCIDENT: {K, D},
    Act.ASK_HELPER: {K, D},
    Act.REMOVE_AFFECTED: {K, D},
    Act.KEEP_DATES: {K, D},
    Act.LIST_ESCALATIONS: {K, C, D},
    Act.ACK_ESCALATION: {K, C, D},
    Act.CLOSE_ESCALATION: {C, D},
    Act.CLOSE_FOR_ANOTHER: {D},
    Act.APPROVE_SESSION: {C, D},
    Act.REPORT_SESSION: {K, C, D},
    Act.LIST_QUEUE: {K, C, D},
    Act.HANDLE_QUEUE: {K, C, D},
    Act.MAKE_OFFER: {K, D},
    Act.CHANGE_ROSTER: {K, D},
    Act.END_CONTACTS: {K, D},
    Act.SEE_STATISTICS: {K, D},
    Act.SET_AGENCY: {K, D},
    Act.SET_ON_CALL: {K, D},
    Act.HOLD_RECORDS: {K, D},
    Act.PROPOSE_DISCLOSURE: {K, C, D},
    Act.CONFIRM_DISCLOSURE: {K, C, D},
    Act.BREAK_GLASS: {P, K, C, D},
    Act.LIST_BROKEN_GLASS: {K, D},
    Act.AGREE_READY: {C, D},
    Act.GET_PAPER: {K},
    Act.BE_ASKED: {P, K, C, D, Role.CHAPLAIN, Role.FAMILY_PEER},
    Act.SERVE: {P, C, D, Role.CHAPLAIN, Role.FAMILY_PEER},
    Act.ASK_FOR_REST: {P},
}


@pytest.mark.parametrize(("role", "act"), list(product(Role, Act)))
def test_each_role_does_what_it_may_in_its_own_agency_and_nothing_in_another(role: Role, act: Act) -> None:
    assert set(ACTS) == set(Act) == set(MAY)
    assert may_do([role], act, same_agency=True) == (role in MAY[act])
    assert not may_do([role], act, same_agency=False)


def test_whoever_is_affected_may_know_of_the_incident_and_needs_no_role_for_it() -> None:
    assert may_do([], Act.SEE_INCIDENT, same_agency=False, affected=True)
    assert may_do([Role.RESPONDER], Act.SEE_INCIDENT, same_agency=True, affected=True)


def test_nobody_without_a_role_does_anything() -> None:
    assert not any(may_do([], act, same_agency=True, at_terminal=True) for act in Act)


def test_whoever_took_an_escalation_closes_it_also_a_helper_of_another_agency() -> None:
    assert may_do([K], Act.CLOSE_ESCALATION, same_agency=True, took_it=True)
    assert may_do([P], Act.CLOSE_ESCALATION, same_agency=False, took_it=True)
    assert may_do([P], Act.HANDLE_QUEUE, same_agency=True, took_it=True)
    assert not may_do([P], Act.LIST_QUEUE, same_agency=True, took_it=True)


def test_at_a_terminal_a_coordinator_enters_an_outcome_or_an_approval_and_a_supervisor_does_not() -> None:
    for act in ENTERED_AT_TERMINAL:
        assert may_do([K], act, same_agency=True, at_terminal=True)
        assert not may_do([S], act, same_agency=True, at_terminal=True)
    assert not may_do([S], Act.SEE_TIMELINE, same_agency=True, at_terminal=True)


@pytest.mark.parametrize("act", Act)
def test_an_affected_person_handles_nothing_of_that_incident_and_may_still_add_to_it(act: Act) -> None:
    still = {Act.LOG_INCIDENT, Act.SEE_INCIDENT, Act.ADD_AFFECTED, Act.STATE_FACTS}
    allowed = may_do(list(Role), act, same_agency=True, affected=True, took_it=True, at_terminal=True)
    assert allowed == (act in still)


@pytest.mark.parametrize(
    ("name", "lowers", "act"),
    [
        ("severity", False, Act.RAISE_SEVERITY),
        ("severity", True, Act.LOWER_SEVERITY),
        ("ended_at", False, Act.STATE_FACTS),
        ("kin_notified", False, Act.STATE_FACTS),
        ("funeral_at", False, Act.STATE_FACTS),
        ("on_scene", False, Act.STATE_FACTS),
        ("reviewers", False, Act.STATE_FACTS),
        ("statements_complete", False, Act.LIFT_LEGAL_HOLD),
    ],
)
def test_each_field_that_can_be_changed_is_an_act_of_its_own(name: str, lowers: bool, act: Act) -> None:
    assert patch_act(name, lowers=lowers) is act


def test_a_field_that_cannot_be_changed_has_no_act() -> None:
    with pytest.raises(KeyError):
        patch_act("type")


def test_a_change_of_severity_raises_it_unless_it_is_said_to_lower_it() -> None:
    assert patch_act("severity") is Act.RAISE_SEVERITY
