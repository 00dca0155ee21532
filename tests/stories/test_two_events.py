"""Two events in two days: one check-in may speak for both, never one from before the second event."""

from __future__ import annotations

import pytest

from cism.store.tables import AffectedPerson
from tests.stories.conftest import MakeStory
from tests.stories.harness import Story
from tests.stories.places import NOON, local, metro, quiet_staff, with_helper


@pytest.fixture
def story(tell: MakeStory) -> Story:
    made = tell(metro("jordan", "sam"))
    made.begin(NOON)
    return made


def test_a_check_in_from_before_the_second_event_does_not_speak_for_it(story: Story) -> None:
    with_helper(story, severity="S1")
    jordan = story.phone("jordan")
    story.advance(hours=24)
    jordan.expects("check_in", at=local("2026-03-04 12:00")).replies("1")
    story.advance(hours=2)
    with_helper(story, severity="S1")  # ends now; its f1 lies 26 hours after that check-in
    story.advance(hours=24)
    jordan.expects("check_in", at=local("2026-03-05 14:00")).replies("1").expects_nothing()
    quiet_staff(story)


def test_points_that_lie_two_whole_days_apart_are_two_check_ins_whatever_the_millisecond(
    story: Story,
) -> None:
    jordan = story.phone("jordan")
    with_helper(story, severity="S1")
    story.go_to(local("2026-03-04 12:00"))
    jordan.expects("check_in").replies("1")
    story.go_to(local("2026-03-05 12:00"))
    with_helper(story, severity="S1")
    for moment in ("2026-03-06 12:00", "2026-03-10 10:00", "2026-03-12 10:00"):
        story.go_to(local(moment))
        jordan.expects("check_in", at=local(moment)).replies("1").expects_nothing()
    quiet_staff(story)


@pytest.mark.parametrize(("digit", "done"), [("1", "opt_in_done"), ("0", "contacts_ended")])
def test_two_events_that_share_their_last_check_in_ask_once_whether_to_keep_in_touch(
    story: Story, digit: str, done: str
) -> None:
    with_helper(story, severity="S1")
    story.advance(hours=2)
    with_helper(story, "CHILD", severity="S1")
    jordan = story.phone("jordan")
    for day in ("2026-03-04 12:00", "2026-03-10 10:00", "2026-04-02 10:00"):
        story.go_to(local(day))
        jordan.expects("check_in").replies("1")
    jordan.expects("opt_in", at=local("2026-04-02 10:00")).replies(digit).expects(done).expects_nothing()
    people = story.rows(AffectedPerson)
    assert {row.keep_in_touch for row in people} == {digit == "1"}
    assert {row.ended_at is None for row in people} == {digit == "1"}
    story.go_to(local("2027-02-23 23:00"))
    jordan.expects_nothing()
    story.go_to(local("2027-03-20 12:00"))
    if digit == "1":
        jordan.expects("check_in", at=local("2027-02-24 10:00")).expects("check_in_reminder")
    jordan.expects_nothing()
    story.phone("sam").expects("confirm_phone")  # the yearly question of whoever is not looked after
    quiet_staff(story)
