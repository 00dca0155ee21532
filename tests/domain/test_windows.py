"""Windows run by elapsed hours from each person's own end of exposure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from cism.domain.protocol import SessionRule, load_protocol
from cism.domain.windows import (
    Window,
    WindowState,
    disaster_window,
    funeral_window,
    session_window,
    shifted,
    window_state,
)

HOUR = timedelta(hours=1)
# scenario A: Saturday 2026-03-07 23:10 in Los Angeles, and the clocks go on that night
END = datetime(2026, 3, 8, 7, 10, tzinfo=UTC)
LA = ZoneInfo("America/Los_Angeles")


def rule(name: str) -> SessionRule:
    return load_protocol("sfa-follow-up").sessions[name]


def test_a_defusing_ends_twelve_elapsed_hours_after_the_exposure_although_the_wall_says_thirteen() -> None:
    window = session_window(rule("defusing"), [END])
    assert window.earliest == END
    assert window.ideal_end.astimezone(LA) == datetime(2026, 3, 8, 8, 10, tzinfo=LA)
    assert window.latest.astimezone(LA) == datetime(2026, 3, 8, 12, 10, tzinfo=LA)
    assert window.latest - END == 12 * HOUR


def test_a_debriefing_lies_between_one_and_ten_days() -> None:
    window = session_window(rule("cisd"), [END])
    assert window == Window(END + 24 * HOUR, END + 72 * HOUR, END + 240 * HOUR)


def test_a_group_has_what_the_windows_of_its_members_have_in_common() -> None:
    window = session_window(rule("defusing"), [END, END + 3 * HOUR])
    assert window == Window(END + 3 * HOUR, END + 8 * HOUR, END + 12 * HOUR)
    assert not window.empty


def test_people_who_left_too_far_apart_have_no_window_in_common() -> None:
    window = session_window(rule("defusing"), [END, END + 13 * HOUR])
    assert window.empty
    assert window.ideal_end == window.earliest


def test_after_a_catastrophe_the_debriefing_waits_three_weeks() -> None:
    window = disaster_window(rule("cisd"), [END])
    assert (window.earliest, window.latest) == (END + timedelta(days=21), END + timedelta(days=28))
    assert disaster_window(rule("defusing"), [END]) == session_window(rule("defusing"), [END])


def test_after_a_death_in_the_line_of_duty_the_funeral_sets_the_window() -> None:
    window = funeral_window(rule("cisd"), END)
    assert (window.earliest, window.latest) == (END + timedelta(days=3), END + timedelta(days=7))


@pytest.mark.parametrize(
    ("after", "state"),
    [
        (-timedelta(seconds=1), WindowState.NOT_YET),
        (timedelta(0), WindowState.OPEN),
        (8 * HOUR, WindowState.OPEN),
        (8 * HOUR + timedelta(seconds=1), WindowState.LATE),
        (12 * HOUR, WindowState.LATE),
        (12 * HOUR + timedelta(seconds=1), WindowState.CLOSED),
    ],
)
def test_both_ends_of_a_window_belong_to_it(after: timedelta, state: WindowState) -> None:
    assert window_state(session_window(rule("defusing"), [END]), END + after) is state


def test_the_best_stretch_after_a_funeral_is_the_whole_window_and_never_before_it() -> None:
    window = funeral_window(rule("cisd"), END)
    assert window.earliest <= window.ideal_end == window.latest


def test_people_who_left_too_far_apart_have_no_best_stretch_before_the_window_opens() -> None:
    window = session_window(rule("cisd"), [END, END + timedelta(days=5)])
    assert window.ideal_end == window.earliest == END + timedelta(days=6)


def test_a_format_that_is_held_again_has_the_same_window_later() -> None:
    day = timedelta(days=1)
    assert shifted(Window(END, END + HOUR, END + 2 * HOUR), day) == Window(
        END + day, END + day + HOUR, END + day + 2 * HOUR
    )
