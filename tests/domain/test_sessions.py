"""Group sessions: offered or proposed inside their windows, and never where a group would do harm."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cism.domain.incident import Affected, Circle, Incident, IncidentState, Severity
from cism.domain.people import Discipline, Person, PersonStatus, Role, SleepWindow
from cism.domain.protocol import Protocol, load_protocol
from cism.domain.quiet_hours import is_asleep, is_open
from cism.domain.session_slots import invitation_at, invite_at
from cism.domain.sessions import CISD, DEFUSING, Blocked, SessionPlan, plan_sessions, team_size, why_off
from cism.domain.windows import Window

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
SFA, OIS = load_protocol("sfa-follow-up"), load_protocol("iacp-ois")
LA, NEW_YORK, CHICAGO = "America/Los_Angeles", "America/New_York", "America/Chicago"
NIGHT, DAY_SLEEPER = SleepWindow(), SleepWindow(time(8), time(16))
NOON = datetime(2026, 6, 1, 12, tzinfo=ZoneInfo(NEW_YORK)).astimezone(UTC)


def at(zone: str, year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def crew(
    count: int,
    prefix: str = "p",
    zone: str = NEW_YORK,
    sleep: SleepWindow = NIGHT,
    discipline: Discipline = Discipline.FIRE,
    unit: str = "E1",
) -> list[Person]:
    return [
        Person(id=f"{prefix}{n:02}", agency="metro", zone=zone, sleep=sleep, discipline=discipline, unit=unit)
        for n in range(count)
    ]


def on_list(
    people: Iterable[Person], end: datetime | None, circle: Circle = Circle.B
) -> tuple[Affected, ...]:
    return tuple(Affected(person_id=p.id, circle=circle, exposure_end=end, added_at=NOON) for p in people)


def incident(type_: str, *affected: tuple[Affected, ...]) -> Incident:
    everybody = tuple(one for group in affected for one in group)
    return Incident(
        id="i1",
        ref="R1",
        agency="metro",
        type=type_,
        severity=Severity.S3,
        logged_at=NOON,
        affected=everybody,
    )


def plans(
    event: Incident, people: Iterable[Person], now: datetime, protocol: Protocol = SFA
) -> dict[str, list[SessionPlan]]:
    found = plan_sessions(event, {p.id: p for p in people}, protocol, now)
    for plan in found:
        assert (plan.starts_at is None) == (plan.blocked is not None) == (plan.alternative == "one_on_one")
    return {kind: [plan for plan in found if plan.kind == kind] for kind in (DEFUSING, CISD)}


def only(found: list[SessionPlan]) -> SessionPlan:
    assert len(found) == 1
    return found[0]


def test_a_crew_of_five_is_offered_a_defusing_at_the_next_quarter_of_an_hour_after_the_notice() -> None:
    people = crew(5)
    plan = only(plans(incident("MAYDAY", on_list(people, NOON)), people, NOON + 20 * MINUTE)[DEFUSING])
    assert plan.starts_at == NOON + 75 * MINUTE  # 20 and 45 minutes, rounded up
    assert plan.window == Window(NOON, NOON + 8 * HOUR, NOON + 12 * HOUR)
    assert plan.members == tuple(p.id for p in people)
    assert plan.group == "B/metro/fire/E1/crew"
    assert plan.team_size == 2
    assert not plan.needs_approval


def test_a_debriefing_is_proposed_at_the_first_slot_hour_a_day_after_and_needs_a_clinician() -> None:
    people = crew(5)
    plan = only(plans(incident("MAYDAY", on_list(people, NOON)), people, NOON)[CISD])
    assert plan.starts_at == at(NEW_YORK, 2026, 6, 2, 14)
    assert plan.needs_approval
    assert plan.window == Window(NOON + DAY, NOON + 3 * DAY, NOON + 10 * DAY)


def test_a_slot_hour_before_the_window_opens_moves_to_the_next_day() -> None:
    people = crew(3)
    end = at(NEW_YORK, 2026, 6, 1, 15)
    plan = only(plans(incident("MAYDAY", on_list(people, end)), people, end)[CISD])
    assert plan.starts_at == at(NEW_YORK, 2026, 6, 3, 14)


def test_a_debriefing_leaves_the_clinician_time_to_answer_and_everybody_the_notice() -> None:
    people = crew(3)
    event = incident("MAYDAY", on_list(people, NOON))
    two = at(NEW_YORK, 2026, 6, 4, 14)
    ahead = 10 * HOUR  # two until it is proposed, four to answer, four of notice
    assert only(plans(event, people, two - ahead)[CISD]).starts_at == two
    assert only(plans(event, people, two - ahead + MINUTE)[CISD]).starts_at == two + DAY


def test_the_slot_hour_is_read_from_the_wall_of_most() -> None:
    people = [*crew(1, "a", LA), *crew(2, "b", NEW_YORK)]
    plan = only(plans(incident("MAYDAY", on_list(people, NOON)), people, NOON)[CISD])
    assert plan.starts_at == at(NEW_YORK, 2026, 6, 2, 14)


def test_a_debriefing_may_begin_at_the_very_end_of_its_window_and_no_quarter_later() -> None:
    people = [*crew(3), *crew(1, "q", sleep=DAY_SLEEPER)]  # one of them is up from four
    for end, awake in ((14, 3), (16, 4)):
        left = at(NEW_YORK, 2026, 6, 1, end)
        event = incident("MAYDAY", on_list(people[:awake], left))
        plan = only(plans(event, people[:awake], left + 9 * DAY + 10 * HOUR)[CISD])
        assert plan.starts_at == left + 10 * DAY
    left -= 15 * MINUTE
    event = incident("MAYDAY", on_list(people, left))
    plan = only(plans(event, people, left + 9 * DAY + 10 * HOUR)[CISD])
    assert plan.blocked is Blocked.NO_COMMON_HOUR


@pytest.mark.parametrize(("zone", "up", "hour"), [(LA, 17, 17), ("Pacific/Pago_Pago", 8, 14)])
def test_the_day_of_a_slot_is_the_day_on_their_wall_however_far_west(zone: str, up: int, hour: int) -> None:
    people = crew(3, zone=zone, sleep=SleepWindow(time(up - 8), time(up)))
    left = at(zone, 2026, 6, 1, 13, 30)  # over there it is the next day by UTC when the session begins
    plan = only(plans(incident("MAYDAY", on_list(people, left)), people, left)[CISD])
    assert plan.starts_at == at(zone, 2026, 6, 2, hour)


def test_a_session_begins_on_a_quarter_of_an_hour_whatever_second_it_is_planned_at() -> None:
    people = crew(3)
    now = NOON + timedelta(seconds=1, microseconds=1)
    plan = only(plans(incident("MAYDAY", on_list(people, NOON)), people, now)[DEFUSING])
    assert plan.starts_at == NOON + HOUR


def test_a_debriefing_waits_for_people_who_sleep_at_the_slot_hour() -> None:
    people = [*crew(3), *crew(1, "q", sleep=DAY_SLEEPER)]
    plan = only(plans(incident("MAYDAY", on_list(people, NOON)), people, NOON)[CISD])
    assert plan.starts_at == at(NEW_YORK, 2026, 6, 2, 16)


def test_people_without_an_open_hour_in_common_get_no_debriefing() -> None:
    people = [*crew(3, sleep=SleepWindow(time(13), time(8))), *crew(1, "q", sleep=DAY_SLEEPER)]
    plan = only(plans(incident("MAYDAY", on_list(people, NOON)), people, NOON)[CISD])
    assert plan.blocked is Blocked.NO_COMMON_HOUR
    assert plan.window == Window(NOON + DAY, NOON + 3 * DAY, NOON + 10 * DAY)  # may join one in it


def test_two_hours_that_would_run_into_somebodys_sleep_are_not_proposed() -> None:
    people = crew(3, sleep=SleepWindow(time(15), time(8)))  # up until three, the slot is from two to four
    assert only(plans(incident("MAYDAY", on_list(people, NOON)), people, NOON)[CISD]).blocked


def test_a_session_that_would_end_a_minute_into_somebodys_sleep_is_not_offered() -> None:
    event = incident("MAYDAY", on_list(crew(3), NOON))
    until = {minute: crew(3, sleep=SleepWindow(time(12, minute), time(8))) for minute in (44, 45)}
    now = NOON - 45 * MINUTE  # it would begin at noon and end at 12:45
    assert only(plans(event, until[45], now)[DEFUSING]).starts_at == NOON
    assert only(plans(event, until[44], now)[DEFUSING]).blocked is Blocked.NO_COMMON_HOUR


@pytest.mark.parametrize(("hours", "offered"), [(11, True), (12, False), (13, False)])
def test_a_defusing_is_counted_from_the_exposure_and_not_from_the_logging(hours: int, offered: bool) -> None:
    end = at(NEW_YORK, 2026, 6, 1, 8)
    people = crew(4, sleep=SleepWindow(time(2), time(7)))
    plan = only(plans(incident("MAYDAY", on_list(people, end)), people, end + hours * HOUR)[DEFUSING])
    assert (plan.starts_at is not None) is offered
    if offered:
        assert plan.starts_at == end + 11 * HOUR + 45 * MINUTE
    else:
        assert plan.alternative == "one_on_one"


def test_past_twelve_hours_the_reason_is_the_closed_window() -> None:
    people = crew(4)
    plan = only(plans(incident("MAYDAY", on_list(people, NOON)), people, NOON + 13 * HOUR)[DEFUSING])
    assert plan.blocked is Blocked.WINDOW_CLOSED
    assert plan.team_size == 0


def test_two_people_who_left_at_different_times_have_two_windows() -> None:
    here, gone = crew(3), crew(1, "q")
    event = incident("MAYDAY", on_list(here, NOON), on_list(gone, NOON - 12 * HOUR))
    late, plan = plans(event, [*here, *gone], NOON + HOUR)[DEFUSING]
    assert (late.blocked, late.members) == (Blocked.WINDOW_CLOSED, ("q00",))
    assert late.group == "B/metro/fire/E1/crew/window_closed"
    assert plan.members == ("p00", "p01", "p02")
    assert plan.starts_at is not None


def test_somebody_still_exposed_is_not_scheduled_and_does_not_take_it_from_the_others() -> None:
    here, out = crew(3), crew(1, "q")
    event = incident("MAYDAY", on_list(here, NOON), on_list(out, None))
    for kind in (DEFUSING, CISD):
        exposed, plan = plans(event, [*here, *out], NOON + HOUR)[kind]
        assert (exposed.blocked, exposed.members) == (Blocked.EXPOSURE_END_UNKNOWN, ("q00",))
        assert plan.members == ("p00", "p01", "p02")


def test_fewer_than_three_are_not_a_group() -> None:
    people = crew(2)
    found = plans(incident("MAYDAY", on_list(people, NOON)), people, NOON)
    assert only(found[DEFUSING]).blocked is Blocked.TOO_FEW
    assert only(found[DEFUSING]).window == Window(NOON, NOON + 8 * HOUR, NOON + 12 * HOUR)
    assert only(found[CISD]).blocked is Blocked.TOO_FEW


def test_people_who_left_too_far_apart_have_no_debriefing_in_common() -> None:
    here, late = crew(2), crew(1, "q")
    event = incident("MAYDAY", on_list(here, NOON), on_list(late, NOON + 10 * DAY - HOUR))
    plan = only(plans(event, [*here, *late], NOON + 10 * DAY - HOUR)[CISD])
    assert plan.blocked is Blocked.NO_COMMON_WINDOW
    assert plan.window is not None
    assert plan.window.empty


@pytest.mark.parametrize(
    ("count", "sizes", "teams"), [(20, [20], [3]), (21, [10, 11], [2, 2]), (50, [16, 17, 17], [3, 3, 3])]
)
def test_more_than_twenty_are_split_evenly(count: int, sizes: list[int], teams: list[int]) -> None:
    people = crew(count)
    found = plans(incident("MAYDAY", on_list(people, NOON)), people, NOON)[DEFUSING]
    assert [len(plan.members) for plan in found] == sizes
    assert [plan.team_size for plan in found] == teams
    assert sorted(member for plan in found for member in plan.members) == [p.id for p in people]
    assert len({plan.group for plan in found}) == len(found)


@pytest.mark.parametrize(("count", "size"), [(3, 2), (14, 2), (15, 3), (20, 3)])
def test_a_team_is_two_at_least_and_one_for_seven(count: int, size: int) -> None:
    assert team_size(count) == size


def test_groups_stay_inside_one_circle_one_discipline_one_unit_and_one_agency() -> None:
    people = [
        *crew(3, "a"),
        *crew(3, "b", discipline=Discipline.EMS),
        *crew(3, "c", unit="E2"),
        *[replace(p, agency="county") for p in crew(3, "d")],
        *crew(3, "e"),
    ]
    event = incident("MAYDAY", on_list(people[:12], NOON), on_list(people[12:], NOON, Circle.A))
    found = plans(event, people, NOON)[DEFUSING]
    assert [{member[0] for member in plan.members} for plan in found] == [{"e"}, {"d"}, {"b"}, {"a"}, {"c"}]


def test_command_sits_apart_and_nobody_beside_their_own_superior() -> None:
    people = crew(4)
    sergeants = [replace(p, roles=frozenset({Role.SUPERVISOR})) for p in crew(3, "s")]
    chief = crew(1, "z")[0]
    # p00 is above p01, who is above p02 and p03; both have a chief who is on no list; s00 reports to itself
    people[1] = replace(people[1], reports_to="p00")
    people[2] = replace(people[2], reports_to="p01")
    people[3] = replace(people[3], reports_to="p01")
    people[0] = replace(people[0], reports_to=chief.id)
    sergeants[0] = replace(sergeants[0], reports_to="s00")
    event = incident("MAYDAY", on_list([*people, *sergeants], NOON))
    found = plans(event, [*people, *sergeants, chief], NOON)[DEFUSING]
    assert [plan.members for plan in found] == [("p00",), ("p01",), ("p02", "p03"), ("s00", "s01", "s02")]


def test_a_superior_who_is_on_no_roster_ends_the_chain() -> None:
    people = [replace(p, reports_to="elsewhere") for p in crew(3)]
    assert only(plans(incident("MAYDAY", on_list(people, NOON)), people, NOON)[DEFUSING]).starts_at


def test_families_never_sit_in_a_group_of_employees() -> None:
    people = crew(4)
    found = plans(incident("MAYDAY", on_list(people, NOON, Circle.F)), people, NOON)
    assert {only(found[kind]).blocked for kind in (DEFUSING, CISD)} == {Blocked.FAMILY_APART}


def test_the_dead_the_unknown_and_who_ended_it_are_in_no_group() -> None:
    people = crew(6)
    people[0] = replace(people[0], status=PersonStatus.DECEASED)
    listed = list(on_list(people, NOON))
    listed[1] = replace(listed[1], ended=True)
    found = plans(incident("MAYDAY", tuple(listed)), people[:5], NOON)
    assert only(found[DEFUSING]).members == ("p02", "p03", "p04")


def test_no_group_where_a_group_would_do_harm() -> None:
    people = crew(4)
    found = plans(incident("CARE_ERROR_HARM", on_list(people, NOON)), people, NOON)
    assert only(found[DEFUSING]).blocked is Blocked.GROUP_NOT_ALLOWED
    assert only(found[CISD]).blocked is Blocked.GROUP_NOT_ALLOWED


def test_a_kind_of_incident_that_no_group_is_meant_for_gets_none() -> None:
    people = crew(4)
    for type_ in ("OTHER", "UNHEARD_OF"):
        assert (
            plan_sessions(incident(type_, on_list(people, NOON)), {p.id: p for p in people}, SFA, NOON) == []
        )


def test_an_incident_that_is_not_open_gets_no_session() -> None:
    people = crew(4)
    event = replace(incident("MAYDAY", on_list(people, NOON)), state=IncidentState.STOOD_DOWN)
    assert plan_sessions(event, {p.id: p for p in people}, SFA, NOON) == []


def test_a_protocol_may_leave_out_a_format_or_exclude_a_type() -> None:
    people = crew(4)
    event = incident("MAYDAY", on_list(people, NOON))
    rule = SFA.sessions[CISD].model_copy(update={"blocked_for_types": frozenset({"MAYDAY"})})
    narrow = SFA.model_copy(update={"sessions": {CISD: rule}})
    found = plans(event, people, NOON, narrow)
    assert found[DEFUSING] == []
    assert only(found[CISD]).blocked is Blocked.NOT_FOR_THIS_TYPE


def test_a_defusing_that_needs_a_clinician_waits_for_the_answer() -> None:
    people = crew(4)
    rule = SFA.sessions[DEFUSING].model_copy(update={"approval": "clinician", "approve_within": HOUR})
    protocol = SFA.model_copy(update={"sessions": {DEFUSING: rule}})
    plan = only(plans(incident("MAYDAY", on_list(people, NOON)), people, NOON, protocol)[DEFUSING])
    assert plan.needs_approval
    assert plan.starts_at == NOON + 105 * MINUTE


class TestScenarioA:
    """An officer-involved shooting on the night of the change to daylight saving in Los Angeles."""

    END = at(LA, 2026, 3, 7, 23, 10)
    LOGGED = at(LA, 2026, 3, 8, 1, 5)

    @staticmethod
    def officers(count: int, prefix: str) -> list[Person]:
        return crew(count, prefix, LA, NIGHT, Discipline.LAW_ENFORCEMENT, "patrol")

    @pytest.mark.parametrize("protocol", [SFA, OIS])
    def test_officers_get_no_group_before_their_statements(self, protocol: Protocol) -> None:
        shooters, present = self.officers(3, "a"), self.officers(4, "b")
        event = incident(
            "OIS_SHOOTER", on_list(shooters, self.END, Circle.A), on_list(present, self.END, Circle.B)
        )
        found = plans(event, [*shooters, *present], self.LOGGED, protocol)
        for kind in (DEFUSING, CISD):
            assert [plan.blocked for plan in found[kind]] == [Blocked.LEGAL_JEOPARDY] * 2

    @pytest.mark.parametrize("protocol", [SFA, OIS])
    def test_the_dispatch_crew_may_be_offered_a_defusing_but_no_debriefing_yet(
        self, protocol: Protocol
    ) -> None:
        dispatch = crew(3, "c", LA, NIGHT, Discipline.DISPATCH, "center")
        event = incident("OIS_SHOOTER", on_list(dispatch, self.END, Circle.C))
        found = plans(event, dispatch, self.LOGGED, protocol)
        plan = only(found[DEFUSING])
        # told at eight when texts may arrive, then 45 minutes; 12:10 PDT is the end of the window
        assert plan.starts_at == at(LA, 2026, 3, 8, 8, 45)
        assert plan.window is not None
        assert plan.window.latest == at(LA, 2026, 3, 8, 12, 10)
        assert only(found[CISD]).blocked is Blocked.LEGAL_JEOPARDY

    def test_a_dispatch_crew_that_works_by_night_can_meet_before_it_goes_home(self) -> None:
        dispatch = crew(3, "c", LA, DAY_SLEEPER, Discipline.DISPATCH, "center")
        event = incident("OIS_SHOOTER", on_list(dispatch, self.END, Circle.C))
        plan = only(plans(event, dispatch, self.LOGGED)[DEFUSING])
        assert plan.starts_at == self.LOGGED + 55 * MINUTE
        assert plan.starts_at == at(LA, 2026, 3, 8, 3)  # 02:00 does not exist that night
        assert invitation_at(SFA.sessions[DEFUSING], dispatch[0], plan.starts_at, self.LOGGED) is None

    def test_officers_counted_as_remote_are_officers_still(self) -> None:
        remote = self.officers(3, "c")
        event = incident("OIS_SHOOTER", on_list(remote, self.END, Circle.C))
        assert only(plans(event, remote, self.LOGGED)[DEFUSING]).blocked is Blocked.LEGAL_JEOPARDY

    def test_after_the_statements_b_and_c_are_proposed_a_debriefing_apart_and_a_only_one_to_one(self) -> None:
        people = {circle: self.officers(3, circle.value.lower()) for circle in (Circle.A, Circle.B, Circle.C)}
        event = incident("OIS_SHOOTER", *(on_list(found, self.END, c) for c, found in people.items()))
        event = replace(event, statements_complete=True)
        everybody = [p for found in people.values() for p in found]
        found = plans(event, everybody, self.END + 3 * DAY, OIS)[CISD]
        assert [plan.blocked for plan in found] == [Blocked.INDIVIDUAL_FIRST, None, None]
        assert [plan.starts_at for plan in found[1:]] == [at(LA, 2026, 3, 11, 14)] * 2


class TestScenarioB:
    """The death of a firefighter in New York: the debriefing hangs on the funeral."""

    END = at(NEW_YORK, 2026, 10, 5, 16, 20)

    def test_nothing_is_scheduled_by_guess_before_the_funeral_is_known(self) -> None:
        people = crew(5)
        found = plans(incident("LODD", on_list(people, self.END)), people, self.END)
        assert found[DEFUSING] == []
        assert only(found[CISD]).blocked is Blocked.FUNERAL_UNKNOWN

    def test_a_funeral_on_the_tenth_means_a_debriefing_from_the_thirteenth_to_the_seventeenth(self) -> None:
        people = crew(5)
        funeral = at(NEW_YORK, 2026, 10, 10, 11)
        event = replace(incident("LODD", on_list(people, self.END)), funeral_at=funeral)
        plan = only(plans(event, people, self.END + 2 * DAY)[CISD])
        assert plan.starts_at == at(NEW_YORK, 2026, 10, 13, 14)
        assert plan.window is not None
        assert plan.window.latest == at(NEW_YORK, 2026, 10, 17, 11)
        late = only(plans(event, people, at(NEW_YORK, 2026, 10, 17, 12))[CISD])
        assert late.blocked is Blocked.WINDOW_CLOSED

    def test_what_was_planned_before_stands_while_nothing_forbids_it(self) -> None:
        people = crew(5)
        event = replace(
            incident("LODD", on_list(people, self.END)), funeral_at=at(NEW_YORK, 2026, 10, 10, 11)
        )
        plan = only(plans(event, people, self.END + 2 * DAY)[CISD])
        assert why_off(event, plan, plan.starts_at) is None
        moved = replace(event, funeral_at=at(NEW_YORK, 2026, 10, 14, 11))
        assert why_off(moved, plan, plan.starts_at) == "funeral_moved"
        closed = replace(plan, blocked=Blocked.WINDOW_CLOSED)  # somebody was added late
        assert why_off(event, closed, plan.starts_at) is None
        unknown = replace(plan, blocked=Blocked.FUNERAL_UNKNOWN)
        assert why_off(replace(event, funeral_at=None), unknown, plan.starts_at) == "funeral_unknown"
        assert why_off(replace(event, type="OF_ANOTHER_FILE"), plan, plan.starts_at) is None
        assert why_off(event, plan, None) is None

    def test_a_funeral_says_nothing_about_groups_that_do_not_wait_for_it(self) -> None:
        people = crew(5)
        funeral = at(NEW_YORK, 2026, 10, 10, 11)
        event = replace(incident("LODD", on_list(people, self.END)), funeral_at=funeral)
        plan = only(plans(event, people, self.END + 2 * DAY)[CISD])
        assert why_off(event, replace(plan, after_funeral=None), funeral) is None
        assert why_off(replace(event, funeral_at=None), plan, plan.starts_at) is None

    def test_the_last_moment_after_a_funeral_is_still_in_time(self) -> None:
        people = crew(5)
        funeral = at(NEW_YORK, 2026, 10, 10, 11)
        event = replace(incident("LODD", on_list(people, self.END)), funeral_at=funeral)
        plan = only(plans(event, people, self.END + 2 * DAY)[CISD])
        assert why_off(event, plan, funeral + 7 * DAY) is None
        assert why_off(event, plan, funeral + 7 * DAY + MINUTE) == "funeral_moved"


class TestScenarioC:
    """The death of a child, in the night before the clocks go back in Chicago."""

    END = at(CHICAGO, 2026, 10, 31, 3, 40)
    LOGGED = at(CHICAGO, 2026, 10, 31, 7, 20)

    def test_a_night_crew_is_not_called_back_at_noon_but_offered_one_to_one(self) -> None:
        people = crew(4, zone=CHICAGO, sleep=DAY_SLEEPER)
        plan = only(plans(incident("CHILD", on_list(people, self.END)), people, self.LOGGED)[DEFUSING])
        assert plan.blocked is Blocked.NO_COMMON_HOUR
        assert plan.alternative == "one_on_one"

    def test_two_of_the_ambulance_and_four_of_the_engine_are_two_groups(self) -> None:
        ambulance, engine = crew(2, "a", CHICAGO, discipline=Discipline.EMS), crew(4, "e", CHICAGO)
        event = incident("CHILD", on_list([*ambulance, *engine], self.END))
        found = plans(event, [*ambulance, *engine], self.LOGGED)[CISD]
        assert [plan.blocked for plan in found] == [Blocked.TOO_FEW, None]
        assert found[1].starts_at == at(CHICAGO, 2026, 11, 1, 14)


def test_after_a_catastrophe_a_debriefing_is_proposed_three_to_four_weeks_later() -> None:
    people = crew(5)
    plan = only(plans(incident("MCI", on_list(people, NOON)), people, NOON)[CISD])
    assert plan.starts_at == at(NEW_YORK, 2026, 6, 22, 14)


def test_an_invitation_is_texted_in_open_hours_or_brought_by_a_peer() -> None:
    rule = SFA.sessions[DEFUSING]
    whom = crew(1)[0]
    six, eight = at(NEW_YORK, 2026, 6, 1, 6), at(NEW_YORK, 2026, 6, 1, 8)
    assert invitation_at(rule, whom, eight + 45 * MINUTE, six) == eight
    assert invitation_at(rule, whom, eight + 44 * MINUTE, six) is None


def test_an_invitation_may_wait_but_never_so_long_that_the_notice_is_lost() -> None:
    at_once = SFA.sessions[CISD]
    rule = at_once.model_copy(update={"invite_before": 12 * HOUR})
    noon, next_day = at(NEW_YORK, 2026, 6, 1, 12), at(NEW_YORK, 2026, 6, 2, 14)
    assert invite_at(at_once, NEW_YORK, NIGHT, next_day, noon) == noon
    assert invite_at(rule, NEW_YORK, NIGHT, next_day, noon) == at(NEW_YORK, 2026, 6, 2, 8)  # 02:00 is asleep
    early = at(NEW_YORK, 2026, 6, 2, 11)
    assert invite_at(rule, NEW_YORK, NIGHT, early, noon) == noon  # at 08:00 four hours would not be left
    just = at(NEW_YORK, 2026, 6, 2, 12)
    assert invite_at(rule, NEW_YORK, NIGHT, just, noon) == at(NEW_YORK, 2026, 6, 2, 8)  # exactly four are
    soon = at(NEW_YORK, 2026, 6, 1, 17)
    assert invite_at(rule, NEW_YORK, NIGHT, soon, noon) == noon


ZONES = [LA, NEW_YORK, CHICAGO, "Europe/Berlin", "Asia/Kolkata"]
sleeps = st.sampled_from(
    [NIGHT, DAY_SLEEPER, SleepWindow(time(23), time(7)), SleepWindow(time(13), time(20))]
)
members = st.lists(
    st.tuples(st.sampled_from(ZONES), sleeps, st.integers(0, 14 * 60)), min_size=1, max_size=24
)


@settings(max_examples=200, deadline=None)
@given(listed=members, start=st.integers(0, 365 * 1440), late=st.integers(0, 11 * 1440))
def test_every_session_lies_in_each_members_own_window_and_waking_hours(
    listed: list[tuple[str, SleepWindow, int]], start: int, late: int
) -> None:
    base = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=start)
    people = [replace(crew(1, f"p{n:02}-", z, s)[0]) for n, (z, s, _) in enumerate(listed)]
    ends = {p.id: base + end * MINUTE for p, (_, _, end) in zip(people, listed, strict=True)}
    affected = tuple(on_list([p], ends[p.id])[0] for p in people)
    now = max(ends.values()) + late * MINUTE
    by_id = {p.id: p for p in people}
    found = plan_sessions(incident("MAYDAY", affected), by_id, SFA, now)
    for kind in (DEFUSING, CISD):
        spoken_for = [member for plan in found if plan.kind == kind for member in plan.members]
        assert sorted(spoken_for) == sorted(by_id)  # nobody is lost, nobody is in two groups
    for plan in found:
        if plan.starts_at is None:
            continue
        rule = SFA.sessions[plan.kind]
        assert rule.size[0] <= len(plan.members) <= rule.size[1]
        assert plan.starts_at >= now + rule.notice
        for member in plan.members:
            whom, end = by_id[member], ends[member]
            assert end + rule.earliest <= plan.starts_at <= end + rule.latest
            for moment in (plan.starts_at, plan.starts_at + rule.duration - MINUTE):
                assert not is_asleep(moment, whom.zone, whom.sleep)
                assert plan.kind == DEFUSING or is_open(moment, whom.zone, whom.sleep)
