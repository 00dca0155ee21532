"""Whom the ladder asks: nobody twice in a row, nobody who just passed, and never in a heap."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.stories.conftest import MakeStory
from tests.stories.harness import Story
from tests.stories.places import NOON, metro, quiet_staff, with_helper


@pytest.fixture
def story(tell: MakeStory) -> Story:
    made = tell(metro("jordan", "sam"))
    made.begin(NOON)
    return made


def test_a_clinician_is_asked_before_the_director_who_is_one_too(tell: MakeStory) -> None:
    cast = metro("jordan")
    directors = ("dina", "dora", "dylan", "duncan")  # several: people stand in no particular order
    for key in directors[1:]:
        cast.add(key)
    for key in directors:
        cast.rows[key] |= {"roles": "clinical_director;clinician", "certs": cast.rows["dina"]["certs"]}
    story = tell(cast)
    story.begin(NOON)
    story.phone("jordan").says("i want to kill myself").expects("crisis_answer")
    story.phone("clint").expects("escalation")
    for key in directors:
        story.phone(key).expects_nothing()
    quiet_staff(story)


def test_whoever_passes_is_not_asked_again_as_the_next_on_the_ladder(tell: MakeStory) -> None:
    cast = metro("jordan")
    cast.rows.pop("clint")
    cast.rows["dina"]["roles"] = "clinical_director;clinician"
    story = tell(cast)
    story.begin(NOON)
    peer = with_helper(story)
    story.phone("jordan").says("3").expects("call_now")
    story.phone(peer).expects("escalation").replies("0 {code}").expects("handed_back")
    story.phone("dina").expects("escalation").replies("0 {code}").expects("handed_back")
    story.phone("dina").expects_nothing()
    story.phone("cora").expects("escalation").replies("1 {code}").expects("escalation_assigned")
    story.phone("jordan").expects("escalation_taken")


def test_at_the_end_of_the_ladder_a_dead_phone_does_not_have_the_others_asked_in_a_heap(story: Story) -> None:
    peer = with_helper(story)
    begun = story.now()
    story.phone("jordan").says("3").expects("call_now")
    story.advance(minutes=59)
    quiet_staff(story)
    story.servers.handset_is(story.phone("dina").number, "unknown")
    story.go_to(begun + timedelta(minutes=74))
    for key in (peer, "clint", "cora"):
        story.phone(key).expects("escalation", "has waited 60 min").ignores("queue_new")
        story.phone(key).expects_nothing()
    quiet_staff(story)


def test_at_the_end_of_the_ladder_whoever_passes_does_not_have_the_others_asked_in_a_heap(
    story: Story,
) -> None:
    peer = with_helper(story)
    begun = story.now()
    story.phone("jordan").says("3").expects("call_now")
    story.advance(minutes=60)
    for key in (peer, "clint", "dina", "cora"):
        story.phone(key).expects("escalation").ignores("escalation")
    story.phone("dina").replies("0").expects("handed_back")
    story.go_to(begun + timedelta(minutes=74))
    for key in (peer, "clint", "dina", "cora"):
        story.phone(key).expects_nothing()
    story.go_to(begun + timedelta(minutes=75))
    for key in (peer, "clint", "dina", "cora"):
        story.phone(key).expects("escalation", "has waited 75 min")
