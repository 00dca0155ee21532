"""How many texts can come on one day at most: each point, its reminder and the question after it."""

from __future__ import annotations

from datetime import timedelta

from cism.domain.incident import Severity
from cism.domain.proof_contacts import longest_closed
from cism.domain.proof_counts import most_texts
from cism.domain.protocol import load_protocol
from tests.domain.test_proof_bounds import elapsed

SFA = load_protocol("sfa-follow-up").model_copy(update={"sessions": {}})
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
CLOSED = timedelta(seconds=longest_closed())


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


def test_a_reminder_can_come_a_day_and_a_closed_stretch_after_the_window_of_its_point() -> None:
    reminded_by = 30 * HOUR + SFA.reminder_after + CLOSED
    opens = reminded_by + 13 * HOUR  # the last evening minute of a day that began with the reminder

    def most(later: timedelta) -> int:
        points = (elapsed("f1", 20 * HOUR, 30 * HOUR), elapsed("f9", later, later + 4 * HOUR))
        return most_texts(SFA.model_copy(update={"contacts": points}), Severity.S3).most_a_day

    assert (most(opens), most(opens + SECOND)) == (2, 1)


def test_a_group_that_meets_again_is_invited_until_its_last_time() -> None:
    again = 10 * 24 * HOUR
    defusing = load_protocol("sfa-follow-up").sessions["defusing"]
    last = defusing.latest + again
    sessions = {"defusing": defusing.model_copy(update={"again_after": (again,)})}

    def most(later: timedelta) -> int:
        update = {"contacts": (elapsed("f9", later, later + HOUR),), "sessions": sessions}
        return most_texts(SFA.model_copy(update=update), Severity.S3).most_a_day

    # two invitations and the point; or the two invitations alone, on the day of the first
    assert (most(last + 13 * HOUR), most(last + 13 * HOUR + SECOND)) == (3, 2)
