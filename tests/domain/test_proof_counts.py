"""How many texts can come on one day at most: each point, its reminder and the question after it."""

from __future__ import annotations

from datetime import timedelta

from cism.domain.incident import Severity
from cism.domain.proof_counts import most_texts
from cism.domain.protocol import load_protocol
from tests.domain.test_proof_bounds import elapsed

SFA = load_protocol("sfa-follow-up").model_copy(update={"sessions": {}})
HOUR = timedelta(hours=1)


def test_the_question_after_the_last_point_can_come_a_day_and_a_closed_stretch_after_its_window() -> None:
    points = (
        elapsed("f1", 16 * HOUR, 40 * HOUR),  # no reminder: the question follows it, until 88 hours
        elapsed("f9", 89 * HOUR, 93 * HOUR, opt_in=True),
        elapsed("f10", 95 * HOUR, 119 * HOUR, opt_in=True),
    )
    texts = most_texts(SFA.model_copy(update={"contacts": points}), Severity.S3)
    assert (texts.check_ins, texts.reminders, texts.opt_in, texts.opted_in) == (1, 0, 1, 4)
    assert texts.most_a_day == 3


def test_an_invitation_comes_until_the_window_of_its_group_closes_and_not_a_day_longer() -> None:
    point = elapsed("f1", 30 * HOUR, 54 * HOUR)
    defusing = load_protocol("sfa-follow-up").sessions["defusing"]  # within twelve hours
    protocol = SFA.model_copy(update={"contacts": (point,), "sessions": {"defusing": defusing}})
    assert most_texts(protocol, Severity.S3).most_a_day == 1
