"""Numbers change hands, break and grow old: nothing personal goes to somebody who is not its owner."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from cism.services import claims
from cism.services.claims import Outcome
from cism.store.tables import InboundMessage, Outbox, Person, QueueItem, Step
from notifications.gateway import SendError, SendFailure
from tests.stories.conftest import MakeStory
from tests.stories.harness import Story, planned
from tests.stories.places import (
    NOON,
    check_in_on_its_way,
    live_until,
    metro,
    quiet_staff,
    report_calls,
    to_the_first_check_in,
    with_helper,
)

NOTHING = "+12125550199"  # a number that nobody has


@pytest.fixture
def story(tell: MakeStory) -> Story:
    made = tell(metro("jordan", "sam"))
    made.begin(NOON)
    return made


def test_a_number_that_a_newcomer_was_given_is_no_longer_its_old_owner_s(story: Story) -> None:
    peer = with_helper(story)
    number = story.cast.phone("jordan")
    story.rosters({"jordan": {"status": "retired"}, "sam": {"phone": number}})
    story.cast.rows["jordan"]["phone"] = NOTHING
    assert story.person("jordan").phone is None
    live_until(story, NOON + timedelta(days=9))
    story.phone("sam").expects_nothing()
    calls = [one for one in story.arrivals if one.kind == "peer_task"]
    assert {one.who for one in calls} == {peer}
    assert len(calls) > 1  # the first call, and one for each check-in that could not be a text
    quiet_staff(story)


def test_two_people_who_swap_numbers_get_no_text_until_each_has_confirmed_the_new_one(story: Story) -> None:
    with_helper(story, "THREAT", "jordan:A", "sam:B")
    one, other = story.cast.phone("jordan"), story.cast.phone("sam")
    story.rosters({"jordan": {"phone": other}, "sam": {"phone": one}})
    live_until(story, NOON + timedelta(days=2))
    for key in ("jordan", "sam"):
        story.phone(key).expects_nothing()
    story.phone("jordan").says("3").expects("call_now")
    text = story.rows(InboundMessage)[-1]
    assert text.person_id == story.person("jordan").id
    quiet_staff(story)


def test_a_check_in_that_is_tried_again_does_not_go_to_a_number_nobody_confirmed(story: Story) -> None:
    with_helper(story)
    sent = check_in_on_its_way(story, "jordan")
    story.roster("jordan", phone=NOTHING)
    story.act(claims.record, [Outcome(sent.id, error=SendError(SendFailure.RETRY))])
    story.pass_real(minutes=10)
    assert story.rows(Outbox, Outbox.id == sent.id)[0].reason == "phone not confirmed"
    story.phone("jordan").expects_nothing()
    quiet_staff(story)


def answered_by_the_provider(story: Story, code: int) -> None:
    """The provider takes no text for this number: it says so at once, with a code."""
    sent = check_in_on_its_way(story, "jordan")
    story.act(claims.record, [Outcome(sent.id, error=SendError(SendFailure.PERMANENT, code=code))])
    story.run()


def told_by_the_carrier(story: Story, mode: str) -> None:
    """The provider takes the text, and the carrier gives it back."""
    to_the_first_check_in(story, "jordan")
    story.servers.handset_is(story.phone("jordan").number, mode)
    story.advance(minutes=1)


@pytest.mark.parametrize(
    ("refuses", "how"),
    [
        (answered_by_the_provider, 21211),
        (answered_by_the_provider, 21614),
        (told_by_the_carrier, "unknown"),  # 30005
        (told_by_the_carrier, "landline"),  # 30006
    ],
)
def test_a_number_that_does_not_exist_is_not_texted_again_and_a_human_calls(
    story: Story, refuses: Callable[[Story, Any], None], how: Any
) -> None:
    peer = with_helper(story)
    refuses(story, how)
    story.phone("cora").expects("queue_new", "a call is needed")
    assert story.person("jordan").phone_confirmed_at is None
    story.read_the_queue()
    live_until(story, NOON + timedelta(days=4))
    story.phone("jordan").expects_nothing()
    assert any(one.who == peer and one.kind == "peer_task" for one in story.arrivals)
    quiet_staff(story)


def test_a_helper_s_number_that_does_not_exist_is_told_to_the_coordinator_once(story: Story) -> None:
    for key in ("peer-1", "peer-2", "peer-3"):
        story.servers.handset_is(story.phone(key).number, "unknown")
    story.log("THREAT", "jordan:A", severity="S1", ended_at=story.now() - timedelta(hours=1))
    asked = {row.person_id for row in story.rows(Outbox, Outbox.error_code == 30005)}
    assert asked  # two are asked at first: at least one of the three was among them
    assert {row.person_id for row in story.rows(QueueItem, QueueItem.kind == "unsettled_send")} == asked
    story.phone("peer-4").expects("page").replies("1 {code}")
    report_calls(story)
    quiet_staff(story)
    assert len(story.rows(QueueItem, QueueItem.kind == "unsettled_send")) == len(asked)


# --- once a year


def confirmed(story: Story, key: str) -> datetime | None:
    """When somebody's number was confirmed last."""
    return story.person(key).phone_confirmed_at


def test_a_number_is_confirmed_again_after_a_year_in_open_hours(story: Story) -> None:
    story.go_to(NOON + timedelta(days=276))
    for key in ("jordan", "sam", "cora"):
        story.phone(key).expects("confirm_phone", "this is me")
    story.phone("jordan").replies("1 {code}").expects("phone_confirmed")
    story.phone("sam").says("sure, still me").expects("read_by").expects("phone_confirmed")
    assert confirmed(story, "jordan") == confirmed(story, "sam") == story.now()
    story.read_the_queue()
    quiet_staff(story)
    story.go_to(NOON + timedelta(days=276 + 16))
    assert confirmed(story, "jordan") is not None
    assert confirmed(story, "cora") is None  # two weeks without an answer: a peer would call
    quiet_staff(story)
    story.go_to(NOON + timedelta(days=276 + 60))
    for key in ("jordan", "sam", "cora"):
        story.phone(key).expects_nothing()
    quiet_staff(story)


def test_an_answer_to_anything_confirms_the_number_for_another_year(story: Story) -> None:
    story.go_to(NOON + timedelta(days=200))
    story.phone("jordan").says("2").expects("call_promised")
    quiet_staff(story)
    story.close_escalation("clint")
    quiet_staff(story)
    story.go_to(NOON + timedelta(days=290))
    story.phone("jordan").expects_nothing()
    story.phone("sam").expects("confirm_phone")
    quiet_staff(story)


def test_who_is_this_as_an_answer_to_the_yearly_question_freezes_the_number(story: Story) -> None:
    story.go_to(NOON + timedelta(days=276))
    story.phone("jordan").expects("confirm_phone").says("who is this").expects("read_by", but="Metro")
    assert story.person("jordan").frozen_at is not None
    story.phone("sam").ignores()
    quiet_staff(story)


def test_nobody_is_asked_for_their_number_while_they_are_looked_after(story: Story) -> None:
    def long_ago(session: object) -> None:
        for row in session.query(Person):  # type: ignore[attr-defined]
            row.phone_confirmed_at = NOON - timedelta(days=400)

    story.act(long_ago)
    with_helper(story)
    story.go_to(NOON + timedelta(hours=23))
    story.phone("jordan").expects_nothing()
    story.phone("sam").expects("confirm_phone")
    live_until(story, NOON + timedelta(days=1.5))
    story.phone("jordan").expects("check_in").replies("1")
    assert confirmed(story, "jordan") is not None
    assert not planned(story, Step.kind == "confirm_phone")
    quiet_staff(story)


@pytest.mark.parametrize("why", ["leave", "no consent", "stopped"])
def test_who_may_not_be_texted_is_not_asked_for_their_number(tell: MakeStory, why: str) -> None:
    cast = metro("jordan")
    if why == "no consent":
        cast.rows["jordan"]["consent_care"] = "no"
    if why == "leave":
        cast.rows["jordan"]["status"] = "leave"
    story = tell(cast)
    story.begin(NOON)
    if why == "stopped":
        story.phone("jordan").says("STOP").expects("carrier")
    story.go_to(NOON + timedelta(days=295))
    story.phone("jordan").expects_nothing()
    quiet_staff(story)
