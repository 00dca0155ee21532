"""The provider fails, hesitates or loses an answer: nothing is sent twice, nothing is silently lost."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cism.store.states import OutboxState
from cism.store.tables import Assignment, InboundMessage, Outbox, QueueItem
from tests.stories.conftest import MakeStory
from tests.stories.harness import Story
from tests.stories.places import NOON, local, metro, quiet_staff, report_calls, with_helper


@pytest.fixture
def story(tell: MakeStory) -> Story:
    made = tell(metro("jordan"))
    made.begin(NOON)
    return made


def unclear(story: Story) -> list[Outbox]:
    """Messages whose fate nobody knows yet."""
    return list(story.rows(Outbox, Outbox.state == OutboxState.UNKNOWN))


def test_a_send_whose_answer_was_lost_is_found_in_the_list_and_not_sent_again(story: Story) -> None:
    with_helper(story, severity="S1")
    story.go_to(local("2026-03-04 11:59"))
    story.servers.goes_wrong("lose_answer_after_accept", 1)
    story.advance(minutes=1)
    assert len(unclear(story)) <= 1  # a status callback may have settled it already
    story.settle()
    assert unclear(story) == []
    story.phone("jordan").expects("check_in", at=local("2026-03-04 12:00")).expects_nothing()
    story.pass_real(minutes=10)
    story.settle()
    story.phone("jordan").expects_nothing()


def test_a_follow_up_that_cannot_be_settled_goes_to_a_human_and_is_never_sent_again(story: Story) -> None:
    with_helper(story, severity="S1")
    story.go_to(local("2026-03-04 11:59"))
    story.servers.goes_wrong("500_before", 1)
    story.advance(minutes=1)
    assert len(unclear(story)) == 1
    story.settle()
    assert len(unclear(story)) == 1  # not given up before two minutes have passed
    story.pass_real(minutes=3)
    story.settle()
    assert [row.kind for row in story.rows(QueueItem)] == ["unsettled_send"]
    story.phone("cora").expects("queue_new", "a call is needed")
    story.phone("jordan").expects_nothing()


def test_a_page_that_cannot_be_settled_goes_to_the_next_helper_and_the_coordinator_is_told(
    story: Story,
) -> None:
    story.servers.goes_wrong("500_before", 3)
    story.log("THREAT", "jordan:A", severity="S1", ended_at=story.now())
    lost = unclear(story)
    assert lost
    pages = [row for row in lost if row.kind == "page"]
    before = len(story.rows(Assignment))
    story.pass_real(seconds=31)
    story.settle()
    told = [one for one in story.arrivals if one.kind == "unsettled_send"]
    assert told
    assert {one.who for one in told} == {"cora"}
    if pages:
        assert len(story.rows(Assignment)) > before
    for row in pages:
        assert len(story.rows(Outbox, Outbox.question_id == row.question_id)) == 1
    quiet_staff(story)


def test_a_provider_that_refuses_for_a_while_is_asked_again_in_real_time(story: Story) -> None:
    story.servers.goes_wrong("429", 3)
    story.log("THREAT", "jordan:A", severity="S1", ended_at=story.now())
    assert len(story.arrivals) == 0
    story.pass_real(seconds=3)
    pages = [one for one in story.arrivals if one.kind == "page"]
    assert len(pages) == 2
    assert all(one.at - NOON < timedelta(seconds=10) for one in pages)
    quiet_staff(story)


def test_escalations_do_not_arrive_in_a_heap_after_the_provider_was_down(story: Story) -> None:
    peer = with_helper(story)
    story.phone("jordan").says("3").expects("call_now")
    story.phone(peer).expects("escalation")
    story.servers.goes_wrong("429", 10_000)
    story.advance(minutes=100)
    story.servers.goes_wrong("429", 0)
    story.pass_real(minutes=4)
    asked = [one for one in story.arrivals if one.kind == "escalation" and not one.expected]
    assert asked
    assert len({one.who for one in asked}) == len(asked)  # one each, the latest
    quiet_staff(story)


def test_a_text_whose_webhook_was_lost_is_read_from_the_list_once(story: Story) -> None:
    peer = with_helper(story)
    story.servers.goes_wrong("lose_inbound_webhook", 1)
    story.phone("jordan").says("3").expects_nothing()
    story.sweep()
    story.phone("jordan").expects("call_now")
    story.phone(peer).expects("escalation")
    story.sweep()
    story.sweep()
    assert len(story.rows(InboundMessage)) >= 1
    story.phone("jordan").expects_nothing()
    story.phone(peer).expects_nothing()


def test_an_undelivered_check_in_is_told_to_a_human_and_the_phone_is_no_longer_trusted(story: Story) -> None:
    with_helper(story, severity="S1")
    story.servers.handset_is(story.phone("jordan").number, "unknown")
    story.go_to(local("2026-03-04 12:00"))
    story.phone("cora").expects("queue_new", "a call is needed")
    assert story.person("jordan").phone_confirmed_at is None
    story.read_the_queue()
    story.go_to(local("2026-03-06 12:30"))
    report_calls(story)
    story.phone("jordan").expects_nothing()
    quiet_staff(story)


def test_a_text_that_could_not_leave_in_its_hours_waits_for_the_next_open_hour(story: Story) -> None:
    with_helper(story, severity="S1")
    story.go_to(local("2026-03-04 11:59"))
    story.servers.goes_wrong("429", 10_000)
    story.advance(minutes=1)
    story.advance(hours=10)
    story.servers.goes_wrong("429", 0)
    story.pass_real(minutes=5)
    story.phone("jordan").expects_nothing()  # it is night now
    story.go_to(local("2026-03-05 08:00"))
    story.phone("jordan").expects("check_in", at=local("2026-03-05 08:00"))
