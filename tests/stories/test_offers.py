"""Offers beside the groups, as the phones hear of them: few texts, and none to those whom they are for."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cism.store.tables import Offer
from tests.stories.conftest import MakeStory
from tests.stories.harness import Story
from tests.stories.places import NOON, local, metro, quiet_staff, report_calls, with_helper


@pytest.fixture
def story(tell: MakeStory) -> Story:
    cast = metro("jordan", "sam", peers=5)
    cast.add("chad", roles="chaplain")
    cast.add("fay", roles="family_peer")
    made = tell(cast)
    made.begin(NOON)
    return made


def offer(story: Story, kind: str) -> Offer:
    """The one offer of a kind."""
    (found,) = story.rows(Offer, Offer.kind == kind)
    return found  # type: ignore[no-any-return]


def test_a_peer_offers_family_support_and_the_person_gets_no_text_about_it(
    story: Story,
) -> None:
    peer = with_helper(story, "LOD_INJURY", "jordan:B", severity="S2")
    story.go_to(local("2026-03-04 12:00"))
    story.phone("jordan").expects("check_in").replies("1").expects_nothing()
    story.go_to(local("2026-03-04 14:00"))
    story.phone(peer).expects("offers_due", "1 offer to make by", at=local("2026-03-04 14:00"))
    story.phone(peer).replies("1 {code}").expects("noted").expects_nothing()
    assert offer(story, "family_support").state.value == "offered"
    story.phone("cora").expects_nothing()
    story.phone("jordan").expects_nothing()
    story.go_to(local("2026-03-06 11:00"))
    for key in ("cora", "fay", "chad"):
        story.phone(key).expects_nothing()


def test_an_offer_that_the_peer_passes_is_the_coordinators_in_one_text(story: Story) -> None:
    peer = with_helper(story, "LOD_INJURY", "jordan:B", severity="S2")
    story.go_to(local("2026-03-04 14:00"))
    story.phone("jordan").ignores("check_in")
    story.phone(peer).expects("offers_due").replies("0 {code}").expects("noted")
    story.phone("cora").expects("offers_due", "1 offer to make", at=local("2026-03-04 14:00"))
    story.phone("cora").replies("1 {code}").expects("noted").expects_nothing()
    assert offer(story, "family_support").state.value == "offered"


def test_while_it_goes_on_a_peer_of_the_team_goes_there_and_when_it_is_over_nobody_does(story: Story) -> None:
    incident = story.log("HOSTAGE", "jordan:A", severity="S2", occurred_at=NOON - timedelta(hours=1))
    first, second = [one.who for one in story.arrivals if one.kind == "page"]
    story.phone(first).expects("page").replies("1 {code}")
    story.phone(first).ignores("assigned", "peer_task")
    story.phone(second).ignores("page", "covered")
    story.phone("cora").ignores("team_notice")
    story.advance(minutes=10)
    story.phone(first).expects("turn", "a colleague is needed").replies("1 {code}").expects("turn_taken")
    assert offer(story, "on_scene_support").helper_id == story.person(first).id
    story.phone(first).replies("4 {code}").expects("noted")
    assert offer(story, "on_scene_support").state.value == "done"
    story.change(incident, ended_at=story.now())
    quiet_staff(story)
    story.phone("jordan").ignores()


def test_the_team_of_a_grave_event_is_looked_after_by_somebody_who_was_not_part_of_it(story: Story) -> None:
    peer = with_helper(story, "CHILD", "jordan:A", "sam:B", severity="S3")
    story.go_to(local("2026-03-03 18:00"))
    story.phone("clint").expects("turn", "1 ", at=local("2026-03-03 18:00")).replies("1 {code}")
    story.phone("clint").expects("turn_taken").replies("4 {code}").expects("noted")
    assert offer(story, "post_action_staff_support").state.value == "done"
    story.phone(peer).ignores("peer_task").expects_nothing()  # they are called, not texted
    story.go_to(local("2026-03-06 11:59"))
    report_calls(story)
    quiet_staff(story)
    story.go_to(local("2026-03-06 12:00"))  # 72 h: a call to each who served
    story.phone("clint").expects("turn").replies("0 {code}").expects_nothing()
    story.phone("dina").expects("turn").replies("1 {code}").expects("turn_taken")
    story.phone("dina").replies("4 {code}").expects("noted")
    assert offer(story, "team_check_in").state.value == "done"
    quiet_staff(story)
    for key in ("jordan", "sam"):
        story.phone(key).ignores("check_in", "check_in_reminder")
