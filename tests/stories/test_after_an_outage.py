"""The machine was off for hours or days: what is urgent leaves once and says that it is late, and nobody gets
a heap."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cism.services import calls, clockwork
from cism.store.states import AssignmentState
from cism.store.tables import Assignment, Question, QueueItem
from tests.stories.conftest import MakeStory
from tests.stories.harness import Story
from tests.stories.places import NOON, local, metro, quiet_staff, report_calls, staff, with_helper


@pytest.fixture
def story(tell: MakeStory) -> Story:
    made = tell(metro("jordan", "sam", "kim", "lou", "max"))
    made.begin(NOON)
    return made


def unread(story: Story, *kinds: str) -> list[str]:
    """Whose phone shows a text of these kinds that nobody expected yet."""
    return [one.who for one in story.arrivals if one.kind in kinds and not one.expected]


@pytest.mark.parametrize("hours", [1, 8, 72])
def test_a_team_that_was_to_be_asked_before_an_outage_is_asked_once_and_the_text_says_late(
    story: Story, hours: int
) -> None:
    story.log_only("THREAT", "jordan:A", severity="S3", ended_at=story.now())
    story.advance(hours=hours, outage=True)
    pages = [one for one in story.arrivals if one.kind == "page"]
    assert len(pages) == 3  # two are needed for an S3, and one more is asked
    assert all(" late: " in one.body for one in pages)
    assert len({one.who for one in pages}) == 3
    quiet_staff(story)
    story.phone("jordan").ignores("check_in")


def test_a_team_that_is_asked_in_time_reads_nothing_of_late(story: Story) -> None:
    story.log("THREAT", "jordan:A", severity="S3", ended_at=story.now())
    assert story.arrivals
    assert all("late" not in one.body for one in story.arrivals)
    quiet_staff(story)


@pytest.mark.parametrize("hours", [1, 8, 72])
def test_the_next_helper_who_is_asked_after_an_outage_reads_that_it_is_late_and_how_long_somebody_waits(
    story: Story, hours: int
) -> None:
    peer = with_helper(story)
    story.phone("jordan").says("3").expects("call_now")
    story.phone(peer).expects("escalation")
    quiet_staff(story)
    story.advance(hours=hours, outage=True)
    asked = [one for one in story.arrivals if one.kind == "escalation" and not one.expected]
    assert asked
    assert all(f" late: someone has waited {hours * 60} min" in one.body for one in asked)
    assert len({one.who for one in asked}) == len(asked)
    quiet_staff(story)
    story.phone("jordan").ignores("check_in")


def test_a_page_that_never_left_asked_nobody_and_that_helper_is_asked_after_all(tell: MakeStory) -> None:
    story = tell(metro("jordan", peers=1))
    story.begin(NOON)
    story.servers.goes_wrong("429", 10_000)
    story.log("THREAT", "jordan:A", severity="S2", ended_at=story.now())
    story.advance(hours=8, outage=True)
    story.servers.goes_wrong("429", 0)
    story.pass_real(minutes=5)
    assert unread(story, "page") == ["peer-1"]
    story.phone("peer-1").expects("page", " late: ").replies("1 {code}").expects("assigned")
    assert [row.state for row in story.rows(Assignment)] == [AssignmentState.ACCEPTED]
    quiet_staff(story)
    story.phone("jordan").ignores("check_in")


def test_what_missed_its_moment_in_three_days_is_one_text_to_the_coordinator(story: Story) -> None:
    everybody = ("jordan", "sam", "kim", "lou", "max")
    with_helper(story, "THREAT", *(f"{key}:A" for key in everybody), severity="S2")
    story.go_to(local("2026-03-04 11:00"))
    quiet_staff(story)
    report_calls(story)
    story.advance(days=7, hours=12, outage=True)  # f1, f3 and f7 had their moments, and it is night
    told = [one for one in story.arrivals if one.who == "cora" and one.kind == "queue_new"]
    told = [one for one in told if not one.expected]
    assert len(told) == 1, story.told(told)
    story.phone("cora").expects("queue_new", "5 calls are needed")
    missed = story.rows(QueueItem, QueueItem.kind == "contact_missed", QueueItem.state == "open")
    assert len(missed) == 5  # one a person, however many moments passed
    for key in everybody:
        story.phone(key).expects_nothing()
    quiet_staff(story)


def test_nobody_gets_two_texts_at_once_when_two_responses_are_caught_up_with(story: Story) -> None:
    """The reminder of one and the check-in of another would both be due: the second text waits half a day."""
    with_helper(story, "THREAT", "jordan:A", severity="S1")
    story.go_to(local("2026-03-04 12:00"))
    story.phone("jordan").expects("check_in")
    story.go_to(local("2026-03-05 11:00"))
    with_helper(story, "THREAT", "jordan:A", severity="S1")
    story.go_to(local("2026-03-05 11:30"))
    report_calls(story)
    quiet_staff(story)
    story.go_to(local("2026-03-07 12:00"), outage=True)
    came = [one for one in story.arrivals if one.who == "jordan" and not one.expected]
    assert len(came) == 1, story.told(came)
    story.phone("jordan").ignores()
    quiet_staff(story)


def test_a_reminder_of_a_check_in_that_never_left_does_not_leave_with_it(story: Story) -> None:
    with_helper(story, severity="S1")
    story.go_to(local("2026-03-04 11:59"))
    story.servers.goes_wrong("429", 10_000)
    story.advance(hours=26)
    story.servers.goes_wrong("429", 0)
    story.pass_real(minutes=5)
    story.phone("jordan").expects("check_in").expects_nothing()
    report_calls(story)
    quiet_staff(story)
    story.go_to(local("2026-03-06 13:00"))
    assert [one.kind for one in story.phone("jordan").unread()] in ([], ["check_in_reminder"])
    story.phone("jordan").ignores("check_in_reminder")
    quiet_staff(story)


def test_silence_to_a_check_in_that_never_left_is_no_silence_and_a_human_is_told(story: Story) -> None:
    with_helper(story, severity="S1")
    story.go_to(local("2026-03-04 11:59"))
    story.servers.goes_wrong("429", 100_000)
    story.advance(days=4)
    assert story.rows(Question, Question.kind == "check_in", Question.state == "open") == []
    missed = story.rows(QueueItem, QueueItem.kind == "contact_missed")
    assert len(missed) == 1
    story.servers.goes_wrong("429", 0)
    story.pass_real(minutes=5)
    story.phone("jordan").expects_nothing()
    quiet_staff(story)


def test_what_was_late_leaves_in_the_order_in_which_it_was_due(story: Story) -> None:
    """Four people whose first check-ins are an hour apart, caught up with in one go."""
    ended = story.now()
    order = ("sam", "jordan", "max", "kim")
    ends = {key: ended - timedelta(hours=4 - place) for place, key in enumerate(order)}
    story.log("THREAT", *(f"{key}:A" for key in order), severity="S1", ended_at=ended, ends=ends)
    quiet_staff(story)
    story.go_to(local("2026-03-04 08:00"))
    quiet_staff(story)
    story.go_to(local("2026-03-04 14:00"), outage=True)
    came = [one.who for one in story.arrivals if one.kind == "check_in"]
    assert sorted(came) == sorted(order)
    for key in order:
        story.phone(key).ignores("check_in")
    for key in staff(story):
        story.phone(key).ignores()


def test_what_was_late_leaves_no_faster_than_the_sender_may(story: Story) -> None:
    """Trap 18: a flood at eight in the morning. Pages pass it, and the rest is throttled as ever."""
    story.log(
        "THREAT", *(f"{key}:A" for key in ("jordan", "sam", "kim", "lou")), severity="S1", ended_at=NOON
    )
    quiet_staff(story)
    story.courier.settings = story.servers.settings.model_copy(update={"sms_rate": 1.0})
    story.act(clockwork.move_to, local("2026-03-05 09:00"), "outage")
    counts = []
    for _ in range(20):
        before = len(story.servers.wall.app_state.store.messages)
        story.run()
        counts.append(len(story.servers.wall.app_state.store.messages) - before)
        story.real.pass_real(seconds=1)
    story.run()
    assert max(counts) <= 1
    assert sum(one.kind == "check_in" for one in story.arrivals) == 4
    for key in ("jordan", "sam", "kim", "lou"):
        story.phone(key).ignores("check_in")
    quiet_staff(story)


def test_calls_that_became_needed_while_the_provider_was_away_are_told_of_in_one_text(story: Story) -> None:
    everybody = ("jordan", "sam", "kim", "lou")
    with_helper(story, "THREAT", *(f"{key}:A" for key in everybody), severity="S1")
    story.servers.goes_wrong("429", 100_000)
    for key in everybody:  # the peer hands back one call after the other
        story.act(calls.needs_caller, story.person(key), story.incidents[-1], story.now())
        story.advance(minutes=20)
    story.servers.goes_wrong("429", 0)
    story.pass_real(minutes=5)
    story.run()
    story.phone("cora").expects("queue_new", "4 calls are needed")
    assert unread(story, "queue_new") == []
    quiet_staff(story)
