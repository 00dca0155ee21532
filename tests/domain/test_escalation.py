"""An escalation asks until a human has closed it (invariant 12)."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cism.domain.escalation import (
    MOVES,
    EscalationLevel,
    EscalationState,
    Hours,
    Outcome,
    OutcomeUnknown,
    WelfareOutcome,
    clinicians_first,
    decide_closing,
    goes_back,
    may_move,
    most_pressing,
    next_rung,
    voice_deadline,
    voice_target,
    welfare_ladder,
)
from cism.domain.people import SleepWindow
from cism.domain.protocol import LadderRule, load_protocol
from cism.domain.quiet_hours import is_open
from cism.errors import AlreadyDone, NotAllowed

NIGHT = datetime(2026, 3, 10, 9, 40, tzinfo=UTC)  # 02:40 in Los Angeles
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
LADDERS = load_protocol("sfa-follow-up").ladders
ROUTINE, URGENT, EMERGENCY = (LADDERS[level] for level in EscalationLevel)
HELPER = Hours("America/Los_Angeles", SleepWindow())
NIGHT_SHIFT = Hours("America/Chicago", SleepWindow(time(8), time(16)))

ladders = st.builds(
    LadderRule,
    ack=st.integers(1, 240).map(lambda n: n * MINUTE),
    voice=st.integers(241, 2000).map(lambda n: n * MINUTE),
    rungs=st.lists(
        st.sampled_from(["assigned_peer", "on_call_peer", "clinician", "clinical_director"]), max_size=6
    ).map(lambda roles: (*roles, "coordinator")),
    repeat=st.integers(1, 15).map(lambda n: n * MINUTE),
    waking=st.booleans(),
)
instants = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
# In every one of them at least two hours a day are open, as the roster demands.
hours = st.builds(
    Hours,
    st.sampled_from(["America/New_York", "Pacific/Auckland", "UTC", "Australia/Lord_Howe"]),
    st.sampled_from([SleepWindow(), SleepWindow(time(8), time(16)), SleepWindow(time(10), time(21))]),
)


def test_an_emergency_pages_the_next_clinician_every_five_minutes() -> None:
    at, asked = NIGHT, []
    for rung in range(4):
        plan = next_rung(EMERGENCY, rung, at)
        asked.append((plan.roles, plan.ask_at - NIGHT))
        assert not plan.alarm
        at = plan.ack_deadline
    assert asked == [
        (("clinician",), 0 * MINUTE),
        (("clinician",), 5 * MINUTE),
        (("clinical_director",), 10 * MINUTE),
        (("coordinator",), 15 * MINUTE),
    ]


def test_invariant_12_after_the_last_rung_everybody_is_asked_every_quarter_of_an_hour_with_an_alarm() -> None:
    for rung in (4, 5, 1000):
        plan = next_rung(EMERGENCY, rung, NIGHT)
        assert plan.repeat
        assert plan.alarm
        assert plan.rung == rung
        assert plan.role == "coordinator"
        assert plan.roles == ("clinician", "clinical_director", "coordinator")
        assert plan.ack_deadline - plan.ask_at == 15 * MINUTE


@given(ladders, instants, st.integers(0, 12))
def test_invariant_12_no_ladder_ever_runs_out_and_each_ends_at_a_human_in_charge(
    rule: LadderRule, opened: datetime, more: int
) -> None:
    at, plans = opened, []
    for rung in range(len(rule.rungs) + 1 + more):
        plans.append(next_rung(rule, rung, at))
        at = plans[-1].ack_deadline
    once, again = plans[: len(rule.rungs)], plans[len(rule.rungs) :]
    assert [plan.role for plan in once] == list(rule.rungs)
    assert all(plan.alarm and plan.repeat and "coordinator" in plan.roles for plan in again)
    assert all(set(plan.roles) == set(rule.rungs) for plan in again)
    assert all(timedelta(0) < p.ack_deadline - p.ask_at <= 15 * MINUTE for p in again)
    assert again[0].ask_at - opened == len(rule.rungs) * rule.ack


@given(ladders, instants, st.integers(0, 8), hours)
def test_only_a_waking_ladder_waits_for_the_helper(
    rule: LadderRule, now: datetime, rung: int, helper: Hours
) -> None:
    plan = next_rung(rule, rung, now, helper)
    plain = next_rung(rule, rung, now)
    assert plan.ask_at >= now
    assert plan.ack_deadline >= plain.ack_deadline
    if rule.waking:
        assert is_open(plan.ask_at, helper.zone, helper.sleep)
    else:
        assert plan == plain


def test_a_routine_call_asked_for_at_night_is_asked_in_the_morning() -> None:
    plan = next_rung(ROUTINE, 0, NIGHT, HELPER)
    assert plan.role == "assigned_peer"
    assert plan.ask_at == datetime(2026, 3, 10, 15, 0, tzinfo=UTC)  # 08:00 PDT
    assert plan.ack_deadline == datetime(2026, 3, 10, 19, 0, tzinfo=UTC)


def test_four_waking_hours_run_over_the_night() -> None:
    evening = datetime(2026, 3, 10, 2, 0, 30, tzinfo=UTC)  # 19:00:30 PDT, two hours before quiet
    plan = next_rung(ROUTINE, 0, evening, HELPER)
    assert plan.ask_at == evening
    assert abs(plan.ack_deadline - datetime(2026, 3, 10, 17, 0, tzinfo=UTC)) <= MINUTE  # 10:00 PDT


def test_a_night_shift_helper_is_asked_after_their_own_sleep() -> None:
    noon = datetime(2026, 11, 1, 18, 0, tzinfo=UTC)  # 12:00 CST
    assert next_rung(ROUTINE, 0, noon, NIGHT_SHIFT).ask_at == datetime(2026, 11, 1, 22, 0, tzinfo=UTC)


def test_an_urgent_call_knows_no_night() -> None:
    assert next_rung(URGENT, 0, NIGHT, HELPER).ask_at == NIGHT
    assert next_rung(URGENT, 0, NIGHT, HELPER).ack_deadline == NIGHT + 15 * MINUTE


def test_rungs_count_from_zero() -> None:
    with pytest.raises(ValueError, match="rungs count from 0"):
        next_rung(URGENT, -1, NIGHT)


@pytest.mark.parametrize(("rule", "target"), [(EMERGENCY, 15 * MINUTE), (URGENT, HOUR)])
def test_invariant_12_taken_without_an_outcome_goes_back_at_the_voice_target(
    rule: LadderRule, target: timedelta
) -> None:
    assert voice_target(rule, NIGHT) == NIGHT + target
    voice_by = voice_deadline(rule, NIGHT, NIGHT + MINUTE)
    assert voice_by == NIGHT + target
    assert not goes_back(EscalationState.ACKED, voice_by, voice_by - timedelta(seconds=1))
    assert goes_back(EscalationState.ACKED, voice_by, voice_by)
    assert not goes_back(EscalationState.CLOSED, voice_by, voice_by)
    assert not goes_back(EscalationState.OPEN, voice_by, voice_by)


def test_whoever_takes_it_late_has_time_to_call() -> None:
    taken = NIGHT + 40 * MINUTE
    assert voice_deadline(EMERGENCY, NIGHT, taken) == taken + 10 * MINUTE


def test_a_routine_call_is_not_overdue_while_the_helper_sleeps() -> None:
    opened = datetime(2026, 3, 10, 3, 30, tzinfo=UTC)  # 20:30 PDT
    due = voice_deadline(ROUTINE, opened, opened, HELPER)
    assert due == opened + 24 * HOUR
    late = datetime(2026, 3, 10, 4, 30, tzinfo=UTC)  # 21:30 PDT
    assert voice_deadline(ROUTINE, late, late, HELPER) == datetime(2026, 3, 11, 15, 0, tzinfo=UTC)


def test_the_hours_of_a_routine_call_whose_helper_is_nobody_yet_simply_elapse() -> None:
    assert voice_deadline(ROUTINE, NIGHT, NIGHT) == NIGHT + 24 * HOUR


@pytest.mark.parametrize("state", [EscalationState.OPEN, EscalationState.ACKED])
@pytest.mark.parametrize("outcome", list(Outcome))
def test_a_human_ends_the_calling_and_not_reached_opens_a_welfare_case(
    state: EscalationState, outcome: Outcome
) -> None:
    closing = decide_closing(state, outcome.value, "h1")
    assert (closing.outcome, closing.closed_by) == (outcome, "h1")
    assert closing.opens_welfare is (outcome is Outcome.NOT_REACHED)


@pytest.mark.parametrize("outcome", list(WelfareOutcome))
def test_a_welfare_case_ends_when_somebody_was_with_the_person(outcome: WelfareOutcome) -> None:
    closing = decide_closing(EscalationState.ACKED, outcome.value, "h1", welfare=True)
    assert closing.outcome is outcome
    assert not closing.opens_welfare


@pytest.mark.parametrize("outcome", ["declined", "not_reached", "", "closed"])
def test_a_welfare_case_knows_no_other_end(outcome: str) -> None:
    with pytest.raises(OutcomeUnknown, match="reached, met_in_person, handed_to_emergency_services"):
        decide_closing(EscalationState.ACKED, outcome, "h1", welfare=True)


@pytest.mark.parametrize("outcome", ["met_in_person", "done", "REACHED"])
def test_an_escalation_does_not_end_in_other_words(outcome: str) -> None:
    with pytest.raises(OutcomeUnknown, match="use one of: reached, declined, not_reached"):
        decide_closing(EscalationState.ACKED, outcome, "h1")


@pytest.mark.parametrize("nobody", [None, ""])
def test_invariant_12_a_machine_never_closes(nobody: str | None) -> None:
    with pytest.raises(NotAllowed, match="Only a human"):
        decide_closing(EscalationState.ACKED, "reached", nobody)


def test_what_is_closed_stays_closed() -> None:
    with pytest.raises(AlreadyDone):
        decide_closing(EscalationState.CLOSED, "reached", "h1")
    assert not MOVES[EscalationState.CLOSED]
    assert may_move(EscalationState.ACKED, EscalationState.OPEN)
    assert not may_move(EscalationState.CLOSED, EscalationState.OPEN)
    assert set(MOVES) == set(EscalationState)


def test_the_clinical_director_owns_a_welfare_case_on_the_emergency_ladder() -> None:
    ladder = welfare_ladder(EMERGENCY)
    assert ladder.rungs == ("clinical_director", "clinician", "clinician", "coordinator")
    assert (ladder.ack, ladder.voice, ladder.repeat) == (EMERGENCY.ack, EMERGENCY.voice, EMERGENCY.repeat)


def test_whoever_asks_for_a_clinician_gets_clinicians_first_and_loses_nobody() -> None:
    assert clinicians_first(ROUTINE).rungs == (
        "clinician",
        "clinical_director",
        "assigned_peer",
        "coordinator",
    )
    assert clinicians_first(URGENT).rungs == ("clinician", "clinical_director", "on_call_peer", "coordinator")
    assert (clinicians_first(URGENT).ack, clinicians_first(URGENT).voice) == (URGENT.ack, URGENT.voice)


def test_what_is_added_raises_and_never_lowers() -> None:
    assert most_pressing([EscalationLevel.URGENT, EscalationLevel.ROUTINE]) is EscalationLevel.URGENT
    assert EscalationLevel.EMERGENCY.at_least(EscalationLevel.URGENT)
    assert not EscalationLevel.ROUTINE.at_least(EscalationLevel.URGENT)
    assert all(level.at_least(level) for level in EscalationLevel)


@pytest.mark.parametrize("rung", [0, 1, 3])
def test_a_rung_knows_its_own_number(rung: int) -> None:
    assert next_rung(EMERGENCY, rung, NIGHT).rung == rung


def test_a_waking_ladder_repeats_in_waking_minutes() -> None:
    evening = datetime(2026, 3, 10, 3, 50, tzinfo=UTC)  # 20:50 PDT, ten minutes before quiet
    plan = next_rung(ROUTINE, 99, evening, HELPER)
    assert plan.repeat
    assert abs(plan.ack_deadline - datetime(2026, 3, 10, 15, 5, tzinfo=UTC)) <= MINUTE  # 08:05 PDT


def test_whoever_took_an_urgent_call_at_night_is_not_given_until_the_morning() -> None:
    assert voice_deadline(URGENT, NIGHT, NIGHT + MINUTE, HELPER) == NIGHT + HOUR


def test_an_end_that_is_not_one_is_refused_by_the_name_of_what_was_to_end() -> None:
    with pytest.raises(OutcomeUnknown, match="'done' does not end an escalation; use one of"):
        decide_closing(EscalationState.ACKED, "done", "h1")
    with pytest.raises(OutcomeUnknown, match="'done' does not end a welfare case; use one of"):
        decide_closing(EscalationState.ACKED, "done", "h1", welfare=True)
