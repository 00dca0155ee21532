"""Swaps as two phones see them: one question with its code, one answer, and both know whose turn it is."""

from __future__ import annotations

from datetime import date, datetime, time

import pytest
from sqlalchemy.orm import Session

from cism.domain.people import Role
from cism.services import on_call, on_call_swaps, people
from cism.services.on_call import Calendar, OwnTurn
from cism.store.tables import Question
from tests.stories.conftest import MakeStory
from tests.stories.harness import Story
from tests.stories.places import NOON, local, metro

THURSDAY = local("2026-03-05 08:00")
FRIDAY = local("2026-03-06 08:00")


def rotate(story: Story, *members: str, days: int = 1) -> None:
    """These people take turns from Monday the second on, from eight to eight."""
    ids = [story.person(key).id for key in members]

    def begin(session: Session) -> None:
        on_call.rotate(
            session,
            Calendar(story.cast.agency, Role.PEER),
            ids,
            zone="America/New_York",
            first_day=date(2026, 3, 2),
            handover=time(8),
            days=days,
            now=story.now(),
        )

    story.act(begin)


def has_turn(story: Story, key: str, at: datetime) -> bool:
    """Whether somebody is on call then."""
    found = story.see(lambda session: on_call.now_on_call(session, Role.PEER, at))
    return story.person(key).id in found


def ask(story: Story, giver: str, taker: str, start: datetime = THURSDAY) -> None:
    """On the page: somebody asks a colleague to take a turn; twice, as thumbs do."""

    def press(session: Session) -> None:
        person = people.get(session, story.person(giver).id)
        turns = on_call.own_turns(session, person.id, story.now(), story.now() + on_call_swaps.AHEAD)
        turn: OwnTurn = next(one for one in turns if one.start == start)
        on_call_swaps.ask_once(session, person, turn, story.person(taker).id, story.now())

    story.act(press)
    story.act(press)
    story.run()


@pytest.fixture
def story(tell: MakeStory) -> Story:
    cast = metro("jordan")
    cast.rows["peer-1"]["name"], cast.rows["peer-2"]["name"] = "Ana Ruiz", "Ben Okafor"
    cast.rows["peer-2"]["language"] = "es"
    made = tell(cast)
    made.begin(NOON)
    rotate(made, "peer-2", "peer-4", "peer-3", "peer-1")  # Thursday is peer-1's
    return made


def test_a_colleague_takes_a_turn_by_text_and_both_know(story: Story) -> None:
    ask(story, "peer-1", "peer-2")
    story.phone("peer-2").expects("swap_ask", "Ana", "jue 5 mar 08:00-vie 6 mar 08:00")
    code = story.phone("peer-2").code
    story.phone("peer-2").replies(f"1 {code}").expects("swap_told", "es tuya", "Ana")
    story.phone("peer-1").expects("swap_told", "Ben takes your turn", "Thu 5 Mar 08:00-Fri 6 Mar 08:00")
    assert has_turn(story, "peer-2", THURSDAY)
    assert not has_turn(story, "peer-1", THURSDAY)
    story.phone("peer-2").replies(f"1 {code}").expects("noted", code)  # the network doubled it
    story.go_to(FRIDAY)


def test_a_bare_digit_answers_where_nothing_else_is_open_and_a_no_leaves_the_turn(story: Story) -> None:
    ask(story, "peer-1", "peer-2")
    story.phone("peer-2").expects("swap_ask").replies("0").expects("noted")
    story.phone("peer-1").expects("swap_told", "cannot this time", "still yours")
    assert has_turn(story, "peer-1", THURSDAY)
    story.go_to(FRIDAY)


def test_once_one_has_taken_it_the_others_are_asked_no_longer(story: Story) -> None:
    for taker in ("peer-2", "peer-3"):
        ask(story, "peer-1", taker)
    story.phone("peer-3").expects("swap_ask", "take on call")
    story.phone("peer-2").expects("swap_ask").replies("1 {code}").expects("swap_told", "es tuya")
    story.phone("peer-1").expects("swap_told", "takes your turn")
    story.phone("peer-3").expects("swap_told", "no longer asked of you")
    late = story.rows(Question, Question.person_id == story.person("peer-3").id)[0].code
    story.phone("peer-3").replies(f"1 {late}").expects("already_covered")
    assert has_turn(story, "peer-2", THURSDAY)


def test_nobody_is_woken_for_a_swap_and_who_takes_it_back_in_the_night_texts_nobody(story: Story) -> None:
    story.go_to(local("2026-03-03 23:00"))
    ask(story, "peer-1", "peer-2")
    ask(story, "peer-1", "peer-3")
    story.phone("peer-2").expects_nothing()

    def take_back(session: Session) -> None:
        mine = story.person("peer-1").id
        to_two = next(
            one
            for one in on_call_swaps.open_swaps(session, mine, story.now())
            if one.to_id == story.person("peer-2").id
        )
        on_call_swaps.withdraw(session, to_two.id, mine, story.now())

    story.act(take_back)
    story.go_to(local("2026-03-04 09:00"))
    story.phone("peer-2").expects_nothing()
    story.phone("peer-3").expects("swap_ask", at=local("2026-03-04 08:00"))
    story.go_to(THURSDAY)
    story.phone("peer-1").expects("swap_told", "has not answered", "still yours", at=THURSDAY)
    asked = story.rows(Question, Question.kind == "swap")
    assert {row.state for row in asked} == {"superseded", "expired"}
    assert has_turn(story, "peer-1", THURSDAY)
