"""What a reading tells beside its kind: who reads it, how fast, which digit and which questions."""

from __future__ import annotations

import pytest

from cism.domain.escalation_level import EscalationLevel
from cism.domain.reply_text import Phrase, Searchable, lone_digit
from cism.domain.staff_words import StaffWord
from tests.domain.test_replies import MEMBER, STRANGER, K, OpenQuestion, R, S, Sender, said

PAGE = OpenQuestion.of(K.PAGE, "page", "A7K2")
CARE = OpenQuestion.of(K.CHECK_IN, "care")


def test_a_yes_while_something_is_asked_goes_to_a_human_with_what_is_asked() -> None:
    yes = said("Yes", PAGE, CARE)
    assert (yes.kind, yes.to_human, yes.level) == (R.CARRIER_START, True, None)
    assert yes.candidates == ("page", "care")
    alone = said("yes")
    assert (alone.to_human, alone.candidates) == (False, ())


@pytest.mark.parametrize("word", ["stop", "start"])
def test_other_words_of_the_carrier_alarm_nobody_and_answer_nothing(word: str) -> None:
    reading = said(word, PAGE)
    assert (reading.to_human, reading.level, reading.candidates) == (False, None, ())


def test_help_alarms_a_human_within_the_hour() -> None:
    reading = said("help", PAGE)
    assert (reading.to_human, reading.level, reading.candidates) == (True, EscalationLevel.URGENT, ())


def test_what_the_carrier_does_not_take_for_its_own_word_is_not_read_as_one() -> None:
    assert said("\u00a0stop").kind is R.OPT_OUT  # carriers cut plain spaces alone


def test_a_digit_in_a_cry_for_help_is_told_to_the_human() -> None:
    assert said("1 I want to die", PAGE).noted_digit == "1"


@pytest.mark.parametrize(("sender", "read_by_a_human"), [(MEMBER, False), (STRANGER, True)])
def test_a_picture_is_read_by_a_human_only_where_nobody_knows_the_number(
    sender: Sender, read_by_a_human: bool
) -> None:
    reading = said("👍", sender=sender)
    assert (reading.kind, reading.to_human) == (R.ACKNOWLEDGEMENT, read_by_a_human)


def test_whoever_wants_no_more_texts_is_heard_with_everything_else_that_they_wrote() -> None:
    reading = said("1 wrong number, stop texting me")
    assert reading.kind is R.OPT_OUT
    assert (reading.noted_digit, reading.asks_out, reading.asks_who) == ("1", True, True)
    assert said("stop texting me").asks_who is False


def test_a_strangers_digit_is_told_to_the_human_and_answers_nothing() -> None:
    reading = said("1 A7K2", PAGE, sender=STRANGER)
    assert (reading.kind, reading.noted_digit, reading.digit) == (R.FREE_TEXT, "1", None)


def test_whoever_wants_a_call_and_asks_who_we_are_gets_both() -> None:
    reading = said("3 who is this")
    assert (reading.kind, reading.asks_who) == (R.CARE_NOW, True)
    assert said("3").asks_who is False


@pytest.mark.parametrize("text", ["who", "Who.", "WHO!", "who ! "])
def test_who_stays_who_whatever_ends_it_and_no_human_is_troubled(text: str) -> None:
    reading = said(text)
    assert (reading.kind, reading.to_human) == (R.WHO, False)


def test_whoever_does_not_know_us_is_asked_by_a_human_who_hears_of_the_digit() -> None:
    reading = said("1? who is this", PAGE)
    assert (reading.kind, reading.to_human) == (R.WHO_IS_THIS, True)
    assert (reading.noted_digit, reading.asks_who) == ("1", True)


def test_a_human_is_given_the_open_questions_that_were_named_and_no_others() -> None:
    past = OpenQuestion.of(K.PAGE, "past", "B3C4", S.EXPIRED)
    other = OpenQuestion.of(K.PAGE, "other", "C4D5")
    assert said("1 A7K2 B3C4", PAGE, past, other, CARE).candidates == ("page",)


def test_a_word_of_work_gives_way_to_an_open_question_about_oneself_and_to_no_past_one() -> None:
    helper = Sender(known=True, phone_confirmed=True, words=frozenset(StaffWord))
    past = OpenQuestion.of(K.CHECK_IN, "past", state=S.EXPIRED)
    assert said("words", past, PAGE, sender=helper).kind is R.STAFF_WORD
    assert said("words", CARE, sender=helper).kind is R.FREE_TEXT


@pytest.mark.parametrize(
    ("text", "found"), [("no 1", "1"), ("(1)", "1"), ("X", None), ("X1", None), ("X 1", "1"), ("1 0", None)]
)
def test_one_digit_by_itself_is_noted_and_never_a_letter(text: str, found: str | None) -> None:
    assert lone_digit(text) == found


def test_letters_sent_one_by_one_are_the_word_they_spell() -> None:
    die, stop = Phrase.of("die"), Phrase.of("stop")
    assert Searchable("let me d i e now").has_words(die)
    assert Searchable("s t o p").is_only(stop)
    assert not Searchable("i am g o ing").has_words(Phrase.of("go"))  # two letters spell nothing


def test_a_number_alone_is_no_word() -> None:
    assert all(word.isdigit() for way in Searchable("911 50 1").readings for word in way)


def test_a_word_said_twice_in_a_row_counts_once_and_one_said_again_later_counts() -> None:
    assert Searchable("stop stop stop").is_only(Phrase.of("stop"))
    assert Searchable("no more no").is_only(Phrase.of("no more no"))
    assert not Searchable("no more no").is_only(Phrase.of("no more"))
