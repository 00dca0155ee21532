"""Several incidents of one person at once: one stream of texts, and every answer is the person's."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cism.services import removal
from cism.store.tables import AffectedPerson, Step
from tests.stories.conftest import MakeStory
from tests.stories.harness import Story, planned
from tests.stories.places import NOON, local, metro, quiet_staff, with_helper


@pytest.fixture
def story(tell: MakeStory) -> Story:
    made = tell(metro("jordan", "sam", peers=6))
    made.begin(NOON)
    return made


def two(story: Story, *severities: str) -> None:
    """So many incidents of one person, two hours apart."""
    for severity in severities:
        with_helper(story, severity=severity)
        story.advance(hours=2)


def test_three_incidents_within_two_days_are_one_check_in_and_its_0_ends_all_three(story: Story) -> None:
    two(story, "S1", "S1", "S1")
    jordan = story.phone("jordan")
    story.go_to(local("2026-03-04 18:00"))
    jordan.expects("check_in", at=local("2026-03-04 12:00")).expects_nothing()
    jordan.replies("0").expects("contacts_ended")
    assert {row.ended_reason for row in story.rows(AffectedPerson)} == {"declined"}
    assert planned(story, Step.person_id == story.person("jordan").id) == []
    quiet_staff(story)


def test_the_graver_of_two_decides_how_long_and_each_is_asked_at_its_own_time(story: Story) -> None:
    two(story, "S1", "S2")
    jordan = story.phone("jordan")
    for moment in ("2026-03-04 12:00", "2026-03-06 14:00", "2026-03-10 10:00", "2026-04-02 10:00"):
        story.go_to(local(moment))
        jordan.expects("check_in", at=local(moment)).replies("1")
    jordan.ignores("opt_in")
    quiet_staff(story)
    story.go_to(local("2026-06-01 10:00"))
    jordan.expects("check_in", at=local("2026-06-01 10:00")).replies("0").expects("contacts_ended")
    quiet_staff(story)


@pytest.mark.parametrize("ends", ["stand_down", "remove"])
def test_when_the_incident_that_asked_is_over_the_answer_counts_for_the_other(
    story: Story, ends: str
) -> None:
    two(story, "S1", "S1")
    jordan = story.phone("jordan")
    story.go_to(local("2026-03-04 14:30"))
    jordan.expects("check_in").expects_nothing()
    if ends == "stand_down":
        story.stand_down(story.incidents[0])
    else:
        story.act(removal.remove, story.incidents[0], story.person("jordan").id, by=None, now=story.now())
    quiet_staff(story)
    jordan.expects_nothing().replies("0").expects("contacts_ended")
    other = story.rows(AffectedPerson, AffectedPerson.incident_id == story.incidents[1])
    assert [row.ended_reason for row in other] == ["declined"]
    story.go_to(local("2026-03-12 10:00"))
    jordan.expects_nothing()
    quiet_staff(story)


def test_when_the_incident_that_asked_is_over_its_reminder_still_comes_for_the_other(story: Story) -> None:
    two(story, "S1", "S1")
    jordan = story.phone("jordan")
    story.go_to(local("2026-03-04 14:30"))
    jordan.expects("check_in")
    story.stand_down(story.incidents[0])
    quiet_staff(story)
    story.go_to(local("2026-03-05 12:00"))
    jordan.expects("check_in_reminder", at=local("2026-03-05 12:00")).replies("1")
    story.go_to(local("2026-03-10 10:00"))
    jordan.expects("check_in", at=local("2026-03-10 10:00")).replies("1").expects_nothing()
    quiet_staff(story)


def test_when_the_other_one_is_over_the_check_in_goes_on_for_the_first(story: Story) -> None:
    two(story, "S1", "S1")
    jordan = story.phone("jordan")
    story.go_to(local("2026-03-04 14:30"))
    jordan.expects("check_in")
    story.stand_down(story.incidents[1])
    quiet_staff(story)
    jordan.replies("1")
    story.go_to(local("2026-03-10 10:00"))
    jordan.expects("check_in", at=local("2026-03-10 10:00")).replies("1").expects_nothing()
    quiet_staff(story)


def test_the_helper_they_know_is_asked_first_for_the_second_incident(tell: MakeStory) -> None:
    cast = metro("jordan", peers=9)
    story = tell(cast)
    story.begin(NOON)
    first = with_helper(story, severity="S1")
    story.advance(hours=2)
    story.log("THREAT", "jordan:A", severity="S1", ended_at=story.now())
    asked = {one.who for one in story.arrivals if one.kind == "page" and not one.expected}
    assert first in asked
    assert len(asked) == 2
    quiet_staff(story)


def test_incidents_of_two_agencies_are_one_stream_of_texts(tell: MakeStory) -> None:
    cast = metro("jordan", peers=4)
    for key, roles in (("hana", "coordinator"), ("hugo", "clinician"), ("hal", "peer"), ("hope", "peer")):
        cast.add(key, roles=roles, agency="harbor-fd", discipline="fire")
    story = tell(cast)
    story.begin(NOON)
    with_helper(story, severity="S1")
    story.advance(hours=2)
    story.log("CHILD", "metro-pd:jordan:A", severity="S1", ended_at=story.now(), agency="harbor-fd")
    quiet_staff(story)
    story.go_to(local("2026-03-04 18:00"))
    jordan = story.phone("jordan").expects("check_in", at=local("2026-03-04 12:00")).expects_nothing()
    jordan.replies("0").expects("contacts_ended")
    assert [row.ended_reason for row in story.rows(AffectedPerson)] == ["declined", "declined"]
    story.go_to(story.now() + timedelta(days=6))
    jordan.expects_nothing()
    quiet_staff(story)
