"""Somebody asks for a person, at any hour: who is asked, in which order, and what they are told."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from cism.services import queue_words
from cism.store.tables import Escalation, QueueItem, Step
from tests.stories.conftest import MakeStory
from tests.stories.harness import Story, planned
from tests.stories.places import NEW_YORK, NOON, local, metro, quiet_staff, with_helper


@pytest.fixture
def story(tell: MakeStory) -> Story:
    made = tell(metro("jordan", "sam"))
    made.begin(NOON)
    return made


def test_a_3_at_02_40_is_answered_at_once_and_a_peer_takes_it(story: Story) -> None:
    peer = with_helper(story)
    story.go_to(local("2026-03-04 02:40"))
    story.phone("jordan").says("3").expects("call_now", "by 03:40", "988", at=local("2026-03-04 02:40"))
    story.phone(peer).expects("escalation", "asks for a call now", "02:55").replies("1 {code}")
    story.phone(peer).expects("escalation_assigned", "Call by 03:40")
    story.phone("jordan").expects("escalation_taken", "will call you by 03:40")
    story.advance(minutes=10)
    story.phone(peer).replies("4 {code}").expects("noted")
    assert story.rows(Escalation)[0].outcome == "reached"


def test_the_ladder_climbs_until_a_human_takes_it_and_then_the_others_are_told(story: Story) -> None:
    peer = with_helper(story)
    begun = story.now()
    story.phone("jordan").says("3").expects("call_now")
    story.phone(peer).expects("escalation", at=begun)
    story.advance(minutes=15)
    story.phone("clint").expects("escalation", at=begun + timedelta(minutes=15))
    story.advance(minutes=15)
    story.phone("dina").expects("escalation", at=begun + timedelta(minutes=30))
    story.advance(minutes=15)
    story.phone("cora").expects("escalation", at=begun + timedelta(minutes=45))
    story.advance(minutes=15)
    for key in (peer, "clint", "dina", "cora"):
        story.phone(key).expects("escalation", "has waited 60 min", at=begun + timedelta(hours=1))
    story.advance(minutes=15)
    for key in (peer, "clint", "dina", "cora"):
        story.phone(key).expects("escalation", "has waited 75 min")
    story.phone("dina").replies("1").expects("escalation_assigned")
    for key in (peer, "clint", "cora"):
        story.phone(key).expects("escalation_covered", "by Dina")
    story.phone("jordan").expects("escalation_taken", "Dina will call you by")
    story.phone("dina").replies("5 {code}").expects("noted")


def test_whoever_took_it_and_said_nothing_gives_it_back_to_the_ladder(story: Story) -> None:
    peer = with_helper(story)
    story.phone("jordan").says("3").expects("call_now")
    story.phone(peer).expects("escalation").replies("1 {code}").expects("escalation_assigned")
    story.phone("jordan").expects("escalation_taken")
    story.advance(hours=1)
    story.phone(peer).expects("escalation_overdue", "how did")
    story.phone("clint").expects("escalation").replies("1 {code}").expects("escalation_assigned")
    story.phone(peer).expects("escalation_covered", "by Clint")
    story.phone("jordan").expects("escalation_taken", "Clint will call you")
    story.phone("clint").replies("4 {code}").expects("noted")


def test_not_reached_opens_a_welfare_step_of_the_clinical_director_that_only_a_human_ends(
    story: Story,
) -> None:
    peer = with_helper(story)
    story.phone("jordan").says("3").expects("call_now")
    story.phone(peer).expects("escalation").replies("1 {code}").expects("escalation_assigned")
    story.phone("jordan").expects("escalation_taken")
    story.phone(peer).replies("6 {code}").expects("noted", "Someone goes on from here")
    story.phone("dina").expects("welfare", "not reached by phone")
    story.advance(minutes=5)
    story.phone("clint").expects("welfare")
    story.advance(hours=3)
    quiet_staff(story)
    assert {row.state.value for row in story.rows(Escalation, Escalation.welfare)} == {"open"}
    story.phone("dina").replies("1 {code}").expects("escalation_assigned", "once met or reached", but="6 not")
    quiet_staff(story)
    story.advance(hours=1)
    story.phone("dina").expects("escalation_overdue", "once met or reached", but="declined")
    quiet_staff(story)
    story.phone("dina").replies("4 {code}").expects("noted")
    quiet_staff(story)
    assert {row.state.value for row in story.rows(Escalation)} == {"closed"}
    story.phone("jordan").expects_nothing()


def test_a_3_after_a_2_that_somebody_took_is_asked_again_and_promised_anew(story: Story) -> None:
    peer = with_helper(story)
    story.phone("jordan").says("2").expects("call_promised", "Wed 12:00")
    story.phone(peer).expects("escalation", "in the next days").replies("1 {code}")
    story.phone(peer).expects("escalation_assigned")
    story.phone("jordan").expects("call_arranged")
    story.go_to(local("2026-03-04 02:00"))
    story.phone("jordan").says("3").expects("call_now", "by 03:00")
    story.phone(peer).expects("escalation", "asks for a call now").replies("1 {code}")
    story.phone(peer).expects("escalation_assigned", "Call by 03:00").replies("4 {code}").expects("noted")
    story.phone("jordan").ignores("escalation_taken")


def test_the_same_digit_twice_in_one_moment_leaves_the_ladder_whole(story: Story) -> None:
    peer = with_helper(story)
    story.phone("jordan").says("2").says("3").says("3")
    story.phone("jordan").expects("call_promised").expects("call_now").expects("call_now")
    story.phone(peer).expects("escalation", "in the next days").expects("escalation", "asks for a call now")
    story.advance(minutes=15)
    story.phone("clint").expects("escalation", "asks for a call now")
    assert len(story.rows(Escalation)) == 1
    assert len(planned(story, Step.kind == "escalate")) == 1


def test_crisis_words_at_02_40_bring_an_answer_at_once_and_a_clinician_within_five_minutes(
    story: Story,
) -> None:
    peer = with_helper(story)
    story.go_to(local("2026-03-04 02:40"))
    story.phone("jordan").says("1 ok I just want to die")
    story.phone("jordan").expects("crisis_answer", "finding a person", "911", "988", at=story.now())
    story.phone("clint").expects("escalation", "02:45")
    story.phone("cora").expects("queue_new")
    story.phone("clint").replies("1 {code}").expects("escalation_assigned", "Call by 02:55")
    story.phone("jordan").expects("escalation_taken", "Clint will call you by 02:55")
    story.phone("clint").replies("4 {code}").expects("noted")
    assert [row.state.value for row in story.rows(QueueItem)] == ["handled"]
    story.phone(peer).expects_nothing()


@pytest.mark.parametrize(("hour", "minutes"), [("13:00", 30), ("02:40", 60)])
def test_words_that_nobody_read_climb_the_urgent_ladder(story: Story, hour: str, minutes: int) -> None:
    peer = with_helper(story)
    story.go_to(local(f"2026-03-04 {hour}"))
    story.phone("jordan").ignores()
    received = story.now()
    story.phone("jordan").says("my dog ate the roster, who do I tell").expects("read_by", at=received)
    story.phone(peer if minutes == 30 else "cora").expects("queue_new")
    story.advance(minutes=minutes - 1)
    story.phone(peer).expects_nothing()
    story.phone("cora").expects_nothing()
    story.advance(minutes=1)
    story.phone(peer).expects("queue_overdue", f"{minutes} min", at=received + timedelta(minutes=minutes))
    if minutes == 30:  # the peer had it first: now whoever is in charge reads it too
        story.phone("cora").expects("queue_new", "13:45", at=story.now())
    story.phone(peer).replies("1 {code}").expects("escalation_assigned")
    story.phone("jordan").expects("escalation_taken")
    story.phone(peer).replies("4 {code}").expects("noted")
    assert {row.state.value for row in story.rows(QueueItem)} == {"handled"}


def test_the_words_of_somebody_with_a_peer_go_to_that_peer_and_to_nobody_else(story: Story) -> None:
    peer = with_helper(story)
    story.phone("jordan").says("my dog ate the roster, who do I tell").expects("read_by", at=story.now())
    story.phone(peer).expects("queue_new", "a text waits to be read", at=story.now())
    story.phone("cora").expects_nothing()
    assert [_reads(story, key) for key in (peer, "cora", "clint", "dina")] == [True, False, False, False]
    story.advance(minutes=29)
    story.read_the_queue()
    story.advance(hours=2)
    assert story.rows(Escalation) == []


def test_words_go_to_whoever_is_in_charge_where_the_peer_stopped(story: Story) -> None:
    peer = with_helper(story)
    story.phone(peer).says("STOP")
    quiet_staff(story)
    story.phone("jordan").says("my dog ate the roster, who do I tell").expects("read_by")
    story.phone("cora").expects("queue_new", at=story.now())
    assert [_reads(story, key) for key in (peer, "cora")] == [False, True]
    story.read_the_queue()


def test_words_that_the_peer_s_dead_phone_did_not_take_are_read_by_whoever_is_in_charge(
    story: Story,
) -> None:
    peer = with_helper(story)
    story.servers.handset_is(story.phone(peer).number, "unreachable")
    story.phone("jordan").says("my dog ate the roster, who do I tell").expects("read_by")
    story.phone("cora").expects("queue_new").ignores()
    assert _reads(story, "cora")
    story.read_the_queue()


def test_of_crisis_words_a_coordinator_learns_that_they_came_and_not_what_they_say(story: Story) -> None:
    with_helper(story)
    story.phone("jordan").says("1 ok I just want to die").expects("crisis_answer")
    story.phone("cora").expects("queue_new", at=story.now())
    story.phone("clint").expects("escalation")
    assert not _reads(story, "cora")
    story.phone("clint").replies("1 {code}").expects("escalation_assigned")
    story.phone("jordan").expects("escalation_taken")
    story.phone("clint").replies("4 {code}").expects("noted")


def _reads(story: Story, key: str) -> bool:
    """Whether the words of the one open item are shown to somebody."""
    (item,) = story.rows(QueueItem, QueueItem.state == "open", QueueItem.inbound_sid.is_not(None))
    reader = story.person(key)
    return story.see(lambda session: queue_words.shown(session, item, reader, story.now())) is not None


def test_help_alerts_a_human_at_once_and_is_answered(story: Story) -> None:
    peer = with_helper(story)
    story.phone("jordan").says("HELP").expects("help_answer", "988", "911")
    story.phone(peer).expects("escalation").replies("1 {code}").expects("escalation_assigned")
    story.phone("cora").expects("queue_new")
    story.phone("jordan").expects("escalation_taken")
    story.phone(peer).replies("4 {code}").expects("noted")


def test_a_stranger_gets_the_emergency_answer_that_does_not_say_whose_number_this_is(story: Story) -> None:
    stranger = story.phone("+14155550177")
    stranger.says("I want to kill myself").expects("crisis_answer", "911", but="Metro")
    story.phone("clint").expects("escalation")
    story.phone("cora").expects("queue_new")
    stranger.says("please I cannot go on").expects("crisis_answer", but="Metro")
    story.phone("cora").expects("queue_new")
    story.phone("clint").replies("1 {code}").expects("escalation_assigned").replies("4 {code}")
    story.phone("clint").expects("noted")
    assert len(story.rows(Escalation)) == 1
    assert {row.state.value for row in story.rows(QueueItem)} == {"handled"}
    story.advance(hours=2)


def test_a_stranger_s_other_words_go_to_a_human_with_the_crisis_line(story: Story) -> None:
    by = f"{story.now().astimezone(ZoneInfo(NEW_YORK)) + timedelta(minutes=30):%H:%M}"
    story.phone("+14155550177").says("lunch at noon?").expects("read_by", by, "988", but="Metro")
    story.phone("cora").expects("queue_new")
    story.advance(minutes=30)
    for number in range(1, 5):
        story.phone(f"peer-{number}").ignores("queue_overdue")
    assert len(story.rows(Escalation)) == 1


def test_nobody_who_is_on_the_same_list_is_asked_to_help(story: Story) -> None:
    """Invariant 3 holds for escalations too: a peer, a clinician or a coordinator may be affected."""
    story.log("THREAT", "jordan:A", "clint:B", "peer-1:B", "cora:E", severity="S1", ended_at=story.now())
    for key in story.cast.rows:
        story.phone(key).ignores()
    story.phone("jordan").says("3").expects("call_now")
    story.advance(hours=2)
    asked = {one.who for one in story.arrivals if one.kind == "escalation"}
    for key in story.cast.rows:
        story.phone(key).ignores("escalation", "team_notice")
    assert asked & {"clint", "peer-1", "cora"} == set()
    assert "dina" in asked
