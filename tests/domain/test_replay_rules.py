"""What a replay invents is drawn from its seed alone, and every answer is one that people give."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from random import Random

import pytest

from cism.domain.incident import Circle, Severity
from cism.domain.incident_files import IncidentReport
from cism.domain.people import Discipline
from cism.domain.questions import ALLOWED_DIGITS, QuestionKind
from cism.domain.replay_rules import LARGEST_CREW, after, exposed, says

REPORT = IncidentReport(
    source_key="x:1",
    type="OIS_SHOOTER",
    severity=Severity.S4,
    source_agency="police, somewhere",
    discipline=Discipline.LAW_ENFORCEMENT,
    date=date(2015, 1, 2),
)


def test_the_same_seed_invents_the_same_people() -> None:
    assert exposed(REPORT, 40, Random(7)) == exposed(REPORT, 40, Random(7))


@pytest.mark.parametrize("told", [None, 1, 3, 1275])
def test_a_crew_has_one_to_four_people_however_many_were_counted(told: int | None) -> None:
    for seed in range(200):
        crew = exposed(replace(REPORT, people_exposed=told), 40, Random(seed))
        assert 1 <= len(crew) <= LARGEST_CREW
        assert len({one.place for one in crew}) == len(crew)
        if told is not None:
            assert len(crew) == min(told, LARGEST_CREW)


def test_a_small_department_sends_nobody_twice() -> None:
    assert len(exposed(replace(REPORT, people_exposed=9), 2, Random(1))) == 2


def test_after_a_death_in_the_line_of_duty_the_first_is_a_colleague() -> None:
    assert exposed(replace(REPORT, type="LODD"), 9, Random(1))[0].circle is Circle.D
    assert exposed(REPORT, 9, Random(1))[0].circle is Circle.A


def test_some_leave_before_the_end() -> None:
    left = [one.left_before for seed in range(100) for one in exposed(REPORT, 9, Random(seed))]
    assert None in left
    assert any(left)


@pytest.mark.parametrize("kind", QuestionKind)
def test_helpers_answer_with_a_digit_that_their_question_takes(kind: QuestionKind) -> None:
    for seed in range(200):
        said = says(kind.value, Random(seed)) or ""
        if "{}" in said:
            assert said[0] in ALLOWED_DIGITS[kind] | {"7"}


def test_some_are_silent_and_some_stop() -> None:
    said = {says("check_in", Random(seed)) for seed in range(500)}
    assert {None, "0", "1", "2", "3", "STOP"} <= said


def test_what_was_taken_is_reported_on() -> None:
    assert {(says("escalation", Random(seed), taken=True) or "4")[0] for seed in range(99)} <= set("4569")
    assert says("page", Random(1), taken=True) is None


def test_a_text_that_asks_nothing_is_not_answered() -> None:
    assert says("unknown", Random(1)) is None


def test_those_on_duty_answer_within_minutes_and_others_within_two_days() -> None:
    for seed in range(50):
        assert after("page", Random(seed)) < timedelta(minutes=10)
        assert after("check_in", Random(seed)) < timedelta(days=2)


def test_crews_have_every_size_and_most_are_of_one() -> None:
    sizes = [len(exposed(REPORT, 40, Random(seed))) for seed in range(300)]
    assert set(sizes) == {1, 2, 3, 4}
    assert sizes.count(1) > 150


def test_about_half_of_those_looked_after_are_silent_and_some_take_hours() -> None:
    silent = [says("check_in", Random(seed)) for seed in range(300)].count(None)
    assert 100 < silent < 200
    assert max(after("check_in", Random(seed)) for seed in range(50)) > timedelta(hours=1)
