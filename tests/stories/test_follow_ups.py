"""Months of keeping in touch: each text at its time, nothing twice, nothing unwanted, silence respected."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cism.store.tables import AffectedPerson, QueueItem, Step
from tests.stories.clock import at
from tests.stories.conftest import MakeStory
from tests.stories.harness import Story, planned
from tests.stories.places import NOON, live_until, local, metro, quiet_offers, quiet_staff, with_helper


@pytest.fixture
def story(tell: MakeStory) -> Story:
    made = tell(metro("jordan", "sam"))
    made.begin(NOON)
    return made


def test_a_person_who_is_all_right_gets_six_texts_in_a_year_and_a_silence_after_each(story: Story) -> None:
    with_helper(story, "CHILD", severity="S3")
    jordan = story.phone("jordan")
    for day in ("2026-03-04 12:00", "2026-03-06 12:00", "2026-03-10 10:00", "2026-04-02 10:00"):
        story.go_to(local(day))
        jordan.expects("check_in", "No need to answer", at=local(day)).replies("1").expects_nothing()
    story.go_to(local("2026-06-01 10:00"))
    jordan.expects("check_in", at=local("2026-06-01 10:00")).replies("1")
    jordan.expects("opt_in", "keep in touch", at=local("2026-06-01 10:00")).replies("1")
    jordan.expects("opt_in_done")
    story.go_to(local("2026-08-30 10:00"))
    jordan.expects("check_in", at=local("2026-08-30 10:00")).replies("1")
    story.go_to(local("2027-02-24 10:00"))
    jordan.expects("check_in", at=local("2027-02-24 10:00")).replies("1").expects_nothing()
    story.go_to(local("2027-04-01 00:00"))
    quiet_offers(story)
    _yearly(story)
    assert {step.kind.value for step in planned(story)} <= {"nightly"}


def test_silence_brings_one_reminder_then_a_call_by_the_peer_and_never_more(story: Story) -> None:
    peer = with_helper(story, severity="S1")
    story.advance(hours=24)
    story.phone("jordan").expects("check_in", at=local("2026-03-04 12:00"))
    story.advance(hours=24)
    story.phone("jordan").expects("check_in_reminder", "just this once", at=local("2026-03-05 12:00"))
    story.advance(hours=24)
    story.phone("jordan").expects_nothing()
    story.phone(peer).expects("peer_task", at=local("2026-03-06 12:00")).replies("6 {code}").expects("noted")
    story.go_to(local("2026-03-10 09:59"))
    story.phone("jordan").expects_nothing()
    story.phone("cora").expects_nothing()
    story.advance(minutes=1)
    story.phone("jordan").expects("check_in").replies("1")


def test_a_call_that_nobody_reports_is_asked_after_once_then_it_is_the_coordinators(story: Story) -> None:
    peer = with_helper(story, severity="S1")
    story.advance(hours=72)
    story.phone("jordan").ignores()
    asked = story.phone(peer).expects("peer_task", at=local("2026-03-06 12:00")).last
    assert asked is not None
    story.advance(hours=4)
    story.phone(peer).expects("peer_task_overdue", "how was your call", story.code_in(asked))
    story.advance(hours=4)
    story.phone("cora").expects("queue_new", "a call is needed")
    assert [row.kind for row in story.rows(QueueItem)] == ["call_unreported"]


def test_whoever_wrote_in_words_is_not_reminded(story: Story) -> None:
    with_helper(story, severity="S1")
    story.advance(hours=24)
    story.phone("jordan").expects("check_in").says("thanks, it is a strange week").expects("read_by")
    story.read_the_queue()
    story.advance(hours=60)
    quiet_staff(story)
    story.phone("jordan").expects_nothing()


def test_0_ends_the_contacts_of_this_incident_with_one_text_and_takes_the_call_back(story: Story) -> None:
    story.log("THREAT", "jordan:A", severity="S2", ended_at=story.now())
    helper = next(one.who for one in story.arrivals if one.kind == "page")
    story.phone(helper).expects("page").replies("1 {code}").expects("assigned").expects("peer_task")
    code = story.phone(helper).code
    quiet_staff(story)
    story.advance(hours=9)
    story.read_the_queue()  # nobody reported the call
    story.advance(hours=15)
    quiet_staff(story)
    story.phone("jordan").expects("check_in").replies("0").expects("contacts_ended", "come back any time")
    story.phone(helper).expects("covered", code)
    assert planned(story, Step.person_id == story.person("jordan").id) == []
    assert story.rows(AffectedPerson)[0].ended_reason == "declined"
    story.go_to(local("2026-09-01 12:00"))
    story.phone("jordan").expects_nothing()


def test_0_to_one_incident_leaves_the_other_as_it_is(story: Story) -> None:
    with_helper(story, severity="S1")
    story.advance(hours=24)
    story.phone("jordan").expects("check_in").replies("0").expects("contacts_ended")
    with_helper(story, "CHILD", severity="S1")
    story.advance(hours=24)
    story.phone("jordan").expects("check_in").replies("1")
    quiet_staff(story)


def test_two_incidents_within_two_days_are_one_check_in_and_its_0_ends_both(story: Story) -> None:
    with_helper(story, severity="S1")
    story.advance(hours=2)
    with_helper(story, "CHILD", severity="S1")
    story.go_to(local("2026-03-04 12:00"))
    story.phone("jordan").expects("check_in")
    story.advance(hours=20)
    story.phone("jordan").expects_nothing().replies("0").expects("contacts_ended")
    quiet_staff(story)
    assert [row.ended_reason for row in story.rows(AffectedPerson)] == ["declined", "declined"]
    assert planned(story, Step.person_id == story.person("jordan").id) == []


def test_silence_to_the_opt_in_is_a_no_and_nothing_comes_after_it(story: Story) -> None:
    with_helper(story, severity="S1")
    live_until(story, local("2026-04-03 10:00"))
    jordan = story.phone("jordan")
    jordan.expects("check_in").expects("check_in_reminder")
    jordan.expects("check_in").expects("check_in_reminder")
    jordan.expects("check_in", at=local("2026-04-02 10:00"))
    jordan.expects("opt_in", "No answer", at=local("2026-04-03 10:00"))
    live_until(story, local("2026-04-10 10:00"))
    story.go_to(local("2026-12-01 10:00"))
    jordan.expects_nothing()
    story.go_to(local("2027-04-10 10:00"))
    jordan.expects("confirm_phone").expects_nothing()  # the yearly question of everybody
    _yearly(story)


def test_check_ins_wait_while_somebody_is_being_found_and_go_on_afterwards(story: Story) -> None:
    peer = with_helper(story, severity="S3")
    story.advance(hours=23, minutes=30)
    story.phone("jordan").says("3").expects("call_now")
    story.phone(peer).expects("escalation").replies("1 {code}").expects("escalation_assigned")
    story.phone("jordan").expects("escalation_taken")
    story.advance(minutes=45)
    story.phone("jordan").expects_nothing()  # at 12:00 the first one was due
    story.phone(peer).replies("4 {code}").expects("noted")
    story.phone("jordan").expects("check_in", at=local("2026-03-04 12:15")).replies("1").expects_nothing()
    quiet_staff(story)


def test_an_unconfirmed_phone_gets_a_call_by_a_peer_and_never_a_text(tell: MakeStory) -> None:
    cast = metro("jordan")
    cast.unconfirmed.add("jordan")
    story = tell(cast)
    story.begin(NOON)
    peer = with_helper(story, severity="S1")
    story.advance(hours=24)
    story.phone(peer).expects("peer_task", at=local("2026-03-04 12:00")).replies("4 {code}").expects("noted")
    story.phone("jordan").expects_nothing()


def test_without_a_coordinator_nobody_is_texted(tell: MakeStory) -> None:
    cast = metro("jordan")
    cast.rows["cora"]["status"] = "leave"
    story = tell(cast)
    story.begin(NOON)
    with_helper(story, severity="S1")
    story.advance(days=40)
    story.phone("jordan").expects_nothing()
    quiet_staff(story)


def test_stop_ends_every_text_of_an_affected_person(story: Story) -> None:
    with_helper(story, severity="S2")
    story.advance(hours=24)
    story.phone("jordan").expects("check_in").says("STOP").expects("carrier")
    assert planned(story, Step.person_id == story.person("jordan").id, Step.kind == "contact") == []
    story.advance(days=120)
    quiet_staff(story)
    story.phone("jordan").expects_nothing()


def test_please_stop_texting_me_gets_one_confirmation_and_a_human(story: Story) -> None:
    peer = with_helper(story, severity="S2")
    story.advance(hours=24)
    story.phone("jordan").expects("check_in").says("please stop texting me").expects("opt_out_done")
    story.phone(peer).expects("queue_new")
    story.phone("jordan").says("please stop texting me").expects_nothing()
    story.read_the_queue()
    story.advance(days=120)
    quiet_staff(story)
    story.phone("jordan").expects_nothing()


def test_a_wrong_number_is_frozen_and_the_person_is_called_instead(story: Story) -> None:
    peer = with_helper(story, severity="S1")
    story.advance(hours=24)
    story.phone("jordan").expects("check_in").says("who is this?").expects("read_by", but="Metro")
    quiet_staff(story)
    story.phone("jordan").says("I cannot go on like this").expects("crisis_answer", but="Metro")
    quiet_staff(story)
    from cism.store.tables import Escalation

    assert len(story.rows(Escalation)) == 1
    story.phone("clint").replies("1").replies("4")
    quiet_staff(story)
    story.phone("jordan").expects_nothing()
    story.go_to(local("2026-03-10 10:00"))
    story.phone("jordan").expects_nothing()
    assert any(one.who == peer and one.kind == "peer_task" for one in story.arrivals[-3:])
    quiet_staff(story)


def test_a_bare_0_that_fits_several_holds_care_texts_until_a_human_has_asked(story: Story) -> None:
    with_helper(story, severity="S1")
    jordan = story.phone("jordan")
    for moment in ("2026-03-04 12:00", "2026-03-10 10:00", "2026-04-02 10:00"):
        story.go_to(local(moment))
        jordan.expects("check_in").replies("1")
    jordan.expects("opt_in")
    story.advance(hours=1)
    with_helper(story, "CHILD", severity="S2")
    story.read_the_queue()
    story.go_to(local("2026-04-04 11:00"))
    jordan.expects("check_in").ignores("check_in_reminder")
    story.read_the_queue()
    story.go_to(local("2026-04-05 10:00"))
    jordan.replies("0").expects("which_code", "check-in", "No check-ins until a person")
    story.advance(hours=2)
    jordan.expects_nothing()  # at 11:00 the next one was due
    quiet_staff(story)
    story.read_the_queue()
    jordan.expects("check_in", at=local("2026-04-05 12:00"))
    quiet_staff(story)


def test_who_brings_the_sign_in_address_and_nothing_else(story: Story) -> None:
    story.phone("jordan").says("WHO").expects("who", "/sign-in").expects_nothing()


def test_night_shift_sleepers_are_texted_when_they_are_up(tell: MakeStory) -> None:
    cast = metro("medic")
    cast.rows["medic"].update(sleep_start="08:00", sleep_end="16:00", timezone="America/Chicago")
    story = tell(cast)
    end = at("2026-10-31 03:40", "America/Chicago")
    story.begin(end + timedelta(hours=3, minutes=40))
    story.log("PAEDIATRIC_ARREST", "medic:A", ended_at=end)
    quiet_staff(story)
    story.go_to(at("2026-11-01 16:00", "America/Chicago"))
    quiet_staff(story)
    story.phone("medic").expects("check_in", at=at("2026-11-01 16:00", "America/Chicago")).replies("1")


def test_a_person_who_is_still_out_there_gets_one_provisional_check_in_and_no_second_first_one(
    story: Story,
) -> None:
    incident = story.log("THREAT", "jordan:A", severity="S2", occurred_at=story.now())
    quiet_staff(story)
    story.advance(hours=2)
    story.phone("cora").expects("ask_exposure_end", "finish time is missing", at=local("2026-03-03 14:00"))
    story.go_to(local("2026-03-04 12:00"))
    story.phone("cora").ignores("ask_exposure_end")
    quiet_staff(story)
    story.phone("jordan").expects("check_in", at=local("2026-03-04 12:00")).replies("1")
    story.change(incident, ended_at=story.now())
    story.go_to(local("2026-03-07 12:00"))
    quiet_staff(story)
    story.phone("jordan").expects("check_in", at=local("2026-03-07 12:00")).replies("1").expects_nothing()


def test_an_outage_of_six_hours_sends_what_is_still_of_use_once_and_nothing_stale(story: Story) -> None:
    with_helper(story, severity="S2")
    story.go_to(local("2026-03-04 11:00"))
    story.advance(hours=6, outage=True)
    story.phone("jordan").expects("check_in", at=local("2026-03-04 17:00")).expects_nothing()
    story.go_to(local("2026-03-08 12:00"), outage=True)
    story.phone("jordan").ignores("check_in_reminder").expects_nothing()  # f3 had its window
    story.phone("cora").expects("queue_new", "a call is needed")
    quiet_staff(story)


def _yearly(story: Story) -> None:
    """Everybody else is asked once a year whether the number is still theirs."""
    for key in story.cast.rows:
        if key != "jordan":
            story.phone(key).ignores("confirm_phone")
