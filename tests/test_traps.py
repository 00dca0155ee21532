"""The traps of the practice (domain.md 11) and its worked scenarios (10), each with the tests that spring it.

A register and not a name in each test, because most traps need several tests, and many tests spring several.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

TESTS = Path(__file__).parent

TRAPS: Mapping[tuple[int, str], tuple[str, ...]] = {
    (1, "windows run from the end of exposure, never from the logging"): (
        "stories/test_meetings.py::test_a_late_log_leaves_one_hour_of_the_defusing_and_a_later_one_none",
        "stories/test_meetings.py::test_after_twelve_hours_no_defusing_is_offered_and_the_reason_is_kept",
        "domain/test_sessions.py::test_a_defusing_is_counted_from_the_exposure_and_not_from_the_logging",
        "domain/test_followup.py::test_contacts_count_from_the_exposure_and_never_from_the_logging",
    ),
    (2, "each person has an own end of exposure, or none yet"): (
        "domain/test_sessions.py::test_two_people_who_left_at_different_times_have_two_windows",
        "domain/test_sessions.py::"
        "test_somebody_still_exposed_is_not_scheduled_and_does_not_take_it_from_the_others",
        "services/test_still_out_there.py::"
        "test_one_who_leaves_before_the_others_has_contacts_of_their_own_from_then_on",
    ),
    (3, "a helper who was there, or is added to the list later"): (
        "stories/test_first_hour.py::test_a_late_addition_to_the_list_stops_a_helper_and_brings_another",
        "domain/test_selection_match.py::test_invariant_3_a_helper_put_on_the_list_later_serves_nobody",
    ),
    (4, "what a locked screen shows"): (
        "notifications/test_lint.py::"
        "test_invariant_7_every_template_is_safe_on_a_locked_screen_and_keeps_every_promise",
        "notifications/test_lint.py::test_short_names_bring_nothing_telling_onto_a_locked_screen",
    ),
    (5, "what a supervisor can infer"): (
        "domain/test_access.py::test_invariant_6_a_supervisor_reads_seven_fields_of_an_incident",
        "domain/test_access.py::test_a_small_count_is_hidden_outside_the_team_and_zero_is_not",
        "proof/test_two_worlds.py::test_a_supervisor_cannot_tell_from_anything_whether_somebody",
        "proof/test_access_table.py::test_each_cell_is_shown_where_the_table_grants_it_and_nowhere_else",
        "services/test_invariants.py::"
        "test_invariant_1_command_hears_of_no_decline_no_silence_and_no_call_for_help",
    ),
    (6, "three in the morning, night shifts, hours that come twice or never"): (
        "domain/test_quiet_hours.py::test_the_hour_that_does_not_exist_is_jumped_over_once",
        "domain/test_quiet_hours.py::test_the_hour_that_comes_twice_leads_to_one_and_the_same_minute",
        "stories/test_follow_ups.py::test_night_shift_sleepers_are_texted_when_they_are_up",
    ),
    (7, "STOP before a planned text, of a person and of a helper"): (
        "stories/test_follow_ups.py::test_stop_ends_every_text_of_an_affected_person",
        "stories/test_follow_ups.py::test_please_stop_texting_me_gets_one_confirmation_and_a_human",
        "stories/test_first_hour.py::test_a_helper_who_stops_all_texts_is_replaced_and_the_coordinator_told",
    ),
    (8, "two incidents at once"): (
        "stories/test_follow_ups.py::test_two_incidents_within_two_days_are_one_check_in_and_its_0_ends_both",
        "stories/test_two_events.py::test_a_check_in_from_before_the_second_event_does_not_speak_for_it",
        "stories/test_lives_events_two.py::"
        "test_three_incidents_within_two_days_are_one_check_in_and_its_0_ends_all_three",
        "stories/test_lives_events_two.py::test_incidents_of_two_agencies_are_one_stream_of_texts",
    ),
    (9, "stand-down without a word to affected people"): (
        "stories/test_first_hour.py::test_stand_down_is_told_to_those_who_serve_and_to_nobody_else",
        "stories/test_first_hour.py::test_an_opened_escalation_outlives_its_incident",
        "stories/test_lives_events_stand_down.py::"
        "test_a_response_that_was_stood_down_by_mistake_goes_on_where_it_was",
        "stories/test_lives_events_stand_down.py::"
        "test_stand_down_sends_nobody_who_was_invited_a_word_and_their_peer_brings_it_by_voice",
    ),
    (10, "a severity that changes"): (
        "stories/test_first_hour.py::"
        "test_a_raised_severity_asks_for_more_and_never_takes_back_what_was_promised",
        "stories/test_lives_events_list.py::test_raised_to_s4_five_hours_in_it_adds_and_sends_nothing_twice",
    ),
    (11, "crisis words at night while helpers sleep"): (
        "stories/test_someone_needs_a_person.py::"
        "test_crisis_words_at_02_40_bring_an_answer_at_once_and_a_clinician_within_five_minutes",
        "stories/test_first_hour.py::test_a_page_that_does_not_arrive_counts_as_not_asked",
        "stories/test_voice.py::"
        "test_an_urgent_page_that_is_not_delivered_in_two_minutes_is_called_and_a_key_takes_it",
        "stories/test_voice.py::test_a_call_never_delays_the_next_rung",
    ),
    (12, "reading replies"): (
        "domain/test_replies_labelled.py::test_a_text_is_read_as_labelled",
        "domain/test_replies.py::test_2_and_3_are_about_the_sender_whatever_is_asked",
        "stories/test_two_at_once.py::test_the_same_text_posted_twice_in_the_same_moment_is_read_once",
    ),
    (13, "words that carriers act on"): (
        "notifications/test_lint.py::test_a_template_that_breaks_a_promise_is_named_with_it",
        "domain/test_replies.py::test_a_carrier_word_counts_only_when_it_is_the_whole_text",
    ),
    (14, "silence"): (
        "stories/test_follow_ups.py::test_silence_brings_one_reminder_then_a_call_by_the_peer_and_never_more",
    ),
    (15, "a number that is somebody else's by now"): (
        "stories/test_follow_ups.py::test_a_wrong_number_is_frozen_and_the_person_is_called_instead",
        "stories/test_what_people_text.py::"
        "test_a_number_that_may_be_a_strangers_answers_nothing_for_the_person",
        "stories/test_lives_people_numbers.py::"
        "test_a_number_that_a_newcomer_was_given_is_no_longer_its_old_owner_s",
        "stories/test_lives_people_numbers.py::test_a_number_is_confirmed_again_after_a_year_in_open_hours",
    ),
    (16, "the dead, the retired, people on leave"): (
        "services/test_roster.py::test_a_death_takes_back_every_text_and_every_planned_contact",
        "domain/test_followup.py::test_people_on_leave_and_retired_people_are_still_looked_after",
        "stories/test_lives_people_death.py::test_nobody_who_has_died_is_texted_when_they_stand_on_a_list",
        "stories/test_lives_people_moves.py::test_after_a_transfer_check_ins_and_the_anniversary_go_on",
    ),
    (17, "the logger, a peer or the coordinator is affected"): (
        "stories/test_first_hour.py::test_a_coordinator_who_is_affected_is_told_nothing_and_the_deputy_is",
        "domain/test_access.py::"
        "test_an_affected_person_handles_nothing_of_that_incident_and_may_still_add_to_it",
        "stories/test_lives_people_staff.py::"
        "test_a_logger_who_is_affected_is_looked_after_and_told_nothing_of_the_team",
        "stories/test_lives_people_staff.py::"
        "test_the_only_coordinator_is_affected_and_somebody_clinical_is_told",
    ),
    (18, "restarts and outages"): (
        "stories/test_follow_ups.py::"
        "test_an_outage_of_six_hours_sends_what_is_still_of_use_once_and_nothing_stale",
        "stories/test_after_an_outage.py::"
        "test_nobody_gets_two_texts_at_once_when_two_responses_are_caught_up_with",
        "stories/test_after_an_outage.py::"
        "test_what_missed_its_moment_in_three_days_is_one_text_to_the_coordinator",
        "stories/test_after_an_outage.py::test_what_was_late_leaves_no_faster_than_the_sender_may",
        "flows/test_real_parts.py::"
        "test_a_conductor_killed_in_the_middle_of_sending_loses_and_doubles_nothing",
    ),
    (19, "a group before statements, an invitation that names others"): (
        "stories/test_scenarios.py::"
        "test_scenario_a_officer_involved_shooting_on_the_night_that_clocks_go_forward",
        "web/test_link_pages.py::test_an_invited_person_sees_time_and_place_and_nobody_else",
    ),
    (20, "a screen too early"): (
        "domain/test_screening.py::test_it_is_not_asked_before_day_thirty_of_the_persons_own_calendar",
        "pages/test_care_pages.py::test_before_day_thirty_they_are_not_asked_and_something_else_is_offered",
        "pages/test_care_pages.py::test_the_questions_leave_no_trace_of_any_kind",
        "domain/test_protocol_errors.py::test_one_mistake_is_told_once_at_its_place_with_a_remedy",
    ),
    (21, "reports that tell of one person"): (
        "domain/test_access.py::test_a_small_count_is_hidden_outside_the_team_and_zero_is_not",
    ),
    (22, "names, numbers and words in logs"): (
        "services/test_logs_tell_nothing.py::test_a_whole_response_leaves_nothing_personal_in_any_log",
        "services/test_logs_tell_nothing.py::test_a_canary_in_a_log_is_found",
    ),
    (23, "dispatchers and neighbours who are forgotten"): (
        "web/test_log_page.py::test_the_form_offers_the_crew_the_zone_and_whoever_logs",
        "web/test_log_page.py::test_people_of_another_service_are_named_by_agency_and_id",
    ),
    (24, "calendar days and elapsed hours"): (
        "domain/test_windows.py::"
        "test_a_defusing_ends_twelve_elapsed_hours_after_the_exposure_although_the_wall_says_thirteen",
        "domain/test_followup.py::"
        "test_scenario_b_by_the_local_clock_through_the_end_of_daylight_saving_in_new_york",
    ),
    (25, "a decline of one incident is none of the next"): (
        "stories/test_follow_ups.py::test_0_to_one_incident_leaves_the_other_as_it_is",
    ),
}
"""By number and in a few words; each test as file and name."""

SCENARIOS: Mapping[str, tuple[str, ...]] = {
    "A": (
        "stories/test_scenarios.py::"
        "test_scenario_a_officer_involved_shooting_on_the_night_that_clocks_go_forward",
    ),
    "B": (
        "stories/test_scenarios.py::"
        "test_scenario_b_nobody_close_is_texted_before_the_next_of_kin_know_and_nothing_hangs_on_a_guessed_funeral",
    ),
    "C": ("stories/test_scenario_c.py::test_scenario_c_minute_by_minute",),
    "D": ("stories/test_scenario_d.py::test_scenario_d_minute_by_minute",),
}


def names_in(path: Path) -> Iterator[str]:
    """The names of the tests in a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield node.name


def missing(names: tuple[str, ...]) -> list[str]:
    """Those that are no test of ours."""
    split = [name.partition("::") for name in names]
    return [
        f"{file}::{test}"
        for file, _, test in split
        if not (TESTS / file).is_file() or test not in set(names_in(TESTS / file))
    ]


def test_all_twenty_five_traps_are_in_the_register() -> None:
    assert [number for number, _ in TRAPS] == list(range(1, 26))


@pytest.mark.parametrize(("trap", "tests"), TRAPS.items(), ids=lambda value: str(value)[:60])
def test_each_trap_is_sprung_by_a_test_that_exists(trap: tuple[int, str], tests: tuple[str, ...]) -> None:
    assert tests, trap
    assert missing(tests) == []


@pytest.mark.parametrize(("scenario", "tests"), SCENARIOS.items(), ids=str)
def test_each_worked_scenario_is_told_by_a_test_that_exists(scenario: str, tests: tuple[str, ...]) -> None:
    assert tests, scenario
    assert missing(tests) == []


def test_a_test_that_does_not_exist_is_seen() -> None:
    assert missing(("test_traps.py::test_nothing", "nowhere.py::test_x")) == [
        "test_traps.py::test_nothing",
        "nowhere.py::test_x",
    ]
