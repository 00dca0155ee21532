"""The first hour: who is asked, who takes a turn, who is told."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.stories.conftest import MakeStory
from tests.stories.harness import Story
from tests.stories.places import NOON, metro


@pytest.fixture
def story(tell: MakeStory) -> Story:
    made = tell(metro())
    made.begin(NOON)
    return made


def pages(story: Story) -> list[str]:
    """Who has an unread page, in order."""
    return [one.who for one in story.arrivals if one.kind == "page" and not one.expected]


def test_one_helper_is_asked_for_a_notable_event_and_one_more_so_that_nobody_waits(story: Story) -> None:
    story.log("THREAT", "jordan:A", severity="S1", ended_at=NOON - timedelta(hours=1))
    story.phone("cora").expects("team_notice", "has 0 of 1", "Still asking", at=NOON)
    first, second = pages(story)
    story.phone(first).expects("page", "12:10", at=NOON).replies("1")
    story.phone(first).expects("assigned", "you are on", at=NOON)
    story.phone(second).expects("page").expects("covered", "no action needed", at=NOON)
    story.phone(first).expects("peer_task")
