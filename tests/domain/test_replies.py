"""The order of reading and the meaning of digits, rule by rule."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cism.domain.escalation_level import EscalationLevel
from cism.domain.lexicon import shipped_lexicons
from cism.domain.replies import (
    ALLOWED_DIGITS,
    CARRIER_WORDS,
    OpenQuestion,
    QuestionKind,
    QuestionState,
    Reading,
    ReadingKind,
    Sender,
    read,
)
from cism.domain.reply_text import Searchable, tidy
from tests.domain.test_replies_labelled import ROWS, SITUATIONS

MEMBER = Sender(known=True, phone_confirmed=True)
STRANGER = Sender(known=False)
K, S, R = QuestionKind, QuestionState, ReadingKind
ANYTHING = st.text(max_size=200) | st.text(
    "0123456789 A7K2a7k2.?!stopSTOP\u2019\u201c\u201d👍3️⃣\n", max_size=40
)
SENDERS = st.builds(Sender, known=st.booleans(), phone_confirmed=st.booleans())
QUESTIONS = st.lists(
    st.builds(
        OpenQuestion.of,
        st.sampled_from(K),
        st.uuids().map(str),
        st.none() | st.sampled_from(["A7K2", "B3C4", "X9Y9"]),
        st.sampled_from(S),
        st.none() | st.sampled_from("01456"),
    ),
    max_size=4,
)


def said(text: str, *questions: OpenQuestion, sender: Sender = MEMBER) -> Reading:
    return read(text, sender, questions)


@settings(max_examples=500, deadline=None)
@given(ANYTHING, SENDERS, QUESTIONS)
def test_any_text_is_read_and_read_again_the_same(
    text: str, sender: Sender, questions: list[OpenQuestion]
) -> None:
    first = read(text, sender, questions)
    assert read(text, sender, questions) == first
    assert tidy(tidy(text)) == tidy(text)
    open_ids = {q.id for q in questions if q.is_open}
    assert set(first.candidates) <= open_ids
    if first.kind is R.ANSWER:
        question = next(q for q in questions if q.id == first.question_id)
        assert sender.known
        assert question.is_open
        assert first.digit in question.allowed
    if first.kind is R.FREE_TEXT:
        assert first.to_human


LONG_AND_SHORT = [
    ("any" if len(phrase.joined) >= 7 else "words", " ".join(phrase.words), alarm.level)
    for lexicon in shipped_lexicons()
    for alarm in lexicon.alarms
    if len(alarm.all_of) == 1
    for phrase in alarm.all_of[0]
]


def shouted(words: str, upper: list[bool]) -> str:
    return "".join(c.upper() if upper[i % len(upper)] else c for i, c in enumerate(words))


@settings(max_examples=600, deadline=None)
@given(
    st.sampled_from(LONG_AND_SHORT),
    ANYTHING,
    ANYTHING,
    st.lists(st.booleans(), min_size=1, max_size=9),
    SENDERS,
    QUESTIONS,
)
@example(("any", "want to die", EscalationLevel.EMERGENCY), "1", "", [False], MEMBER, [])
@example(("any", "want to die", EscalationLevel.EMERGENCY), "STOP ", " STOP", [True], STRANGER, [])
def test_a_crisis_phrase_is_never_read_as_less_than_its_level(
    row: tuple[str, str, EscalationLevel],
    before: str,
    after: str,
    upper: list[bool],
    sender: Sender,
    questions: list[OpenQuestion],
) -> None:
    border, words, level = row
    gap = "" if border == "any" else " "
    reading = read(f"{before}{gap}{shouted(words, upper)}{gap}{after}", sender, questions)
    assert reading.kind is R.CRISIS
    assert reading.level in (level, EscalationLevel.EMERGENCY)
    assert reading.to_human


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([row for row in ROWS if row.never_decides]),
    QUESTIONS,
    st.sampled_from(["", " ", "\n", "!"]),
)
def test_no_labelled_ambiguous_text_ever_decides_anything(
    row: object, questions: list[OpenQuestion], tail: str
) -> None:
    text = getattr(row, "text") + tail  # noqa: B009
    reading = read(text, MEMBER, questions)
    assert reading.kind is not R.ANSWER


@settings(max_examples=200, deadline=None)
@given(ANYTHING, QUESTIONS)
def test_a_text_that_begins_with_3_always_brings_a_call_now(text: str, questions: list[OpenQuestion]) -> None:
    reading = read(f"3{text}", MEMBER, questions)
    assert reading.kind in (R.CARE_NOW, R.CRISIS, R.OPT_OUT)
    assert reading.level in (EscalationLevel.URGENT, EscalationLevel.EMERGENCY)


@settings(max_examples=200, deadline=None)
@given(ANYTHING, QUESTIONS)
def test_a_stranger_never_answers_a_question(text: str, questions: list[OpenQuestion]) -> None:
    carrier = {R.CARRIER_STOP, R.CARRIER_START, R.CARRIER_HELP}
    reading = read(text, STRANGER, questions)
    assert reading.kind in carrier | {R.CRISIS, R.OPT_OUT, R.ACKNOWLEDGEMENT, R.WHO_IS_THIS, R.FREE_TEXT}
    assert reading.to_human or reading.kind in carrier


@pytest.mark.parametrize("word", CARRIER_WORDS)
def test_a_carrier_word_counts_only_when_it_is_the_whole_text(word: str) -> None:
    assert said(f" {word.upper()}\n").kind is CARRIER_WORDS[word]
    assert said(f"{word} I want to die").kind is R.CRISIS
    assert said(f"{word} or what").kind is not CARRIER_WORDS[word]


def test_crisis_comes_before_opt_out_and_says_that_both_were_there() -> None:
    reading = said("stop texting me, wrong number, I want to die")
    assert (reading.kind, reading.asks_out, reading.asks_who) == (R.CRISIS, True, True)


def test_an_opt_out_that_begins_with_3_still_brings_a_call() -> None:
    reading = said("3 but stop texting me")
    assert (reading.kind, reading.digit, reading.level) == (R.OPT_OUT, "3", EscalationLevel.URGENT)
    assert said("1 stop texting me").level is None
    assert said("3 but stop texting me", sender=STRANGER).digit is None


def test_who_answers_only_a_confirmed_number() -> None:
    assert said("WHO").kind is R.WHO
    unconfirmed = said("WHO", sender=Sender(known=True))
    assert (unconfirmed.kind, unconfirmed.asks_who) == (R.FREE_TEXT, True)
    assert said("who?", sender=Sender(known=True)).kind is R.WHO_IS_THIS
    assert said("WHO", sender=Sender(known=False, phone_confirmed=True)).kind is R.WHO_IS_THIS


def test_every_kind_of_question_says_which_digits_it_takes() -> None:
    assert set(ALLOWED_DIGITS) == set(K)
    assert not any(digits & set("2378") for digits in ALLOWED_DIGITS.values())


@pytest.mark.parametrize("kind", K)
@pytest.mark.parametrize("digit", "014569")
def test_a_bare_digit_and_one_with_the_code_answer_the_one_open_question(
    kind: QuestionKind, digit: str
) -> None:
    question = OpenQuestion.of(kind, "q", "A7K2")
    expected = R.ANSWER if digit in ALLOWED_DIGITS[kind] else R.FREE_TEXT
    for text in (digit, f"{digit} A7K2", f"a7k2 {digit}"):
        reading = said(text, question)
        assert (reading.kind, reading.question_id) == (expected, "q")
        assert reading.to_human is (expected is R.FREE_TEXT)


@pytest.mark.parametrize("digit", "014569")
def test_a_bare_digit_does_nothing_while_two_questions_are_open(digit: str) -> None:
    questions = OpenQuestion.of(K.ESCALATION, "one", "A7K2"), OpenQuestion.of(K.ESCALATION, "two", "B3C4")
    reading = said(digit, *questions)
    assert (reading.kind, reading.candidates) == (R.AMBIGUOUS_CODES, ("one", "two"))
    assert reading.hold_care_texts is (digit == "0")


def test_a_bare_0_holds_care_texts_only_where_it_fits_something() -> None:
    reports = OpenQuestion.of(K.REPORT, "one", "A7K2"), OpenQuestion.of(K.CONTACT_REPORT, "two", "B3C4")
    assert not said("0", *reports).hold_care_texts
    assert not said("0").hold_care_texts
    assert said("0").to_human
    assert said("0", reports[0], OpenQuestion.of(K.CHECK_IN, "care")).hold_care_texts


def test_a_0_with_a_code_nobody_was_given_holds_nothing() -> None:
    reading = said("0 C4D5", OpenQuestion.of(K.CHECK_IN, "care"), OpenQuestion.of(K.PAGE, "page", "A7K2"))
    assert (reading.kind, reading.hold_care_texts) == (R.AMBIGUOUS_CODES, False)


def test_questions_that_are_no_longer_open_do_not_make_a_digit_ambiguous() -> None:
    old = OpenQuestion.of(K.CHECK_IN, "old", state=S.SUPERSEDED)
    assert said("0", old, OpenQuestion.of(K.CHECK_IN, "new")).question_id == "new"


@pytest.mark.parametrize("state", [S.EXPIRED, S.SUPERSEDED, S.ANSWERED])
@pytest.mark.parametrize("digit", "014569")
def test_an_answer_to_a_code_that_is_past_changes_nothing(state: QuestionState, digit: str) -> None:
    past, other = OpenQuestion.of(K.PAGE, "past", "A7K2", state), OpenQuestion.of(K.CHECK_IN, "other")
    reading = said(f"{digit} A7K2", past, other)
    assert (reading.kind, reading.question_id, reading.question_state) == (R.ALREADY_COVERED, "past", state)
    assert not reading.to_human


def test_a_bare_repeat_after_everything_was_answered_is_covered_by_the_newest() -> None:
    past = [OpenQuestion.of(K.CHECK_IN, name, state=S.ANSWERED, answer="1") for name in ("older", "newer")]
    reading = said("1", *past)
    assert (reading.kind, reading.question_id, reading.to_human) == (R.ALREADY_COVERED, "newer", False)


def test_whoever_changes_their_mind_after_an_answer_is_heard_by_a_human() -> None:
    accepted = OpenQuestion.of(K.PAGE, "page", "A7K2", S.ANSWERED, answer="1")
    assert not said("1 A7K2", accepted).to_human
    assert said("0 A7K2", accepted).to_human
    assert said("0", OpenQuestion.of(K.CHECK_IN, "care", state=S.EXPIRED)).to_human


def test_a_code_asked_twice_means_the_question_that_is_still_open() -> None:
    page = OpenQuestion.of(K.PAGE, "page", "A7K2", S.ANSWERED)
    reading = said("9 A7K2", page, OpenQuestion.of(K.ASSIGNMENT, "assignment", "a7k2"))
    assert (reading.kind, reading.question_id) == (R.ANSWER, "assignment")


@pytest.mark.parametrize("state", S)
def test_a_worry_with_the_code_of_a_person_opens_an_escalation_in_any_state(state: QuestionState) -> None:
    about = OpenQuestion.of(K.CONTACT_REPORT, "about", "A7K2", state)
    reading = said("7 A7K2", about, OpenQuestion.of(K.PAGE, "page", "B3C4"))
    assert (reading.kind, reading.question_id, reading.question_state) == (R.WORRY, "about", state)
    assert reading.level is EscalationLevel.URGENT


def test_a_bare_worry_that_fits_two_people_or_nobody_is_the_senders_own_call() -> None:
    two = [OpenQuestion.of(K.CONTACT_REPORT, name, code) for name, code in (("a", "A7K2"), ("b", "B3C4"))]
    for questions in (
        two,
        [],
        [OpenQuestion.of(K.PAGE, "page", "A7K2")],
        [OpenQuestion.of(K.CHECK_IN, "care")],
    ):
        reading = said("7", *questions)
        assert (reading.kind, reading.digit, reading.level) == (R.CARE_NOW, "7", EscalationLevel.URGENT)
    past = OpenQuestion.of(K.CONTACT_REPORT, "past", "A7K2", S.EXPIRED)
    assert said("7", past).kind is R.CARE_NOW
    assert said("7", two[0], OpenQuestion.of(K.PAGE, "page", "C4D5")).question_id == "a"


@pytest.mark.parametrize("text", ["2", "3", "2 A7K2", "A7K2 3"])
def test_2_and_3_are_about_the_sender_whatever_is_asked(text: str) -> None:
    escalation = OpenQuestion.of(K.ESCALATION, "about-jordan", "A7K2")
    reading = said(text, escalation)
    assert reading.kind in (R.CARE_LATER, R.CARE_NOW)
    assert reading.question_id is None


def test_a_text_with_two_codes_goes_to_a_human_with_both() -> None:
    one, two = OpenQuestion.of(K.PAGE, "one", "A7K2"), OpenQuestion.of(K.PAGE, "two", "B3C4")
    reading = said("1 A7K2 B3C4", one, two)
    assert (reading.kind, reading.noted_digit, reading.candidates) == (R.FREE_TEXT, "1", ("one", "two"))


def test_what_our_own_texts_say_rings_no_alarm() -> None:
    ours = [
        "Metro team: assignment A7K2. Reply 1 A7K2 available, 0 A7K2 not now. Details: example.org/x",
        "A7K2: you are assigned. Call Jordan by 14:00. Reply 9 to hand back.",
        "A7K2: stand-down, no action needed. Thank you.",
        "Hi Jordan, Alex here. No need to answer. 1 all good, 2 call me in the next days, 3 call me now",
        "Hi Jordan, Alex here. Optional get-together Tue 14:00. 1 count me in, 0 not for me, 2 call me.",
        "Thanks, got it. A person will read this by 14:00. Need someone now? +12125550100 or call/text 988.",
        "Thank you for telling us. We are finding a person to call you now. In danger: call 911. "
        "Call or text 988 any time.",
        "7 I am worried, clinician please. 4 reached, 5 they declined, 6 not reached",
    ]
    for text in ours:
        assert all(lexicon.crisis(Searchable(text)) is None for lexicon in shipped_lexicons()), text
        assert said(f"Liked “{text}”", *SITUATIONS["both"][1]).kind is R.ACKNOWLEDGEMENT


def test_a_long_text_is_read_in_good_time() -> None:
    assert said("a1 " * 5_000 + "want to die").kind is R.CRISIS
