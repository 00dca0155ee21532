"""Group formats beside defusing and debriefing: their anchors, their groups, and what forbids them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from cism.domain.incident import Affected, Circle, Incident, Severity
from cism.domain.incident_types import INCIDENT_TYPES, IncidentType, Intervention
from cism.domain.people import Discipline, Person, Role, SleepWindow
from cism.domain.protocol import Protocol, SessionRule, load_protocol
from cism.domain.session_case import led_by_clinician
from cism.domain.sessions import Blocked, SessionPlan, plan_sessions, why_off

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NOON = datetime(2026, 6, 1, 12, tzinfo=ZoneInfo("America/New_York")).astimezone(UTC)
DEM, CMB, AAR, LODD = "demobilization", "crisis_management_briefing", "after_action_review", "lodd_group"
RULES = {
    DEM: SessionRule(
        earliest=0 * HOUR,
        ideal=30 * MINUTE,
        latest=HOUR,
        size=(3, 60),
        notice=10 * MINUTE,
        duration=30 * MINUTE,
    ),
    CMB: SessionRule(earliest=0 * HOUR, ideal=24 * HOUR, latest=72 * HOUR, size=(10, 300), duration=HOUR),
    AAR: SessionRule(earliest=0 * HOUR, ideal=8 * HOUR, latest=24 * HOUR),
    LODD: SessionRule(
        earliest=0 * HOUR, ideal=12 * HOUR, latest=24 * HOUR, approval="clinician", approve_within=HOUR
    ),
}
SFA = load_protocol("sfa-follow-up")


def with_sessions(**rules: SessionRule) -> Protocol:
    return SFA.model_copy(update={"sessions": rules})


def changed(kind: str, **fields: object) -> Protocol:
    return with_sessions(**{kind: RULES[kind].model_copy(update=fields)})


def crew(count: int, unit: str = "E1", agency: str = "metro") -> list[Person]:
    return [
        Person(
            id=f"{unit}-{n:03}",
            agency=agency,
            zone="America/New_York",
            sleep=SleepWindow(),
            discipline=Discipline.FIRE,
            unit=unit,
        )
        for n in range(count)
    ]


def listed(
    people: Iterable[Person], end: datetime | None = NOON, circle: Circle = Circle.B
) -> tuple[Affected, ...]:
    return tuple(Affected(person_id=p.id, circle=circle, exposure_end=end, added_at=NOON) for p in people)


def incident(type_: str = "MCI", *affected: tuple[Affected, ...], **facts: object) -> Incident:
    event = Incident(
        id="i",
        ref="R",
        agency="metro",
        type=type_,
        severity=Severity.S4,
        logged_at=NOON,
        occurred_at=NOON - 2 * HOUR,
        affected=tuple(one for group in affected for one in group),
    )
    return replace(event, **facts)  # type: ignore[arg-type]


def planned(
    event: Incident,
    people: Iterable[Person],
    protocol: Protocol,
    now: datetime = NOON,
    types: dict[str, IncidentType] | None = None,
) -> list[SessionPlan]:
    found = plan_sessions(event, {p.id: p for p in people}, protocol, now, types=types or INCIDENT_TYPES)
    for plan in found:
        assert (plan.starts_at is None) == (plan.blocked is not None) == (plan.alternative == "one_on_one")
    return found


def only(found: list[SessionPlan]) -> SessionPlan:
    (plan,) = found
    return plan


class TestDemobilization:
    def test_each_unit_gets_its_half_hour_within_an_hour_of_its_own_release(self) -> None:
        engine, truck = crew(4, "E1"), crew(4, "T2")
        event = incident("MCI", listed(engine), listed(truck, NOON + 30 * MINUTE))
        first, second = planned(event, [*engine, *truck], changed(DEM), NOON + 30 * MINUTE)
        assert [plan.group for plan in (first, second)] == ["unit/metro/fire/E1", "unit/metro/fire/T2"]
        assert first.starts_at == NOON + 45 * MINUTE
        assert second.window is not None
        assert second.window.latest == NOON + 90 * MINUTE
        assert (first.team_size, first.needs_approval) == (1, False)

    def test_the_unit_stays_whole_with_its_officer_and_across_circles(self) -> None:
        people = crew(5)
        people[0] = replace(people[0], roles=frozenset({Role.SUPERVISOR}))
        people[1] = replace(people[1], reports_to=people[0].id)
        event = incident("MCI", listed(people[:2], circle=Circle.A), listed(people[2:]))
        assert len(only(planned(event, people, changed(DEM))).members) == 5

    def test_an_hour_after_the_release_it_is_too_late_and_one_to_one_is_offered(self) -> None:
        people = crew(4)
        plan = only(planned(incident("MCI", listed(people)), people, changed(DEM), NOON + 61 * MINUTE))
        assert plan.blocked is Blocked.WINDOW_CLOSED

    def test_whoever_is_still_out_there_has_not_been_released(self) -> None:
        people = crew(4)
        plan = only(planned(incident("MCI", listed(people, None)), people, changed(DEM)))
        assert plan.blocked is Blocked.EXPOSURE_END_UNKNOWN

    def test_it_is_for_large_events_alone(self) -> None:
        people = crew(4)
        small = incident("RIOT", listed(people), severity=Severity.S3)
        assert only(planned(small, people, changed(DEM))).blocked is Blocked.ROUTINE_SIZE
        assert only(planned(replace(small, severity=Severity.S4), people, changed(DEM))).starts_at
        surge = incident("CALL_SURGE_MCI", listed(people), severity=Severity.S3)
        assert only(planned(surge, people, changed(DEM))).starts_at

    def test_families_get_none(self) -> None:
        people = crew(4)
        event = incident("MCI", listed(people, circle=Circle.F))
        assert only(planned(event, people, changed(DEM))).blocked is Blocked.FAMILY_APART


class TestBriefing:
    def test_everybody_of_an_agency_sits_together_and_another_agency_apart(self) -> None:
        people = [*crew(140), *crew(12, "M9", "county")]
        found = planned(incident("MCI", listed(people)), people, changed(CMB))
        assert [(plan.group, len(plan.members)) for plan in found] == [
            ("agency/county", 12),
            ("agency/metro", 140),
        ]
        assert [plan.team_size for plan in found] == [2, 4]

    def test_fewer_than_ten_get_a_conversation_each_and_more_than_three_hundred_meet_in_parts(self) -> None:
        few, many = crew(9), crew(301)
        assert only(planned(incident("MCI", listed(few)), few, changed(CMB))).blocked is Blocked.TOO_FEW
        found = planned(incident("MCI", listed(many)), many, changed(CMB))
        assert [len(plan.members) for plan in found] == [150, 151]

    def test_its_window_counts_from_the_incident_even_where_somebody_left_much_later(self) -> None:
        people = crew(12)
        plan = only(planned(incident("MCI", listed(people)), people, changed(CMB)))
        assert plan.window is not None
        assert plan.window.latest == NOON - 2 * HOUR + 72 * HOUR
        unknown = incident("MCI", listed(people), occurred_at=None)
        window = only(planned(unknown, people, changed(CMB))).window
        assert window is not None
        assert window.latest == NOON + 72 * HOUR  # counted from the logging

    def test_it_can_wait_for_the_end_of_the_incident(self) -> None:
        people = crew(12)
        protocol = changed(CMB, anchor="incident_end")
        event = incident("MCI", listed(people))
        assert only(planned(event, people, protocol)).blocked is Blocked.INCIDENT_END_UNKNOWN
        over = replace(event, ended_at=NOON)
        assert only(planned(over, people, protocol)).starts_at == NOON + 45 * MINUTE

    def test_it_is_held_again_as_often_as_the_protocol_says(self) -> None:
        people = crew(12)
        protocol = changed(CMB, latest=12 * HOUR, again_after=(DAY,))
        first, again = planned(incident("MCI", listed(people)), people, protocol)
        assert (first.group, again.group) == ("agency/metro", "agency/metro#2")
        assert first.starts_at is not None
        assert again.starts_at is not None
        assert again.starts_at >= NOON - 2 * HOUR + DAY > first.starts_at

    def test_the_funeral_can_set_its_date(self) -> None:
        people = crew(12)
        protocol = changed(CMB, anchor="funeral", earliest=DAY, ideal=2 * DAY, latest=3 * DAY)
        event = incident("LODD", listed(people), kin_notified=True)
        waiting = only(planned(event, people, protocol))
        assert waiting.blocked is Blocked.FUNERAL_UNKNOWN
        dated = replace(event, funeral_at=NOON + 4 * DAY)
        plan = only(planned(dated, people, protocol))
        assert plan.starts_at is not None
        assert NOON + 5 * DAY <= plan.starts_at <= NOON + 7 * DAY
        assert why_off(dated, plan, plan.starts_at) is None
        assert why_off(replace(dated, funeral_at=NOON + 9 * DAY), plan, plan.starts_at) == "funeral_moved"

    def test_nobody_hears_facts_before_the_next_of_kin_have_been_told(self) -> None:
        people = crew(12)
        event = incident("LODD", listed(people))
        plan = only(planned(event, people, changed(CMB)))
        assert plan.blocked is Blocked.KIN_NOT_TOLD
        told = replace(event, kin_notified=True)
        held = only(planned(told, people, changed(CMB)))
        assert held.starts_at is not None
        assert why_off(event, plan, held.starts_at) == "kin_not_told"  # it was entered by mistake

    def test_while_statements_are_pending_nobody_goes_over_the_facts(self) -> None:
        people = crew(12)
        event = incident("OFFICER_SHOT", listed(people))
        assert only(planned(event, people, changed(CMB))).blocked is Blocked.LEGAL_JEOPARDY
        free = replace(event, statements_complete=True)
        assert only(planned(free, people, changed(CMB))).starts_at

    def test_one_who_may_not_speak_yet_keeps_the_whole_agency_from_a_briefing_on_facts(self) -> None:
        people = crew(12)
        protocol = changed(CMB, after_statements=True)
        event = incident("MCI", listed(people[:1], circle=Circle.A), listed(people[1:], circle=Circle.E))
        assert only(planned(event, people, protocol)).blocked is Blocked.LEGAL_JEOPARDY
        only_others = incident("MCI", listed(people[1:], circle=Circle.E))
        assert only(planned(only_others, people, protocol)).starts_at


class TestDeathInTheLineOfDuty:
    def test_the_short_group_is_proposed_to_a_clinician_on_the_same_day(self) -> None:
        people = crew(5)
        event = incident("LODD", listed(people, circle=Circle.D), kin_notified=True)
        plan = only(planned(event, people, changed(LODD)))
        assert plan.needs_approval
        assert plan.starts_at == NOON + HOUR + 45 * MINUTE
        assert led_by_clinician(LODD, RULES[LODD])

    def test_it_waits_until_the_next_of_kin_have_been_told(self) -> None:
        people = crew(5)
        event = incident("LODD", listed(people, circle=Circle.D))
        assert only(planned(event, people, changed(LODD))).blocked is Blocked.KIN_NOT_TOLD

    @pytest.mark.parametrize("kind", ["defusing", DEM, AAR])
    def test_neither_defusing_nor_demobilization_nor_review_on_that_day_even_if_a_type_names_them(
        self, kind: str
    ) -> None:
        people = crew(5)
        rules = {**SFA.sessions, **RULES}
        own = IncidentType(
            code="OWN",
            label="Own",
            severity=Severity.S4,
            lodd=True,
            interventions=frozenset(
                {Intervention.DEFUSING, Intervention.DEMOBILIZATION, Intervention.AFTER_ACTION}
            ),
        )
        event = incident("OWN", listed(people), kin_notified=True)
        plan = only(planned(event, people, with_sessions(**{kind: rules[kind]}), types={"OWN": own}))
        assert plan.blocked is Blocked.LODD_DAY


class TestAfterActionReview:
    def test_it_takes_the_place_of_the_defusing(self) -> None:
        people = crew(5)
        both = with_sessions(**{AAR: RULES[AAR], "defusing": SFA.sessions["defusing"]})
        event = incident("MAYDAY", listed(people))
        assert [plan.kind for plan in planned(event, people, both)] == [AAR]
        elsewhere = incident("CHILD", listed(people))  # a type that knows no such review
        assert [plan.kind for plan in planned(elsewhere, people, both)] == ["defusing"]


def test_a_format_can_be_kept_for_the_gravest() -> None:
    people = crew(12)
    protocol = changed(CMB, severities=frozenset({Severity.S4}))
    event = incident("MCI", listed(people), severity=Severity.S3)
    assert planned(event, people, protocol) == []
    assert only(planned(replace(event, severity=Severity.S4), people, protocol)).starts_at


def test_a_protocol_may_ask_for_a_larger_team_and_for_a_clinician() -> None:
    people = crew(14)
    team = {"least": 3, "one_for": 5, "clinicians": 1}
    rule = SessionRule.model_validate(
        {**SFA.sessions["defusing"].model_dump(), "team": team, "lead": "clinician"}
    )
    plan = only(planned(incident("MAYDAY", listed(people)), people, with_sessions(defusing=rule)))
    assert plan.team_size == 3
    assert led_by_clinician("defusing", rule)
    assert not led_by_clinician("defusing", SFA.sessions["defusing"])
    assert led_by_clinician("cisd", SFA.sessions["cisd"])  # also where the protocol says nothing of it


def test_no_group_format_is_planned_where_a_group_would_do_harm() -> None:
    people = crew(12)
    everything = with_sessions(**RULES, **SFA.sessions)
    found = planned(incident("CARE_ERROR_HARM", listed(people)), people, everything)
    assert {plan.blocked for plan in found} == {Blocked.GROUP_NOT_ALLOWED}
