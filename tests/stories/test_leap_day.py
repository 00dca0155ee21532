"""Something happened on the 29th of February: its anniversary comes in years that have no such day."""

from __future__ import annotations

from tests.stories.conftest import MakeStory
from tests.stories.places import live_until, local, metro, quiet_staff


def test_the_anniversary_of_a_leap_day_is_asked_about_once_a_week_before_the_last_of_february(
    tell: MakeStory,
) -> None:
    story = tell(metro("jordan"))
    story.begin(local("2028-02-29 12:00"))
    story.log("THREAT", "jordan:A", severity="S1", ended_at=story.now())
    for arrival in [one for one in story.arrivals if one.kind == "page"]:
        story.phone(arrival.who).expects("page").replies("1 {code}")
    live_until(story, local("2028-03-31 10:00"))
    phone = story.phone("jordan")
    phone.ignores("check_in", "check_in_reminder").says("1")
    live_until(story, local("2028-04-02 12:00"))
    phone.ignores("check_in", "check_in_reminder").expects("opt_in").replies("1").expects("opt_in_done")
    quiet_staff(story)
    story.go_to(local("2029-02-21 09:59"))
    phone.ignores("confirm_phone").expects_nothing()
    story.go_to(local("2029-02-21 10:00"))
    phone.expects("check_in", at=local("2029-02-21 10:00")).expects_nothing()
    story.go_to(local("2029-02-27 12:00"))
    phone.ignores("check_in_reminder").expects_nothing()
    quiet_staff(story)
