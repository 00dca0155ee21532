"""The first hour: who is asked, who takes a turn, who is told."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cism.domain.incident import Severity
from cism.store.tables import Assignment, Incident, Question, Step
from tests.stories.conftest import MakeStory
from tests.stories.harness import Story, planned
from tests.stories.places import NOON, metro, quiet_staff, report_calls, staff


@pytest.fixture
def story(tell: MakeStory) -> Story:
    made = tell(metro("jordan", "sam"))
    made.begin(NOON)
    return made


def pages(story: Story) -> list[str]:
    """Who has an unread page, in order."""
    return [one.who for one in story.arrivals if one.kind == "page" and not one.expected]


def states(story: Story) -> dict[str, str]:
    """Where each helper stands who was asked."""
    names = {story.person(key).id: key for key in story.cast.rows}
    return {names[row.peer_id]: row.state.value for row in story.rows(Assignment)}


def log(story: Story, *affected: str, severity: str = "S1", **details: object) -> str:
    """Something happened an hour ago."""
    ended = story.now() - timedelta(hours=1)
    return story.log("THREAT", *(affected or ("jordan:A",)), severity=severity, ended_at=ended, **details)


def test_one_helper_is_needed_and_two_are_asked_so_that_nobody_waits(story: Story) -> None:
    log(story)
    story.phone("cora").expects("team_notice", "has 0 of 1", "Still asking", at=NOON)
    first, second = pages(story)
    story.phone(first).expects("page", "12:10", at=NOON).replies("1")
    story.phone(first).expects("assigned", "you are on", at=NOON)
    story.phone(second).expects("page").expects("covered", "no action needed", at=NOON)
    story.phone(first).expects("peer_task", "16:00", at=NOON).replies("4 {code}").expects("noted")
    assert states(story) == {first: "accepted", second: "covered"}


def test_a_decliner_is_replaced_at_once_even_twice_in_one_moment(story: Story) -> None:
    log(story)
    first, second = pages(story)
    story.phone(first).expects("page").replies("0 {code}")
    (third,) = pages(story)[1:]
    story.phone(third).expects("page", at=NOON).replies("0 {code}")
    (fourth,) = pages(story)[1:]
    story.phone(fourth).expects("page", at=NOON).replies("1 {code}").expects("assigned")
    story.phone(second).expects("page").expects("covered")
    report_calls(story)
    quiet_staff(story)
    assert states(story)[fourth] == "accepted"


def test_the_silent_are_replaced_after_ten_minutes_and_may_still_say_yes(story: Story) -> None:
    log(story)
    first, second = pages(story)
    story.phone(first).expects("page")
    story.phone(second).expects("page")
    story.advance(minutes=9)
    assert pages(story) == []
    story.advance(minutes=1)
    third, fourth = pages(story)
    story.phone(first).replies("1 {code}").expects("assigned")
    for key in (third, fourth):
        story.phone(key).expects("page", "12:20", at=NOON + timedelta(minutes=10)).expects("covered")
    story.phone(second).expects("covered")
    report_calls(story)
    quiet_staff(story)


def test_when_nobody_is_left_the_coordinator_and_the_clinician_are_asked_to_take_over(
    tell: MakeStory,
) -> None:
    story = tell(metro(peers=2))
    story.begin(NOON)
    log(story)
    story.phone("cora").expects("team_notice", "Still asking")
    story.phone("peer-1").expects("page").replies("0 {code}")
    story.phone("peer-2").expects("page").replies("0 {code}")
    story.phone("cora").expects("team_notice", "Nobody left to ask", "please take over", at=NOON)
    story.phone("clint").expects("team_notice", "Nobody left to ask", at=NOON)
    story.advance(hours=3)


def test_with_no_helper_at_all_those_in_charge_get_one_text_and_not_two(tell: MakeStory) -> None:
    story = tell(metro(peers=0))
    story.begin(NOON)
    log(story)
    story.phone("cora").expects("team_notice", "please take over").expects_nothing()
    story.phone("clint").expects("team_notice", "please take over").expects_nothing()


def test_a_page_that_does_not_arrive_counts_as_not_asked(story: Story) -> None:
    for key in ("peer-1", "peer-2"):
        story.servers.handset_is(story.phone(key).number, "unreachable")
    log(story)
    reached = pages(story)
    assert sorted(set(reached)) == ["peer-3", "peer-4"]
    story.phone("peer-3").expects("page", at=NOON).replies("1 {code}")
    report_calls(story)
    quiet_staff(story)


def test_a_page_to_somebody_whose_texts_the_carrier_has_stopped_goes_to_the_next(story: Story) -> None:
    story.say(story.phone("peer-1").number, "STOP")
    story.say(story.phone("peer-2").number, "STOP")
    story.phone("peer-1").expects("carrier")
    story.phone("peer-2").expects("carrier")
    story.phone("cora").expects("team_member_stopped", "Peer-1").expects("team_member_stopped", "Peer-2")
    log(story)
    assert sorted(pages(story)) == ["peer-3", "peer-4"]
    quiet_staff(story)


def test_a_helper_who_stops_all_texts_is_replaced_and_the_coordinator_told(story: Story) -> None:
    log(story)
    first, second = pages(story)
    story.phone(first).expects("page").replies("1 {code}").expects("assigned").expects("peer_task")
    story.phone(second).expects("page").expects("covered")
    story.phone("cora").ignores()
    story.phone(first).says("STOP").expects("carrier").expects_nothing()
    story.phone("cora").expects("team_member_stopped", "Please call")
    third, fourth = pages(story)
    story.phone(third).expects("page").replies("1 {code}").expects("assigned").expects("peer_task")
    story.phone(fourth).expects("page").expects("covered")
    assert states(story)[first] == "handed_back"
    story.phone(third).replies("4 {code}").expects("noted")


def test_9_hands_back_with_no_reason_and_the_open_call_goes_over_to_the_next_helper(story: Story) -> None:
    log(story)
    first, second = pages(story)
    mine = story.phone(first).expects("page").replies("1 {code}").expects("assigned")
    assigned = mine.code
    mine.expects("peer_task")
    task = mine.code
    story.phone(second).expects("page").expects("covered")
    story.phone("cora").ignores()
    mine.says(f"9 {assigned}").expects("handed_back", "no reason needed")
    third, fourth = pages(story)
    story.phone(third).expects("page").replies("1 {code}").expects("assigned").expects("peer_task")
    story.phone(fourth).expects("page").expects("covered")
    story.phone(third).replies("4 {code}").expects("noted")
    mine.says(f"4 {task}").expects("already_covered")
    story.advance(hours=9)
    mine.expects_nothing()


def test_a_late_addition_to_the_list_stops_a_helper_and_brings_another(story: Story) -> None:
    incident = log(story)
    first, second = pages(story)
    story.phone(first).expects("page").replies("1 {code}").expects("assigned").expects("peer_task")
    story.phone(second).expects("page").expects("covered")
    quiet_staff(story)
    story.add(incident, f"{first}:B")
    story.phone(first).expects("released", "someone else takes")
    third, fourth = pages(story)
    story.phone(third).expects("page").replies("1 {code}").expects("assigned")
    story.phone(fourth).expects("page").expects("covered")
    story.phone(third).expects("peer_task").replies("4 {code}").expects("noted")
    story.phone(third).expects("peer_task").replies("4 {code}").expects("noted")
    assert states(story)[first] == "revoked"


def test_a_raised_severity_asks_for_more_and_never_takes_back_what_was_promised(story: Story) -> None:
    incident = log(story)
    first, second = pages(story)
    story.phone(first).expects("page").replies("1 {code}").expects("assigned")
    story.phone(second).expects("page").expects("covered")
    report_calls(story)
    quiet_staff(story)
    before = {step.key for step in planned(story, Step.kind == "contact")}
    story.change(incident, severity=Severity.S3)
    third, *_ = pages(story)
    story.phone(third).expects("page").replies("1 {code}").expects("assigned")
    quiet_staff(story)
    after = {step.key.rpartition(":")[2] for step in planned(story, Step.kind == "contact")}
    assert before <= {step.key for step in planned(story, Step.kind == "contact")}
    assert after == {"f1", "f3", "f7", "f30", "f90"}
    story.change(incident, severity=Severity.S3)
    assert pages(story) == []


def test_stand_down_is_told_to_those_who_serve_and_to_nobody_else(story: Story) -> None:
    incident = log(story, "jordan:A", "sam:B", severity="S3")
    first, second, third = pages(story)
    story.phone(first).expects("page").replies("1 {code}").expects("assigned")
    code = story.phone(first).code
    story.phone(second).expects("page")
    story.phone(third).expects("page")
    quiet_staff(story)
    story.stand_down(incident)
    story.phone(first).expects("stand_down", code, "no action needed")
    for key in (second, third, "jordan", "sam"):
        story.phone(key).expects_nothing()
    story.advance(days=10)
    assert planned(story, Step.incident_id == incident) == []


def test_an_opened_escalation_outlives_its_incident(story: Story) -> None:
    incident = log(story)
    story.phone("jordan").says("3").expects("call_now")
    quiet_staff(story)
    story.stand_down(incident)
    quiet_staff(story)
    story.advance(minutes=15)
    story.phone("clint").expects("escalation").replies("1 {code}").expects("escalation_assigned")
    story.phone("jordan").expects("escalation_taken")
    story.phone("clint").replies("4 {code}").expects("noted")
    for key in staff(story):
        story.phone(key).ignores("escalation_covered")


def test_a_coordinator_who_is_affected_is_told_nothing_and_the_deputy_is(tell: MakeStory) -> None:
    cast = metro()
    cast.add("cody", roles="coordinator")
    story = tell(cast)
    story.begin(NOON)
    log(story, "jordan:A", "cora:E")
    story.phone("cora").expects_nothing()
    story.phone("cody").expects("team_notice", "Still asking")
    quiet_staff(story)


def test_from_s4_on_a_clinician_hears_of_it_at_once(story: Story) -> None:
    log(story, severity="S4")
    story.phone("clint").expects("team_notice", "has 0 of 2", at=NOON)
    story.phone("cora").expects("team_notice", at=NOON)
    quiet_staff(story)


def test_a_bare_digit_that_fits_several_lists_the_codes_and_changes_nothing(story: Story) -> None:
    log(story)
    first, second = pages(story)
    story.phone(first).expects("page").replies("1 {code}").expects("assigned").expects("peer_task")
    story.phone(second).ignores()
    story.phone("cora").ignores()
    task = story.phone(first).code
    story.phone(first).says("4").expects("which_code", task, "call", "like 4 ")
    story.phone(first).says(f"4{task.lower()}").expects("noted")


def test_whoever_says_yes_to_two_pages_is_shown_how_to_say_yes(story: Story) -> None:
    for affected in ("jordan:A", "sam:A", "jordan:B"):  # six pages to four peers: somebody has two
        log(story, affected)
    first = next(key for key in pages(story) if pages(story).count(key) > 1)
    while "page" in {one.kind for one in story.phone(first).unread()}:
        story.phone(first).expects("page")
    story.phone(first).says("1")
    story.phone(first).expects("which_code", "like 1 ", but="like 0").replies("1 {code}").expects("assigned")
    quiet_staff(story)


def test_7_brings_a_clinician_for_the_person_and_not_for_the_peer(story: Story) -> None:
    log(story)
    first, second = pages(story)
    story.phone(first).expects("page").replies("1 {code}").expects("assigned").expects("peer_task")
    task = story.phone(first).code
    story.phone(second).ignores()
    story.phone("cora").ignores()
    story.phone(first).says(f"4 {task}").expects("noted", f"7 {task}")
    story.phone(first).says(f"7 {task}").expects("noted", "Someone goes on from here")
    story.phone("clint").expects("escalation", at=NOON).replies("1 {code}").expects("escalation_assigned")
    story.phone("clint").replies("4 {code}").expects("noted")
    story.phone("jordan").expects_nothing()
    quiet_staff(story)


def test_the_same_incident_logged_with_the_same_key_asks_nobody_twice(story: Story) -> None:
    log(story)
    story.run()
    assert len(story.rows(Incident)) == 1
    asked = pages(story)
    assert len(asked) == len(set(asked)) == 2
    quiet_staff(story)


def test_a_yes_that_came_twice_is_noted_and_never_called_covered(story: Story) -> None:
    log(story)
    story.phone("cora").expects("team_notice")
    first, second = pages(story)
    story.phone(first).expects("page").replies("1 {code}").expects("assigned")
    story.phone(second).expects("page").expects("covered")
    story.phone(first).expects("peer_task").replies("4 {code}").expects("noted")
    page = next(row for row in story.rows(Question) if row.kind == "page" and row.state == "answered")
    story.phone(first).says(f"1 {page.code}").expects("noted")
    assert states(story)[first] == "accepted"
