"""Words that helpers text about their work: exact, theirs alone, and never in the way of a cry for help."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cism.domain.labelled import SITUATIONS, Labelled
from cism.domain.lexicon import shipped_lexicons
from cism.domain.replies import CARRIER_WORDS, OpenQuestion, QuestionKind, ReadingKind, Sender, read
from cism.domain.staff_words import FORMS, Command, Day, Part, StaffWord, command
from notifications import messages as m
from notifications.render import render
from tests.domain.test_replies import QUESTIONS, said
from tests.domain.test_replies_labelled import ROWS

HELPER = Sender(known=True, phone_confirmed=True, words=frozenset(StaffWord))
W = StaffWord
SPELLED = [spelled for word, form in FORMS.items() for spelled in (word.value, form.spanish)]
PIECES = st.sampled_from(
    [
        *SPELLED,
        *("05dec", "5dic", "dec 05", "2026-12-05", "35dec", "A7K2", "a7k2", "Ana", "Ruiz", "for", "por"),
        *("5", "3", "?", ".", "no", "I", "can't", "morir", "die", "sleep", "is", "hard", "stop"),
    ]
)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("WORDS", Command(W.WORDS)),
        (" Tareas. ", Command(W.TASKS)),
        ("week", Command(W.WEEK)),
        ("REST 05DEC", Command(W.REST, day=Day(5, 12))),
        ("descanso 5dic", Command(W.REST, day=Day(5, 12))),
        ("Rest Dec-5", Command(W.REST, day=Day(5, 12))),
        ("rest 05 december", Command(W.REST, day=Day(5, 12))),
        ("rest dec 05", Command(W.REST, day=Day(5, 12))),
        ("rest 2026-12-05", Command(W.REST, day=Day(5, 12, 2026))),
        ("REST", Command(W.REST, whole=False)),
        ("swap 05dec ana ruiz", Command(W.SWAP, day=Day(5, 12), name="ana ruiz")),
        ("CAMBIO 05DIC José", Command(W.SWAP, day=Day(5, 12), name="jose")),
        ("swap 05dec ana for 09dec", Command(W.SWAP, day=Day(5, 12), name="ana", back=Day(9, 12))),
        ("cambio 05dic ana por 09dic", Command(W.SWAP, day=Day(5, 12), name="ana", back=Day(9, 12))),
        ("swap 05dec", Command(W.SWAP, day=Day(5, 12), whole=False)),
        ("swap dec 05 ana", Command(W.SWAP, day=Day(5, 12), name="ana")),
        ("swap 2026-12-05 ana", Command(W.SWAP, day=Day(5, 12, 2026), name="ana")),
        ("keep 05dec", Command(W.KEEP, day=Day(5, 12))),
        ("brief", Command(W.BRIEF)),
        ("guía a7-k2", Command(W.BRIEF, code="A7K2")),
        ("LIMITS A7K2", Command(W.LIMITS, code="A7K2")),
        ("derivo", Command(W.REFER, whole=False)),
        ("give a7k2 o'brien-smith", Command(W.GIVE, code="A7K2", name="o'brien-smith")),
        ("give a7k2 ana maria ruiz", Command(W.GIVE, code="A7K2", name="ana maria ruiz")),
        ("GIVE A7K2", Command(W.GIVE, code="A7K2", whole=False)),
        ("desk!", Command(W.DESK)),
    ],
)
def test_a_word_and_what_it_takes_is_the_whole_text(text: str, meant: Command) -> None:
    assert command(text) == meant
    assert said(text, sender=HELPER).kind is ReadingKind.STAFF_WORD


@pytest.mark.parametrize(
    "text",
    [
        "",
        "rest is hard to find these days",
        "back there again",
        "week",  # not theirs
        "words fail me",
        "give a7k2 to somebody who is awake please",
        "swap 05dec ana for",
        "swap 05dec ana for 09dec now",
        "swap 05dec for 09dec",
        "rest 5 dec",  # one digit alone may be an answer
        "rest 05foo",
        "rest tomorrow",
        "rest 05dec please",
        "give ana a7k2",
        "limits a7k2 b3m4",
        "tasks?",
    ],
)
def test_anything_else_goes_to_a_human_as_before(text: str) -> None:
    sender = Sender(known=True, phone_confirmed=True, words=frozenset(StaffWord) - {W.WEEK})
    assert said(text, sender=sender) == said(text)
    assert said(text, sender=sender).to_human


@settings(max_examples=600, deadline=None)
@given(st.lists(PIECES, max_size=6).map(" ".join) | st.text(max_size=60), QUESTIONS)
@example("rest 05dec", [OpenQuestion.of(QuestionKind.CHECK_IN, "one", "A7K2")])
@example("desk", [])
@example("limits A7K2", [OpenQuestion.of(QuestionKind.CHECK_IN, "one", "B3C4")])
def test_a_word_takes_only_what_a_human_would_have_read_and_nothing_else_changes(
    text: str, questions: list[OpenQuestion]
) -> None:
    before, after = said(text, *questions), said(text, *questions, sender=HELPER)
    if after.kind is not ReadingKind.STAFF_WORD:
        assert after == before
        return
    assert before.kind is ReadingKind.FREE_TEXT
    assert before.noted_digit is None
    found = command(text)
    assert found is not None
    about_them = {"check_in", "opt_in", "invitation", "confirm_phone"}
    assert found.code or not any(q.is_open and q.kind.value in about_them for q in questions)


@pytest.mark.parametrize("text", SPELLED)
def test_words_are_nobody_elses(text: str) -> None:
    for form in (text, text.upper(), f"{text} A7K2", f"{text} 05DEC"):
        assert said(form, sender=Sender(known=True, phone_confirmed=True)).to_human
        assert read(form, Sender(known=False, words=frozenset(StaffWord))).to_human
    assert text not in CARRIER_WORDS


@pytest.mark.parametrize(
    "phrase",
    sorted(
        {
            " ".join(one.words)
            for lexicon in shipped_lexicons()
            for alarm in lexicon.alarms
            if len(alarm.all_of) == 1
            for one in alarm.all_of[0]
        }
    ),
)
def test_crisis_words_behind_any_word_are_crisis_words(phrase: str) -> None:
    for text in (f"swap 05dec {phrase}", f"give a7k2 {phrase}", f"rest {phrase}", f"desk {phrase}"):
        assert said(text, sender=HELPER).kind is ReadingKind.CRISIS


@pytest.mark.parametrize("row", [row for row in ROWS if "helper" not in row.situation], ids=str)
def test_no_text_that_people_send_is_one_of_the_words(row: Labelled) -> None:
    sender, questions = SITUATIONS[row.situation]
    if sender.known:
        plain = Sender(known=True, phone_confirmed=True)
        assert read(row.text, HELPER, questions) == read(row.text, plain, questions)


def test_no_two_words_are_one_and_none_is_a_part_of_a_day_or_a_code() -> None:
    assert len(set(SPELLED)) == len(SPELLED) == 2 * len(StaffWord)
    assert all(text.isalpha() and text.isascii() for text in SPELLED)
    assert all(form.needed <= len(form.parts) for form in FORMS.values())
    assert {part for form in FORMS.values() for part in form.parts} == set(Part)


@pytest.mark.parametrize(
    ("day", "found"),
    [
        (Day(5, 12), date(2026, 12, 5)),
        (Day(3, 3), date(2026, 3, 3)),
        (Day(2, 3), date(2027, 3, 2)),
        (Day(29, 2), None),  # neither this year's nor the next one's has it
        (Day(31, 11), None),
        (Day(5, 12, 2025), date(2025, 12, 5)),
    ],
)
def test_a_day_without_a_year_is_the_next_of_that_name(day: Day, found: date | None) -> None:
    assert day.on_or_after(date(2026, 3, 3)) == found


def test_a_leap_day_that_this_year_has_not_is_the_next_ones() -> None:
    assert Day(29, 2).on_or_after(date(2027, 3, 3)) == date(2028, 2, 29)


def test_the_document_lists_every_word_with_what_it_takes_and_its_page() -> None:
    text = (Path(__file__).parents[2] / "docs" / "texting.md").read_text()
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line[:3] == "| `"
    ]
    written = {row[0].strip("`"): (row[1].strip("`"), row[4].strip("`")) for row in rows}
    expected = {}
    for word, form in FORMS.items():
        takes = "".join(f" {part}" for part in form.parts[: max(form.needed, 1)])
        expected[word.value.upper() + takes] = (form.spanish.upper() + takes, form.page)
    assert written == expected


@pytest.mark.parametrize("tag", ["en", "es"])
def test_the_answer_to_words_names_every_word_of_the_role(tag: str) -> None:
    told = "".join(
        render(m.Words(rests=rests, answers=answers), tag)
        for rests in (True, False)
        for answers in (True, False)
    )
    for word, form in FORMS.items():
        spelled = (word.value if tag == "en" else form.spanish).upper()
        assert word is W.WORDS or spelled in told
        assert word not in {W.REST, W.BACK} or spelled not in render(m.Words(), tag)
        assert word not in {W.DESK, W.GIVE} or spelled not in render(m.Words(), tag)
