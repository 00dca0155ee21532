"""Follow-up: the practice's worked scenarios to the minute, and what must hold for everybody."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cism.domain.followup import (
    Dropped,
    NoContacts,
    PlannedContact,
    days_after,
    last_point,
    may_be_texted,
    opt_in_at,
    plan_contacts,
    promised_points,
    reminder_at,
    waits_for_kin,
    why_no_contacts,
    worth_asking,
)
from cism.domain.incident import Affected, Circle, Incident, IncidentState, Severity
from cism.domain.people import Person, PersonStatus, SleepWindow
from cism.domain.protocol import ContactRule, Protocol, load_protocol
from cism.domain.quiet_hours import is_open, next_open

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
SFA = load_protocol("sfa-follow-up")
LA, NEW_YORK, CHICAGO = "America/Los_Angeles", "America/New_York", "America/Chicago"
DAY_SLEEPER = SleepWindow(time(8), time(16))
SHORT = SleepWindow(time(10), time(8))  # awake for texts from 08:00 to 10:00 only


def at(zone: str, year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def person(zone: str = NEW_YORK, sleep: SleepWindow | None = None) -> Person:
    return Person(
        id="p1",
        agency="metro",
        zone=zone,
        sleep=sleep or SleepWindow(),
        consent_care=True,
        phone_confirmed=True,
    )


def affected(end: datetime | None, added_at: datetime, circle: Circle = Circle.B) -> Affected:
    return Affected(person_id="p1", circle=circle, exposure_end=end, added_at=added_at)


def incident(logged_at: datetime, severity: Severity = Severity.S4, type_: str = "OIS_SHOOTER") -> Incident:
    return Incident(id="i1", ref="R1", agency="metro", type=type_, severity=severity, logged_at=logged_at)


def planned(
    end: datetime | None,
    now: datetime,
    whom: Person,
    *,
    severity: Severity = Severity.S4,
    protocol: Protocol = SFA,
    opted_in: bool = False,
) -> dict[str, PlannedContact]:
    found = plan_contacts(incident(now, severity), affected(end, now), whom, protocol, now, opted_in=opted_in)
    assert len({contact.point for contact in found}) == len(found)
    return {contact.point: contact for contact in found}


def dues(contacts: dict[str, PlannedContact]) -> dict[str, datetime]:
    return {point: contact.due_at for point, contact in contacts.items() if contact.dropped is None}


def test_scenario_a_over_the_change_to_daylight_saving_in_los_angeles() -> None:
    now = at(LA, 2026, 3, 8, 1, 5)
    plan = planned(at(LA, 2026, 3, 7, 23, 10), now, person(LA), opted_in=True)
    assert dues(plan) == {
        "f0": now,
        "f1": at(LA, 2026, 3, 9, 8),
        "f3": at(LA, 2026, 3, 11, 8),
        "f7": at(LA, 2026, 3, 14, 10),
        "f30": at(LA, 2026, 4, 6, 10),
        "f90": at(LA, 2026, 6, 5, 10),
        "f180": at(LA, 2026, 9, 3, 10),
        "fA": at(LA, 2027, 2, 28, 10),
    }
    assert plan["f0"].channel == "peer"
    assert {plan[point].channel for point in plan if point != "f0"} == {"sms"}


def test_scenario_b_by_the_local_clock_through_the_end_of_daylight_saving_in_new_york() -> None:
    now = at(NEW_YORK, 2026, 10, 5, 16, 35)
    plan = planned(at(NEW_YORK, 2026, 10, 5, 16, 20), now, person(NEW_YORK), opted_in=True)
    assert dues(plan) == {
        "f0": now,
        "f1": at(NEW_YORK, 2026, 10, 6, 16, 20),
        "f3": at(NEW_YORK, 2026, 10, 8, 16, 20),
        "f7": at(NEW_YORK, 2026, 10, 12, 10),
        "f30": at(NEW_YORK, 2026, 11, 4, 10),
        "f90": at(NEW_YORK, 2027, 1, 3, 10),
        "f180": at(NEW_YORK, 2027, 4, 3, 10),
        "fA": at(NEW_YORK, 2027, 9, 28, 10),
    }


def test_scenario_c_a_crew_that_sleeps_by_day_is_asked_at_four_on_the_day_with_25_hours() -> None:
    end = at(CHICAGO, 2026, 10, 31, 3, 40)
    plan = planned(end, at(CHICAGO, 2026, 10, 31, 7, 20), person(CHICAGO, DAY_SLEEPER))
    assert plan["f1"].due_at == at(CHICAGO, 2026, 11, 1, 16)
    assert plan["f1"].due_at - end == timedelta(hours=37, minutes=20)
    assert plan["f3"].due_at == at(CHICAGO, 2026, 11, 3, 16)
    assert plan["f7"].due_at == at(CHICAGO, 2026, 11, 7, 16)
    assert plan["f30"].due_at == at(CHICAGO, 2026, 11, 30, 16)


def test_f1_goes_out_at_the_last_open_minute_before_a_day_when_the_next_one_is_beyond_forty_hours() -> None:
    # 24 h after 10:30 the next open minute is 45.5 h after it
    end = at(NEW_YORK, 2026, 6, 1, 10, 30)
    plan = planned(end, end + HOUR, person(NEW_YORK, SHORT))
    assert plan["f1"].due_at == at(NEW_YORK, 2026, 6, 2, 9, 59)
    assert plan["f1"].due_at - end == timedelta(hours=23, minutes=29)
    # ... and a point by date waits for the next morning when ten o'clock is already closed
    assert plan["f7"].due_at == at(NEW_YORK, 2026, 6, 9, 8)


def test_a_next_open_minute_exactly_forty_hours_after_is_still_in_its_window() -> None:
    morning = SleepWindow(time(12), time(8))  # awake for texts from 08:00 to 12:00 only
    end = at(NEW_YORK, 2026, 6, 1, 16)
    assert planned(end, end, person(NEW_YORK, morning))["f1"].due_at == end + 40 * HOUR


def test_before_a_night_of_25_hours_f1_takes_the_last_open_minute_and_not_the_first() -> None:
    end = at(CHICAGO, 2026, 10, 30, 16, 20)  # 16 hours later texts are open, 40 hours later not yet again
    plan = planned(end, end, person(CHICAGO, SHORT))
    assert plan["f1"].due_at == at(CHICAGO, 2026, 10, 31, 9, 59)


def test_the_severity_decides_which_points_there_are() -> None:
    end = at(NEW_YORK, 2026, 6, 1, 12)
    points = {s: list(planned(end, end, person(), severity=s)) for s in Severity}
    assert points[Severity.S1] == ["f0", "f1", "f7", "f30"]
    assert points[Severity.S2] == ["f0", "f1", "f3", "f7", "f30", "f90"]
    assert points[Severity.S3] == points[Severity.S4] == points[Severity.S2]
    assert "f180" in planned(end, end, person(), opted_in=True)
    assert promised_points(SFA) == {"f1", "f3", "f7", "f30", "f90"}
    assert last_point(SFA, Severity.S1) == "f30"
    assert last_point(SFA, Severity.S3) == "f90"


def test_nobody_is_asked_to_keep_in_touch_where_nothing_would_come_of_a_yes() -> None:
    promised = tuple(rule for rule in SFA.contacts if not rule.opt_in)
    assert worth_asking(SFA, Severity.S3)
    protocol = SFA.model_copy(update={"contacts": promised})
    assert not worth_asking(protocol, Severity.S3)
    assert last_point(protocol, Severity.S3) is None


def test_a_protocol_without_check_ins_promises_none() -> None:
    only_f0 = SFA.model_copy(update={"contacts": SFA.contacts[:1]})
    end = at(NEW_YORK, 2026, 6, 1, 12)
    assert promised_points(only_f0) == frozenset()
    assert list(planned(end, end, person(), protocol=only_f0)) == ["f0"]


def test_contacts_count_from_the_exposure_and_never_from_the_logging() -> None:
    end = at(NEW_YORK, 2026, 6, 1, 12)
    early, late = planned(end, end, person()), planned(end, end + 11 * HOUR, person())
    for point in ("f1", "f3", "f7", "f30", "f90"):
        assert early[point].due_at == late[point].due_at


def test_somebody_still_exposed_gets_nothing_but_a_provisional_first_check_in_from_the_logging() -> None:
    now = at(NEW_YORK, 2026, 6, 1, 12)
    plan = planned(None, now, person())
    assert list(plan) == ["f1"]
    assert plan["f1"].provisional
    assert plan["f1"].due_at == now + DAY
    assert plan["f1"].expires_at == now + 40 * HOUR


def test_somebody_added_later_and_still_exposed_counts_from_being_added() -> None:
    logged, added = at(NEW_YORK, 2026, 6, 1, 12), at(NEW_YORK, 2026, 6, 3, 12)
    found = plan_contacts(incident(logged), affected(None, added), person(), SFA, added)
    assert [contact.due_at for contact in found] == [added + DAY]


def test_f0_is_dropped_when_the_day_is_over() -> None:
    end = at(NEW_YORK, 2026, 6, 1, 12)
    assert planned(end, end + 6 * HOUR, person())["f0"].dropped is None
    late = planned(end, end + 6 * HOUR + timedelta(minutes=1), person())["f0"]
    assert late.dropped is Dropped.TOO_LATE
    assert late.due_at == end


def test_f0_before_the_end_of_exposure_waits_for_it() -> None:
    end = at(NEW_YORK, 2026, 6, 1, 12)
    assert planned(end, end - HOUR, person())["f0"].due_at == end


def test_a_first_check_in_logged_too_late_for_its_window_still_goes_out_before_the_next_point() -> None:
    end = at(NEW_YORK, 2026, 6, 1, 12)
    now = end + 45 * HOUR
    plan = planned(end, now, person())
    assert plan["f1"].due_at == now
    assert plan["f1"].dropped is None
    assert plan["f1"].expires_at == plan["f3"].due_at == end + 72 * HOUR
    by_night = end + 58 * HOUR
    assert planned(end, end + 45 * HOUR, person())["f3"].dropped is None
    assert planned(end, by_night, person())["f1"].dropped is Dropped.MERGED  # 08:00, and f3 at noon


def test_whoever_is_found_an_hour_before_the_next_point_gets_that_one_alone() -> None:
    end = at(NEW_YORK, 2026, 6, 1, 12)
    plan = planned(end, at(NEW_YORK, 2026, 6, 8, 9), person())
    assert plan["f3"].dropped is Dropped.MERGED
    assert plan["f7"].due_at == at(NEW_YORK, 2026, 6, 8, 10)
    graver = planned(end, at(NEW_YORK, 2026, 6, 5, 12), person(), severity=Severity.S2)
    assert graver["f3"].due_at == at(NEW_YORK, 2026, 6, 5, 12)  # three days before the next


def test_a_first_check_in_that_would_come_with_the_next_point_is_merged_into_it() -> None:
    end = at(NEW_YORK, 2026, 6, 1, 7)
    plan = planned(end, at(NEW_YORK, 2026, 6, 3, 23), person())
    assert plan["f1"].dropped is Dropped.MERGED
    assert plan["f3"].due_at == at(NEW_YORK, 2026, 6, 4, 8)
    assert plan["f3"].dropped is None


def test_half_a_day_before_the_next_point_is_near_enough_to_be_one_with_it() -> None:
    end = at(NEW_YORK, 2026, 6, 1, 20, 30)
    morning = at(NEW_YORK, 2026, 6, 4, 8, 30)  # f3 comes twelve hours later
    assert planned(end, morning, person())["f1"].dropped is Dropped.MERGED
    assert planned(end, morning - MINUTE, person())["f1"].due_at == morning - MINUTE
    assert planned(end, morning - MINUTE, person())["f1"].dropped is None


def test_added_five_days_late_means_one_catch_up_now_and_not_two() -> None:
    end = at(NEW_YORK, 2026, 6, 1, 12)
    now = end + 5 * DAY
    plan = planned(end, now, person())
    assert plan["f1"].dropped is Dropped.MERGED
    assert plan["f3"].due_at == now
    assert plan["f3"].expires_at == plan["f7"].due_at
    assert [c.point for c in plan.values() if c.dropped is None and c.due_at == now] == ["f3"]


def test_the_last_point_is_not_caught_up_with_after_its_window() -> None:
    end = at(NEW_YORK, 2026, 6, 1, 12)
    assert planned(end, end + 94 * DAY, person())["f90"].dropped is None
    assert planned(end, end + 97 * DAY, person())["f90"].dropped is Dropped.TOO_LATE
    assert dues(planned(end, end + 97 * DAY, person())) == {}


def test_every_point_ends_with_its_window_and_before_the_next() -> None:
    end = at(NEW_YORK, 2026, 6, 1, 12)
    plan = planned(end, end, person(), opted_in=True)
    assert plan["f0"].expires_at == end + 6 * HOUR
    assert plan["f1"].expires_at == plan["f3"].due_at
    assert plan["f3"].expires_at == end + 96 * HOUR
    assert plan["f7"].expires_at == at(NEW_YORK, 2026, 6, 10)  # the whole eighth day counts
    assert plan["f30"].expires_at == at(NEW_YORK, 2026, 7, 5)
    assert plan["fA"].expires_at == at(NEW_YORK, 2027, 6, 1)  # before the day itself


def with_contacts(*rules: ContactRule) -> Protocol:
    return SFA.model_copy(update={"contacts": rules})


def test_a_point_without_a_window_lasts_until_the_next_and_the_last_one_a_day() -> None:
    end = at(NEW_YORK, 2026, 6, 1, 12)
    bare = with_contacts(
        ContactRule(id="f0", after=timedelta(0), kind="elapsed", by="peer"),
        ContactRule(id="f1", after=DAY, kind="elapsed"),
        ContactRule(id="f3", after=3 * DAY, kind="elapsed"),
        ContactRule(id="f7", after=7 * DAY, kind="date"),
    )
    plan = planned(end, end, person(), protocol=bare)
    assert plan["f0"].expires_at == plan["f1"].due_at
    assert plan["f1"].expires_at == plan["f3"].due_at
    assert plan["f3"].expires_at == plan["f7"].due_at
    assert plan["f7"].expires_at == plan["f7"].due_at + DAY
    assert planned(end, end + 200 * DAY, person(), protocol=bare)["f7"].dropped is None
    alone = with_contacts(ContactRule(id="f0", after=timedelta(0), kind="elapsed", by="peer"))
    assert planned(end, end, person(), protocol=alone)["f0"].expires_at == end + DAY


def test_a_last_point_may_be_caught_up_with_until_the_last_moment_of_its_window_and_keeps_a_day() -> None:
    end = at(NEW_YORK, 2026, 6, 1, 17)
    only_f1 = with_contacts(ContactRule(id="f1", after=DAY, kind="elapsed", window=(16 * HOUR, 40 * HOUR)))
    last = end + 40 * HOUR  # 09:00
    caught = planned(end, last, person(), protocol=only_f1)["f1"]
    assert (caught.dropped, caught.due_at, caught.expires_at) == (None, last, last + DAY)
    assert planned(end, last + MINUTE, person(), protocol=only_f1)["f1"].dropped is Dropped.TOO_LATE


def test_a_last_point_moved_past_its_narrow_window_keeps_a_day_to_be_asked() -> None:
    end = at(NEW_YORK, 2026, 6, 1, 12)
    narrow = with_contacts(ContactRule(id="f7", after=7 * DAY, kind="date", window=(7 * DAY, 7 * DAY)))
    plan = planned(end, end, person(sleep=SHORT), protocol=narrow)
    assert plan["f7"].due_at == at(NEW_YORK, 2026, 6, 9, 8)
    assert plan["f7"].dropped is None
    assert plan["f7"].expires_at == plan["f7"].due_at + DAY
    assert planned(end, plan["f7"].due_at, person(sleep=SHORT), protocol=narrow)["f7"] == plan["f7"]


def test_points_that_a_protocol_puts_within_a_day_are_both_asked_in_time() -> None:
    end = at(NEW_YORK, 2026, 6, 1, 12)
    near = with_contacts(
        ContactRule(id="f1", after=DAY, kind="elapsed"),
        ContactRule(id="f2", after=44 * HOUR, kind="elapsed"),
    )
    assert dues(planned(end, end, person(), protocol=near)) == {"f1": end + DAY, "f2": end + 44 * HOUR}


def test_no_open_minute_before_its_window_is_taken_where_there_is_none_inside() -> None:
    end = at(NEW_YORK, 2026, 6, 1, 18, 30)  # texts are open until 10:00, its window from 10:30 on
    narrow = with_contacts(ContactRule(id="f1", after=DAY, kind="elapsed", window=(16 * HOUR, 30 * HOUR)))
    plan = planned(end, end, person(sleep=SHORT), protocol=narrow)
    assert plan["f1"].due_at == at(NEW_YORK, 2026, 6, 3, 8)
    half_a_minute = end - timedelta(minutes=30, seconds=30)  # the rest of 09:59 is inside
    plan = planned(half_a_minute, half_a_minute, person(sleep=SHORT), protocol=narrow)
    assert plan["f1"].due_at == half_a_minute + 16 * HOUR


def test_a_week_and_120_days_are_counted_on_the_calendar_of_the_wall() -> None:
    end = at(LA, 2026, 3, 7, 23, 10)  # clocks go forward in this night
    assert days_after(end, LA, 7 * DAY) == at(LA, 2026, 3, 14, 23, 10)
    assert days_after(end, LA, 120 * DAY) == at(LA, 2026, 7, 5, 23, 10)


def test_the_anniversary_of_a_leap_day_is_the_last_of_february() -> None:
    end = at(NEW_YORK, 2028, 2, 29, 12)
    plan = planned(end, end, person(), opted_in=True)
    assert plan["fA"].due_at == at(NEW_YORK, 2029, 2, 21, 10)


def test_a_leap_year_in_between_moves_no_anniversary() -> None:
    end = at(NEW_YORK, 2027, 10, 5, 12)
    plan = planned(end, end, person(), opted_in=True)
    assert plan["fA"].due_at == at(NEW_YORK, 2028, 9, 28, 10)


@pytest.mark.parametrize(
    "held_back",
    [
        {"consent_care": False},
        {"phone_confirmed": False},
        {"frozen": True},
        {"care_held": True},
    ],
)
def test_without_consent_or_a_confirmed_phone_a_peer_calls_and_nobody_texts(
    held_back: dict[str, bool],
) -> None:
    end = at(NEW_YORK, 2026, 6, 1, 12)
    whom = replace(person(), **held_back)  # type: ignore[arg-type]
    plan = planned(end, end, whom)
    assert not may_be_texted(whom)
    assert {contact.channel for contact in plan.values()} == {"peer"}
    assert dues(plan) == dues(planned(end, end, person()))


@pytest.mark.parametrize("status", [PersonStatus.LEAVE, PersonStatus.RETIRED])
def test_people_on_leave_and_retired_people_are_still_looked_after(status: PersonStatus) -> None:
    end = at(NEW_YORK, 2026, 6, 1, 12)
    assert planned(end, end, replace(person(), status=status)) == planned(end, end, person())


def test_invariant_8_a_stop_ends_every_contact_and_the_dead_are_never_texted() -> None:
    end = at(NEW_YORK, 2026, 6, 1, 12)
    event, listed = incident(end), affected(end, end)
    stopped = replace(person(), opted_out=True)
    dead = replace(person(), status=PersonStatus.DECEASED)
    assert plan_contacts(event, listed, stopped, SFA, end) == []
    assert why_no_contacts(event, listed, stopped) is NoContacts.STOPPED
    assert not may_be_texted(stopped)
    assert plan_contacts(event, listed, dead, SFA, end) == []
    assert why_no_contacts(event, listed, dead) is NoContacts.DECEASED
    assert not may_be_texted(dead)
    assert why_no_contacts(event, listed, person()) is None


def test_who_ended_this_incidents_contacts_gets_no_more_of_them() -> None:
    end = at(NEW_YORK, 2026, 6, 1, 12)
    left = replace(affected(end, end), ended=True)
    assert plan_contacts(incident(end), left, person(), SFA, end) == []
    assert why_no_contacts(incident(end), left, person()) is NoContacts.ENDED


@pytest.mark.parametrize("state", [IncidentState.HISTORY, IncidentState.STOOD_DOWN, IncidentState.CLOSED])
def test_history_and_ended_incidents_text_nobody(state: IncidentState) -> None:
    end = at(NEW_YORK, 2026, 6, 1, 12)
    event = replace(incident(end), state=state)
    assert plan_contacts(event, affected(end, end), person(), SFA, end) == []
    assert why_no_contacts(event, affected(end, end), person()) is NoContacts.NOT_OPEN


def test_after_a_death_in_the_line_of_duty_colleagues_and_family_wait_until_the_kin_know() -> None:
    end = at(NEW_YORK, 2026, 10, 5, 16, 20)
    lodd = incident(end, type_="LODD")
    close = [affected(end, end, circle) for circle in (Circle.D, Circle.F)]
    assert all(waits_for_kin(lodd, one) for one in close)
    assert not any(waits_for_kin(replace(lodd, kin_notified=True), one) for one in close)
    assert not waits_for_kin(lodd, affected(end, end, Circle.A))
    assert not waits_for_kin(incident(end), close[0])
    assert not waits_for_kin(incident(end, type_="UNHEARD_OF"), close[0])


def test_the_one_reminder_comes_a_day_later_in_open_hours_or_not_at_all() -> None:
    sent = at(NEW_YORK, 2026, 6, 2, 20, 50)
    due = at(NEW_YORK, 2026, 6, 3, 20, 50)
    assert reminder_at(sent, person(), SFA) == due
    assert reminder_at(sent + 30 * timedelta(minutes=1), person(), SFA) == at(NEW_YORK, 2026, 6, 4, 8)
    assert reminder_at(sent, person(), SFA, next_due=due + timedelta(minutes=1)) == due
    assert reminder_at(sent, person(), SFA, next_due=due) is None


def test_the_opt_in_question_follows_the_answer_or_a_day_of_silence_in_open_hours() -> None:
    sent = at(NEW_YORK, 2026, 9, 1, 10)
    assert opt_in_at(sent, person(), SFA) == sent + DAY
    assert opt_in_at(sent, person(), SFA, sent + HOUR) == sent + HOUR
    assert opt_in_at(sent, person(), SFA, at(NEW_YORK, 2026, 9, 1, 23)) == at(NEW_YORK, 2026, 9, 2, 8)
    assert opt_in_at(sent, person(), SFA, sent + 3 * DAY) == sent + DAY


ZONES = [LA, NEW_YORK, CHICAGO, "Etc/GMT+12", "Europe/Berlin", "Asia/Kolkata", "Pacific/Kiritimati"]
windows = st.builds(
    lambda start, hours, minute: SleepWindow(time(start, minute), time((start + hours) % 24, minute)),
    st.integers(0, 23),
    st.integers(4, 11),
    st.sampled_from([0, 15, 40]),
)


def _on_time(end: datetime, point: str, who: Person, severity: Severity) -> datetime:
    """When that point is due for somebody who is known of from the first minute."""
    return planned(end, end, who, severity=severity, opted_in=True)[point].due_at


@settings(max_examples=300, deadline=None)
@given(
    offset=st.integers(0, 400 * 1440),
    late=st.one_of(st.integers(0, 100 * 60), st.integers(0, 200 * 1440)),
    zone=st.sampled_from(ZONES),
    sleep=windows,
    severity=st.sampled_from(Severity),
    opted_in=st.booleans(),
)
def test_whoever_and_whenever_no_text_is_early_in_quiet_hours_or_stacked_on_another(
    offset: int, late: int, zone: str, sleep: SleepWindow, severity: Severity, opted_in: bool
) -> None:
    end = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=offset)
    now = end + timedelta(minutes=late)
    plan = planned(end, now, person(zone, sleep), severity=severity, opted_in=opted_in)
    kept = [contact for contact in plan.values() if contact.dropped is None]
    check_ins = [contact for contact in kept if contact.point != "f0"]
    assert all(contact.due_at >= now for contact in kept)
    assert all(contact.expires_at > contact.due_at for contact in check_ins)
    assert all(is_open(contact.due_at, zone, sleep) for contact in check_ins)
    assert all(earlier.expires_at <= later.due_at for earlier, later in pairwise(kept))
    assert len([contact for contact in check_ins if contact.due_at == now]) <= 1
    for caught_up, following in pairwise(check_ins):
        if caught_up.due_at == next_open(now, zone, sleep):
            assert following.due_at - caught_up.due_at > 12 * HOUR or caught_up.due_at == _on_time(
                end, caught_up.point, person(zone, sleep), severity
            )
    first = plan["f1"]
    if first.dropped is None and first.due_at > now:
        assert end + 16 * HOUR <= first.due_at <= end + 40 * HOUR or now > end + 16 * HOUR
