"""What a digit brings beside its kind: which question, which digit, whether a human reads it too."""

from __future__ import annotations

import pytest

from cism.domain.replies import OpenQuestion, QuestionKind, QuestionState, Reading, ReadingKind, Sender, read

K, S, R = QuestionKind, QuestionState, ReadingKind
OWN = OpenQuestion.of(K.CHECK_IN, "own", None, S.OPEN)
PAGE = OpenQuestion.of(K.PAGE, "page", "A7K2", S.OPEN)
REPORT = OpenQuestion.of(K.CONTACT_REPORT, "report", "B3C4", S.OPEN)


def said(text: str, *questions: OpenQuestion) -> Reading:
    return read(text, Sender(known=True, phone_confirmed=True), questions)


@pytest.mark.parametrize(("text", "kind", "digit"), [("2", R.CARE_LATER, "2"), ("3", R.CARE_NOW, "3")])
def test_whoever_asks_for_a_call_has_answered_their_own_check_in(
    text: str, kind: ReadingKind, digit: str
) -> None:
    found = said(text, PAGE, OWN)
    assert (found.kind, found.digit, found.question_id, found.to_human) == (kind, digit, "own", False)
    assert said(text, PAGE).question_id is None


def test_a_3_with_words_beside_it_is_read_by_a_human_too() -> None:
    found = said("3 please hurry", OWN)
    assert (found.kind, found.to_human) == (R.CARE_NOW, True)


def test_a_worry_says_about_whom_and_is_nothing_for_the_queue() -> None:
    found = said("7 B3C4", PAGE, REPORT)
    assert (found.kind, found.digit, found.to_human) == (R.WORRY, "7", False)
    assert (found.question_id, found.question_state) == ("report", S.OPEN)


def test_a_worry_that_fits_no_question_is_the_senders_own_3() -> None:
    found = said("7", PAGE, OWN)
    assert (found.kind, found.digit, found.question_id) == (R.CARE_NOW, "7", "own")
    assert not found.to_human


def test_an_answer_that_comes_too_late_is_kept_as_it_was_said() -> None:
    over = OpenQuestion.of(K.REPORT, "over", "C4D5", S.EXPIRED)
    found = said("4 C4D5 6", over)
    assert (found.kind, found.digit, found.number) == (R.ALREADY_COVERED, "4", 6)


def test_a_digit_that_fits_several_is_noted_and_holds_care_texts_only_where_it_may_be_an_end() -> None:
    other = OpenQuestion.of(K.PAGE, "other", "D5E6", S.OPEN)
    found = said("0", PAGE, other)
    assert (found.kind, found.noted_digit) == (R.AMBIGUOUS_CODES, "0")
    assert found.hold_care_texts
    assert found.candidates == ("page", "other")
    assert not said("1", PAGE, other).hold_care_texts


@pytest.mark.parametrize("back", [False, True])
def test_of_two_open_questions_with_one_code_the_one_that_takes_the_digit_is_answered(back: bool) -> None:
    report = OpenQuestion.of(K.REPORT, "how many", "A7K2", S.OPEN)
    found = said("4 A7K2 6", *((report, PAGE) if back else (PAGE, report)))
    assert (found.kind, found.question_id, found.number) == (R.ANSWER, "how many", 6)


def test_an_answer_says_where_its_question_stood_and_a_digit_that_it_takes_not_names_it() -> None:
    found = said("1", PAGE)
    assert (found.kind, found.question_id, found.question_state) == (R.ANSWER, "page", S.OPEN)
    other = said("5", PAGE)
    assert (other.to_human, other.candidates) == (True, ("page",))


def test_a_number_beside_a_digit_that_takes_none_is_read_by_a_human_who_is_told_which() -> None:
    found = said("4 B3C4 6", REPORT)
    assert (found.kind, found.noted_digit, found.question_id) == (R.FREE_TEXT, "4", "report")
    assert (found.question_state, found.candidates) == (S.OPEN, ("report",))
    other = said("5 B3C4 6", REPORT)
    assert (other.kind, other.noted_digit) == (R.FREE_TEXT, "5")
