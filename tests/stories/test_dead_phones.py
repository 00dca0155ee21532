"""Phones that do not work: somebody else is told, and nobody is told again and again."""

from __future__ import annotations

import pytest

from cism.store.tables import Outbox
from tests.stories.conftest import MakeStory
from tests.stories.harness import Story
from tests.stories.places import NOON, metro, staff


@pytest.fixture
def story(tell: MakeStory) -> Story:
    made = tell(metro("jordan", "sam"))
    made.begin(NOON)
    return made


@pytest.mark.parametrize("how", ["unknown", "unreachable"])
def test_a_coordinator_whose_phone_is_dead_gets_no_heap_of_texts(story: Story, how: str) -> None:
    story.servers.handset_is(story.phone("cora").number, how)
    story.phone("jordan").says("hello there").expects("read_by")
    story.advance(hours=3)
    assert len(story.rows(Outbox, Outbox.person_id == story.person("cora").id)) <= 20
    for key in staff(story):
        story.phone(key).ignores()


@pytest.mark.parametrize("how", ["unknown", "unreachable"])
def test_a_team_without_a_working_phone_comes_to_rest(story: Story, how: str) -> None:
    for key in staff(story):
        story.servers.handset_is(story.phone(key).number, how)
    story.log("THREAT", "jordan:A", severity="S3", ended_at=story.now())
    story.phone("jordan").says("3").expects("call_now")
    story.advance(hours=3)
    sent = story.rows(Outbox)
    assert len(sent) <= 150
    for key in ("jordan", "sam"):
        story.phone(key).ignores()


def test_a_provider_that_loses_everything_for_an_hour_does_not_make_texts_about_texts(story: Story) -> None:
    story.servers.goes_wrong("500_before", 100_000)
    story.log("THREAT", "jordan:A", severity="S3", ended_at=story.now())
    story.phone("jordan").says("hello there")
    made = []
    for _ in range(20):
        story.pass_real(minutes=3)
        story.settle()
        made.append(len(story.rows(Outbox)))
    story.servers.goes_wrong("500_before", 0)
    assert made[-1] <= 60, made
