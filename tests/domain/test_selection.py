"""Every hard rule of the choice, by its own sentence."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from cism.domain.incident import Circle, Severity
from cism.domain.people import Cert, PersonStatus, Role
from cism.domain.selection import (
    RULES,
    WARNINGS,
    Helper,
    Load,
    SelectionPolicy,
    choose,
    consider,
    explain,
    must_step_back,
)
from tests.domain.selection_makers import NIGHT, NIGHTS, NOON, SFA, context, incident, peer, responder

LICENSE, GCI = Cert("LICENSE", date(2027, 1, 1)), Cert("GCI", date(2027, 1, 1))
DAY = timedelta(days=1)
officer = responder("a", unit="adam-1", reports_to="sergeant")


def test_someone_who_breaks_no_rule_may_be_asked() -> None:
    assert consider(peer(), context(officer)) == []
    assert explain(peer(), context(officer)) == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"roles": frozenset({Role.RESPONDER})}, "no_role"),
        ({"status": PersonStatus.RETIRED}, "not_active"),
        ({"status": PersonStatus.DECEASED}, "not_active"),
        ({"status": PersonStatus.LEAVE}, "on_leave"),
        ({"agency": "elsewhere"}, "other_agency"),
        ({"designated_at": None}, "not_designated"),
        ({"designated_at": date(2026, 10, 8)}, "not_designated"),
        ({"certs": ()}, "no_certificate"),
        ({"certs": (Cert("SFA", date(2026, 10, 6)),)}, "no_certificate"),
        ({"certs": (LICENSE,)}, "no_certificate"),
        ({"consent_pages": False}, "no_consent"),
        ({"opted_out": True}, "opted_out"),
        ({"frozen": True}, "frozen"),
        ({"unit": " ADAM-1 "}, "same_unit"),
        ({"reports_to": "a"}, "chain_of_command"),
        ({"id": "sergeant"}, "chain_of_command"),
        ({"not_with": frozenset({"a"})}, "conflict"),
    ],
)
def test_one_fact_about_a_peer_is_one_reason_not_to_ask(changes: dict[str, Any], code: str) -> None:
    assert consider(peer(**changes), context(officer)) == [code]


@pytest.mark.parametrize("name", ["AIC", "GCI", "SFA", "TRIM", "sfa"])
def test_any_one_of_the_four_certificates_is_enough_through_its_last_day(name: str) -> None:
    last_day = peer(certs=(Cert("SFA", date(2020, 1, 1)), Cert(name, date(2026, 10, 7))))
    assert consider(last_day, context(officer)) == []


def test_a_certificate_expires_at_midnight_in_the_peers_own_zone() -> None:
    at = datetime(2026, 10, 8, 3, 0, tzinfo=UTC)  # 20:00 of the 7th in Los Angeles, noon of the 8th in Tokyo
    cert = (Cert("SFA", date(2026, 10, 7)),)
    assert consider(peer(certs=cert, zone="America/Los_Angeles"), context(officer, now=at)) == []
    assert consider(peer(certs=cert, zone="Asia/Tokyo"), context(officer, now=at)) == ["no_certificate"]


@pytest.mark.parametrize("circle", Circle)
def test_invariant_3_nobody_on_the_affected_list_is_ever_activated_in_any_circle(circle: Circle) -> None:
    ctx = context(peer("p"), circle=circle)
    assert "affected" in consider(peer("p"), ctx)
    assert choose([peer("p"), peer("q")], ctx).own == (peer("q"),)


def test_invariant_3_holds_for_someone_listed_whose_contacts_have_ended_and_whom_we_know_only_by_id() -> None:
    base = incident(("p", Circle.E))
    ended = replace(base, affected=(replace(base.affected[0], ended=True),))
    assert consider(peer("p"), context(incident=ended)) == ["affected"]


@pytest.mark.parametrize("helper", Helper)
def test_invariant_3_holds_for_every_kind_of_helper_also_a_coordinator(helper: Helper) -> None:
    assert "affected" in consider(peer("p"), context(peer("p"), helper=helper))


def test_nobody_serves_themselves() -> None:
    assert "affected" in consider(peer("p"), context(for_person=peer("p")))


def test_an_initial_responder_or_witness_who_is_not_on_the_list_is_not_asked() -> None:
    assert consider(peer("p"), context(officer, on_scene=frozenset({"p"}))) == ["on_scene"]


def test_whoever_logged_the_incident_is_not_asked_to_serve_but_may_coordinate_it() -> None:
    ctx = context(incident=incident(logged_by="p"))
    assert consider(peer("p"), ctx) == ["logged_it"]
    coordinator = peer("p", roles=frozenset({Role.COORDINATOR}))
    assert consider(coordinator, replace(ctx, helper=Helper.COORDINATOR)) == []


def test_an_investigator_of_this_event_is_not_asked() -> None:
    assert consider(peer("p"), context(officer, reviewers=frozenset({"p"}))) == ["reviews_it"]


@pytest.mark.parametrize("circle", [Circle.C, Circle.D, Circle.E, Circle.F])
def test_crew_mates_of_those_who_were_not_there_may_be_asked(circle: Circle) -> None:
    assert consider(peer(unit="adam-1"), context(officer, circle=circle)) == []


def test_a_crew_mate_of_a_witness_is_not_asked() -> None:
    assert consider(peer(unit="adam-1"), context(officer, circle=Circle.B)) == ["same_unit"]


def test_an_unnamed_unit_and_the_same_unit_name_in_another_agency_bar_nobody() -> None:
    assert consider(peer(unit=""), context(responder("a", unit=" "))) == []
    ctx = context(officer, mutual_aid=frozenset({"county"}))
    assert consider(peer(unit="adam-1", agency="county"), ctx) == []


def test_somebody_near_whom_only_the_list_knows_bars_no_crew() -> None:
    assert consider(peer(), context(incident=incident(("unknown", Circle.A)))) == []


@pytest.mark.parametrize("person_id", ["chief", "captain", "probationer"])
def test_invariant_4_the_chain_of_command_bars_up_and_down_through_any_number_of_steps(
    person_id: str,
) -> None:
    chart = {"a": "sergeant", "sergeant": "captain", "captain": "chief", "probationer": "x", "x": "a"}
    assert consider(peer(person_id), context(officer, reports_to=chart)) == ["chain_of_command"]


def test_invariant_4_two_who_report_to_the_same_person_are_not_in_one_chain() -> None:
    assert consider(peer(reports_to="sergeant"), context(officer)) == []


def test_invariant_4_holds_for_the_one_person_to_be_served_who_is_not_on_the_list() -> None:
    ctx = context(for_person=responder("b", reports_to="p"))
    assert consider(peer("p"), ctx) == ["chain_of_command"]
    assert consider(peer("q", reports_to="b"), ctx) == ["chain_of_command"]


def test_a_chart_that_runs_in_a_circle_does_not_hang() -> None:
    ctx = context(officer, reports_to={"a": "x", "x": "y", "y": "x", "p": "p"})
    assert consider(peer("p"), ctx) == []
    assert consider(peer("y"), ctx) == ["chain_of_command"]


def test_a_conflict_bars_whichever_of_the_two_declared_it() -> None:
    ctx = context(responder("a", not_with=frozenset({"p"})))
    assert consider(peer("p"), ctx) == ["conflict"]
    assert consider(peer("p"), context(for_person=responder("b", not_with=frozenset({"p"})))) == ["conflict"]


def test_a_refusal_bars_from_the_team_and_from_serving_that_person_only() -> None:
    refused = frozenset({("a", "p")})
    assert consider(peer("p"), context(officer, refused=refused)) == ["refused"]
    assert consider(peer("p"), context(officer, refused=refused, for_person=officer)) == ["refused"]
    assert consider(peer("p"), context(officer, refused=refused, for_person=responder("b"))) == []


def test_nobody_is_asked_twice_in_one_incident() -> None:
    assert consider(peer("p"), context(officer, asked=frozenset({"p"}))) == ["asked_before"]


@pytest.mark.parametrize(
    ("load", "code"),
    [
        (Load(open_persons=3), "too_many_persons"),
        (Load(s3_open=1), "open_s3"),
        (Load(last_s3_end=NOON - 14 * DAY + timedelta(seconds=1)), "rest_s3"),
        (Load(last_s2_end=NOON - 7 * DAY + timedelta(seconds=1)), "rest_s2"),
        (Load(activations_30d=2), "active_often"),
        (Load(own_critical_incident_until=NOON + timedelta(seconds=1)), "own_incident"),
        (Load(away_until=NOON + timedelta(seconds=1)), "away"),
    ],
)
def test_a_peer_who_carries_enough_rests_and_a_clinician_decides_alone(load: Load, code: str) -> None:
    ctx = context(officer, loads={"p": load})
    assert consider(peer("p"), ctx) == [code]
    clinician = peer("p", roles=frozenset({Role.CLINICIAN}), certs=(LICENSE,))
    assert consider(clinician, replace(ctx, helper=Helper.CLINICIAN)) == []


@pytest.mark.parametrize(
    "load",
    [
        Load(open_persons=2, activations_30d=1, hours_30d=80),
        Load(last_s3_end=NOON - 14 * DAY, last_s2_end=NOON - 7 * DAY),
        Load(own_critical_incident_until=NOON),
        Load(away_until=NOON),
    ],
)
def test_a_peer_below_every_cap_and_after_every_rest_may_be_asked(load: Load) -> None:
    assert consider(peer("p"), context(officer, loads={"p": load})) == []


def test_a_peer_in_a_grave_incident_may_still_take_a_lesser_one() -> None:
    assert consider(peer("p"), context(officer, severity=Severity.S2, loads={"p": Load(s3_open=1)})) == []


def test_another_policy_is_another_number_and_no_other_code() -> None:
    policy = SelectionPolicy(max_open_persons=5, peer_certs=frozenset({"TRIM"}))
    ctx = context(officer, loads={"p": Load(open_persons=4)}, policy=policy)
    assert consider(peer("p"), ctx) == ["no_certificate"]
    assert policy.rest_until(NOON) == NOON + 30 * DAY


@pytest.mark.parametrize(
    ("severity", "urgent", "may"),
    [
        (Severity.S1, False, False),
        (Severity.S2, False, False),
        (Severity.S3, False, True),
        (Severity.S4, False, True),
        (Severity.S1, True, True),
    ],
)
def test_only_a_grave_or_urgent_matter_wakes_a_peer(severity: Severity, urgent: bool, may: bool) -> None:
    ctx = context(officer, severity=severity, urgent=urgent, now=NIGHT)
    assert consider(peer(), ctx) == ([] if may else ["asleep"])
    assert consider(peer(sleep=NIGHTS), ctx) == []


def test_who_is_kept_out_by_their_sleep_alone_may_be_asked_when_up() -> None:
    ctx = context(officer, severity=Severity.S2, now=NIGHT)
    chosen = choose([peer(), peer(id="b", consent_pages=False), peer(id="c", sleep=NIGHTS)], ctx)
    assert [one.id for one in chosen.when_up] == [peer().id]
    assert [one.id for one in chosen.own] == ["c"]


def test_a_night_worker_is_not_woken_at_noon() -> None:
    assert consider(peer(sleep=NIGHTS), context(officer, severity=Severity.S2)) == ["asleep"]


@pytest.mark.parametrize(
    ("helper", "roles", "certs", "codes"),
    [
        (Helper.CLINICIAN, {Role.CLINICIAN}, (LICENSE,), []),
        (Helper.CLINICIAN, {Role.CLINICIAN}, (SFA, GCI), ["no_certificate"]),
        (Helper.CLINICIAN, {Role.PEER}, (LICENSE,), ["no_role"]),
        (Helper.LEADER, {Role.CLINICIAN}, (LICENSE, GCI), []),
        (Helper.LEADER, {Role.CLINICAL_DIRECTOR}, (LICENSE, GCI), []),
        (Helper.LEADER, {Role.CLINICIAN}, (LICENSE,), ["no_certificate"]),
        (Helper.LEADER, {Role.CLINICIAN}, (LICENSE, Cert("GCI", date(2026, 1, 1))), ["no_certificate"]),
        (Helper.CLINICAL_DIRECTOR, {Role.CLINICAL_DIRECTOR}, (), []),
        (Helper.COORDINATOR, {Role.COORDINATOR}, (), []),
        (Helper.COORDINATOR, {Role.PEER}, (), ["no_role"]),
    ],
)
def test_each_kind_of_helper_needs_its_own_role_and_licence(
    helper: Helper, roles: set[Role], certs: tuple[Cert, ...], codes: list[str]
) -> None:
    person = peer(roles=frozenset(roles), certs=certs, designated_at=None)
    assert consider(person, context(officer, helper=helper)) == codes


def test_a_designation_on_or_after_the_day_of_the_incident_warns_and_does_not_bar() -> None:
    ctx = context(officer)
    assert consider(peer(designated_at=date(2026, 10, 7)), ctx) == []
    [warning] = explain(peer(designated_at=date(2026, 10, 7)), ctx)
    assert (warning.code, warning.hard) == ("designated_late", False)
    assert "privilege may not attach" in warning.sentence
    assert explain(peer(designated_at=date(2026, 10, 6)), ctx) == []


def test_where_nobody_knows_when_it_began_the_logging_counts_for_the_designation() -> None:
    unknown = replace(incident(), occurred_at=None, logged_at=NOON - 30 * DAY)
    [warning] = explain(peer(designated_at=date(2026, 9, 20)), context(incident=unknown))
    assert warning.code == "designated_late"


def test_every_reason_is_told_in_the_order_of_the_rules() -> None:
    ctx = context(officer, asked=frozenset({"p"}))
    bad = peer("p", opted_out=True, status=PersonStatus.LEAVE, designated_at=date(2026, 10, 7))
    assert [r.code for r in explain(bad, ctx)] == ["on_leave", "opted_out", "asked_before", "designated_late"]
    assert [r.sentence for r in explain(bad, ctx)][:2] == ["Is on leave.", "Has stopped our texts."]


def test_every_rule_has_its_own_code_and_one_sentence_that_ends() -> None:
    rules = (*RULES, *WARNINGS)
    assert len({rule.code for rule in rules}) == len({rule.sentence for rule in rules}) == len(rules)
    assert all(rule.sentence.endswith(".") and len(rule.sentence) > 10 for rule in rules)


def test_a_late_entry_on_the_affected_list_ends_an_assignment() -> None:
    serving = context(officer, asked=frozenset({"p"}), loads={"p": Load(open_persons=3)})
    assert must_step_back(peer("p"), serving) == []
    late = context(officer, peer("p"))
    (why,) = must_step_back(peer("p"), late)
    assert (why.code, why.hard) == ("affected", True)
    assert why.sentence.startswith("Is on the affected list")


def test_a_late_entry_of_a_commander_ends_no_assignment_but_that_pair() -> None:
    assert must_step_back(peer("p", reports_to="chief"), context(officer, responder("chief"))) == []
