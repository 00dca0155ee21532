"""Replies as lives bring them: in the first language, twice, in parts, dictated, tapped on, hours late."""

from __future__ import annotations

import pytest

from cism.store.tables import Escalation, QueueItem
from tests.stories.conftest import MakeStory
from tests.stories.harness import Story
from tests.stories.places import NOON, metro, quiet_staff, with_helper


@pytest.fixture
def asked(tell: MakeStory) -> Story:
    """Rosa, who reads Spanish, has a check-in in Spanish."""
    cast = metro("rosa")
    cast.rows["rosa"]["language"] = "es"
    story = tell(cast)
    story.begin(NOON)
    with_helper(story, "THREAT", "rosa:A")
    story.advance(hours=24)
    quiet_staff(story)
    story.phone("rosa").expects("check_in", "Hola Rosa, soy Peer-", "1 todo bien, 2 llamame en estos dias")
    return story


def test_a_wish_for_a_call_in_spanish_is_answered_in_spanish_and_asked_of_a_helper_in_english(
    asked: Story,
) -> None:
    asked.phone("rosa").says("Llámame ya por favor").expects(
        "call_now", "te llama antes de", "Llama o escribe al 988"
    )
    (call,) = asked.rows(Escalation)
    assert call.level.value == "URGENT"
    texts = [one for one in asked.arrivals if one.kind == "escalation"]
    assert texts
    assert all("someone asks for a call now" in one.body for one in texts)
    quiet_staff(asked)


def test_si_is_no_answer_that_anything_hangs_on_and_a_human_reads_it(asked: Story) -> None:
    asked.phone("rosa").says("sí").expects("read_by", "Una persona lo lee antes de")
    assert [row.kind for row in asked.rows(QueueItem, QueueItem.state == "open")]
    assert asked.rows(Escalation) == []
    quiet_staff(asked)


def test_ayuda_is_a_call_for_help_although_no_carrier_knows_it(asked: Story) -> None:
    asked.phone("rosa").says("ayuda").expects("call_now", "te llama antes de")
    (call,) = asked.rows(Escalation)
    assert call.level.value == "URGENT"
    quiet_staff(asked)


@pytest.mark.parametrize("language", ["en", "es"])
def test_crisis_words_in_the_first_language_count_whatever_language_somebody_is_enrolled_in(
    tell: MakeStory, language: str
) -> None:
    cast = metro("rosa")
    cast.rows["rosa"]["language"] = language
    story = tell(cast)
    story.begin(NOON)
    expected = "In danger: call 911" if language == "en" else "En peligro: llama al 911"
    story.phone("rosa").says("Ya no quiero vivir").expects("crisis_answer", expected)
    (call,) = story.rows(Escalation)
    assert call.level.value == "EMERGENCY"
    quiet_staff(story)


def test_the_same_words_sent_twice_bring_one_call_and_two_answers(asked: Story) -> None:
    phone = asked.phone("rosa")
    phone.says("3").expects("call_now")
    phone.says("3").expects("call_now")
    assert len(asked.rows(Escalation)) == 1
    quiet_staff(asked)


def test_a_long_text_that_arrives_whole_is_read_to_its_end(asked: Story) -> None:
    words = "Ha sido una semana larga y no duermo bien, pero los chicos ayudan. " * 4
    asked.phone("rosa").says(f"{words} La verdad, no quiero seguir viviendo.").expects("crisis_answer")
    quiet_staff(asked)


@pytest.mark.parametrize("dictated", ["Three", "tres", "Tres por favor"])
def test_a_dictated_digit_that_asks_for_a_call_now_is_understood(asked: Story, dictated: str) -> None:
    asked.phone("rosa").says(dictated).expects("call_now")
    quiet_staff(asked)


@pytest.mark.parametrize("dictated", ["one", "uno", "to", "for"])
def test_a_dictated_word_that_may_be_a_digit_decides_nothing(asked: Story, dictated: str) -> None:
    asked.phone("rosa").says(dictated).expects("read_by")
    assert asked.rows(Escalation) == []
    quiet_staff(asked)


def test_a_heart_on_our_text_is_nothing_to_act_on(asked: Story) -> None:
    asked.phone("rosa").says("Le encantó “Hola Rosa, 3 llamame ya”").expects_nothing()
    assert asked.rows(Escalation) == []
    assert asked.rows(QueueItem, QueueItem.state == "open") == []
    quiet_staff(asked)


def test_a_2_that_comes_three_days_late_still_means_call_me(asked: Story) -> None:
    asked.advance(hours=70)
    quiet_staff(asked)
    asked.phone("rosa").ignores()
    asked.phone("rosa").says("2").expects("call_promised")
    (call,) = asked.rows(Escalation)
    assert call.level.value == "ROUTINE"
    quiet_staff(asked)
