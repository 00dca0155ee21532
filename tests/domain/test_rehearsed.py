"""Two rehearsals are compared by what was said to whom at which contact point."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cism.domain.rehearsed import (
    Change,
    Difference,
    Rehearsed,
    Reply,
    Said,
    Taken,
    compare,
    masked,
    parse_replies,
    reply_of,
)
from cism.errors import BadInput

NIGHT = datetime(2026, 3, 8, 4, 10, tzinfo=UTC)
DAY = timedelta(days=1)
PAGE = Said(at=NIGHT, person="metro-pd:P114", zone="UTC", kind="page", text="Metro PD: 1 A7K2")
F1 = Said(at=NIGHT + DAY, person="metro-pd:P106", zone="UTC", kind="check_in", text="Hi Rosa", point="f1")
F3 = replace(F1, at=NIGHT + 3 * DAY, point="f3", segments=2)
STEP = Taken(due_at=NIGHT, kind="activate", person=None, point=None, outcome="asked 3")


def played(*said: Said, taken: tuple[Taken, ...] = ()) -> Rehearsed:
    """A rehearsal with these texts and steps."""
    return Rehearsed(said=said, taken=taken, met=(), state="closed")


def changes(before: Rehearsed, after: Rehearsed) -> list[tuple[Change, str, str | None, timedelta | None]]:
    """What differs, in short."""
    return [(item.change, item.what, item.point, item.by) for item in compare(before, after)]


def test_answers_are_no_texts_and_days_run_from_the_first_to_the_last() -> None:
    found = played(PAGE, replace(PAGE, kind="answer", answer=True), F3)
    assert found.texts == (PAGE, F3)
    assert (found.days, played().days) == (3, 0)


def test_a_rehearsal_differs_in_nothing_from_itself_whatever_codes_and_links_chance_gave_it() -> None:
    other = replace(PAGE, text="Metro PD: 1 N4U7")
    assert compare(played(PAGE, F1, taken=(STEP,)), played(other, F1, taken=(STEP,))) == []


def test_a_text_that_comes_later_has_moved_and_no_other_has() -> None:
    late = replace(F1, at=F1.at + timedelta(hours=8))
    assert changes(played(PAGE, F1, F3), played(PAGE, late, F3)) == [
        (Change.MOVES, "check_in", "f1", timedelta(hours=8))
    ]


def test_what_only_one_protocol_says_appears_or_vanishes_in_order_of_time() -> None:
    assert changes(played(PAGE, F3), played(PAGE, F1)) == [
        (Change.APPEARS, "check_in", "f1", None),
        (Change.VANISHES, "check_in", "f3", None),
    ]


def test_a_second_text_of_a_name_is_compared_with_the_second() -> None:
    again = replace(PAGE, at=NIGHT + DAY)
    assert changes(played(PAGE), played(PAGE, again)) == [(Change.APPEARS, "page", None, None)]


def test_other_words_at_the_same_time_are_told() -> None:
    assert changes(played(F1), played(replace(F1, text="Hola Rosa"))) == [
        (Change.REWORDED, "check_in", "f1", timedelta(0))
    ]


def test_steps_that_say_nothing_are_compared_too() -> None:
    blocked = replace(STEP, kind="propose_session", outcome="legal_jeopardy")
    held = replace(blocked, outcome="asked the clinician")
    moved = replace(STEP, due_at=NIGHT + DAY)
    before, after = played(taken=(STEP, blocked)), played(taken=(moved, held))
    assert changes(before, after) == [
        (Change.MOVES, "activate", None, DAY),
        (Change.REWORDED, "propose_session", None, timedelta(0)),
    ]
    assert compare(before, after)[1].text == "asked the clinician"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1 N4U7 available", "1 A7K2 available"),
        ("C-CANQY has 0 of 2 people", "C-XXXXX has 0 of 2 people"),
        ("at http://127.0.0.1:8080/a/RTYx_fU75wgw now", "at http://127.0.0.1:8080/a/XXXXXXXXXXXX now"),
        ("/a/-nR6Gx9ult-i 4 R9Q3 reached", "/a/XXXXXXXXXXXX 4 A7K2 reached"),
        ("Tue 14:00, 2 call me, S4", "Tue 14:00, 2 call me, S4"),
    ],
)
def test_what_chance_gives_a_text_is_masked(text: str, said: str) -> None:
    assert masked(text) == said


def test_replies_are_read_for_everybody_and_for_one_person() -> None:
    assert parse_replies("f1=2, metro-pd:P106:f3=3,,P107:opt_in=keep in touch") == (
        Reply(None, "f1", "2"),
        Reply("metro-pd:P106", "f3", "3"),
        Reply("P107", "opt_in", "keep in touch"),
    )


@pytest.mark.parametrize("given", ["f1", "=2", "f1=", "P106:=2"])
def test_replies_that_cannot_be_read_are_refused_with_an_example(given: str) -> None:
    with pytest.raises(BadInput, match="write POINT=TEXT or PERSON:POINT=TEXT"):
        parse_replies(given)


def test_a_reply_about_one_person_counts_before_one_for_everybody_and_the_last_wins() -> None:
    replies = parse_replies("f1=1,P106:f1=2,f1=0,other-pd:P106:f1=3")
    assert reply_of(replies, "metro-pd:P106", "f1") == "2"
    assert reply_of(replies, "other-pd:P106", "f1") == "3"
    assert reply_of(replies, "metro-pd:P107", "f1") == "0"
    assert reply_of(replies, "metro-pd:P107", "f3") is None


def test_what_differs_is_told_in_full() -> None:
    shown = Difference(
        change=Change.VANISHES,
        what="check_in",
        person=F1.person,
        point="f1",
        at=F1.at,
        by=None,
        text="Hi Rosa",
    )
    later = replace(F1, at=F1.at + DAY)
    assert compare(played(F1), played()) == [shown]
    assert compare(played(), played(F1)) == [replace(shown, change=Change.APPEARS)]
    assert compare(played(F1), played(later)) == [replace(shown, change=Change.MOVES, by=DAY)]


def test_a_text_or_a_step_for_somebody_else_or_at_another_point_is_another() -> None:
    step = Taken(due_at=NIGHT, kind="remind", person="P1", point="f1", outcome="reminded")
    for change in ({"person": "P2"}, {"point": "f3"}):
        for before, after in (
            (played(F1), played(replace(F1, **change))),  # type: ignore[arg-type]
            (played(taken=(step,)), played(taken=(replace(step, **change),))),  # type: ignore[arg-type]
        ):
            found = compare(before, after)
            assert {item.change for item in found} == {Change.APPEARS, Change.VANISHES}
            told = {(item.person, item.point) for item in found}
            assert len(told) == 2


def test_the_third_text_of_a_name_is_compared_with_the_third() -> None:
    again = [replace(PAGE, at=NIGHT + turn * DAY) for turn in range(4)]
    found = compare(played(*again[:3]), played(*again[:2], again[3]))
    assert [(item.change, item.by) for item in found] == [(Change.MOVES, DAY)]
    assert len(compare(played(), played(*again))) == 4


def test_what_differs_at_one_time_stands_in_order_of_people_and_points() -> None:
    names = [f"metro-pd:P{number}" for number in range(110, 130)]
    people = [replace(F1, person=name) for name in reversed(names)]
    assert [item.person for item in compare(played(), played(*people))] == names
    points = [replace(F1, point=f"f{number}") for number in range(29, 9, -1)]
    told = [item.point for item in compare(played(), played(*points))]
    assert told == [f"f{number}" for number in range(10, 30)]
