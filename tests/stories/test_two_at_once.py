"""Two people do the same thing in the same moment, on each kind of database."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from cism.services import inbound
from cism.store.tables import Assignment, InboundMessage, Outbox
from notifications.gateway import InboundSms
from tests.stories.conftest import MakeStory
from tests.stories.harness import Story
from tests.stories.places import NOON, metro, quiet_staff


@pytest.fixture
def story_url(database_url: str) -> str:
    """Both kinds of database."""
    return database_url


@pytest.fixture
def story(tell: MakeStory) -> Story:
    made = tell(metro("jordan", peers=6))
    made.begin(NOON)
    return made


def at_once(*acts: Callable[[], object]) -> None:
    """Start them together, each in a thread of its own."""
    gate, failures = threading.Barrier(len(acts)), []

    def go(act: Callable[[], object]) -> None:
        gate.wait()
        try:
            act()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=go, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def text(story: Story, who: str, body: str, sid: str) -> Callable[[], object]:
    """A text that reaches a web process."""
    sms = InboundSms(sid=sid, from_=story.phone(who).number, to="+12025550100", body=body)
    return lambda: story.act(inbound.receive_once, sms)


def test_helpers_who_accept_in_the_same_moment_never_overfill_the_team(story: Story) -> None:
    story.log("THREAT", "jordan:A", severity="S3", ended_at=story.now())
    asked = [one.who for one in story.arrivals if one.kind == "page"]
    assert len(asked) == 3
    at_once(*(text(story, who, "1", f"SM{who}") for who in asked))
    story.run()
    states = sorted(row.state.value for row in story.rows(Assignment))
    assert states == ["accepted", "accepted", "covered"]
    told = [one.kind for one in story.arrivals if one.kind in {"assigned", "covered", "already_covered"}]
    assert sorted(told) in (
        ["already_covered", "assigned", "assigned"],
        ["assigned", "assigned", "covered"],
    ) or (sorted(told) == ["already_covered", "assigned", "assigned", "covered"])
    quiet_staff(story)


def test_the_same_text_posted_twice_in_the_same_moment_is_read_once(story: Story) -> None:
    at_once(*(text(story, "jordan", "3", "SMsame") for _ in range(4)))
    story.run()
    assert len(story.rows(InboundMessage)) == 1
    assert len(story.rows(Outbox, Outbox.kind == "call_now")) == 1
    story.phone("jordan").expects("call_now")
    quiet_staff(story)


def test_two_conductors_perform_each_step_once(story: Story) -> None:
    from cism.services import engine

    story.log_only("CHILD", "jordan:A", severity="S3", ended_at=story.now())
    at_once(*(lambda: story.act(engine.run_due) for _ in range(3)))
    story.run()
    pages = [one.who for one in story.arrivals if one.kind == "page"]
    assert len(pages) == len(set(pages)) == 3
    quiet_staff(story)


def test_two_helpers_who_take_the_same_call_do_not_both_get_it(story: Story) -> None:
    story.phone("jordan").says("I want to die").expects("crisis_answer")
    story.advance(minutes=5)
    story.advance(minutes=5)
    asked = [one.who for one in story.arrivals if one.kind == "escalation"]
    assert len(asked) >= 2
    at_once(*(text(story, who, "1", f"SM{who}") for who in asked))
    story.run()
    assert [one.kind for one in story.arrivals].count("escalation_assigned") == 1
    story.phone("jordan").expects("escalation_taken").expects_nothing()
    quiet_staff(story)
