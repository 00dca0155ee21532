"""Whoever is added late joins the meeting of their group while there is room and time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from cism.domain.session_joining import Joining, Meeting, join_late
from cism.domain.sessions import SessionPlan
from cism.domain.windows import Window
from tests.domain.test_sessions import HOUR, NOON

NOTICE = timedelta(minutes=45)


def plan(*members: str, group: str = "B/crew", window: Window | None = None) -> SessionPlan:
    return SessionPlan(
        kind="defusing",
        group=group,
        members=members,
        window=window or Window(NOON - 2 * HOUR, NOON + 6 * HOUR, NOON + 10 * HOUR),
        starts_at=NOON + 2 * HOUR,
        blocked=None,
        alternative=None,
        team_size=2,
        needs_approval=False,
    )


def meeting(*invited: str, id_: str = "m1", group: str = "B/crew", **fields: object) -> Meeting:
    made = Meeting(
        id=id_, group=group, starts_at=NOON + 2 * HOUR, invited=frozenset(invited), coming=len(invited)
    )
    return replace(made, **fields)  # type: ignore[arg-type]


def test_whoever_is_new_in_the_group_joins_its_meeting() -> None:
    found = join_late(plan("ana", "ben", "cal", "dee"), [meeting("ana", "ben", "cal")], 20, NOTICE, NOON)
    assert found == Joining((("dee", "m1"),))


def test_a_group_that_has_no_meeting_is_planned_as_ever() -> None:
    assert join_late(plan("ana", "ben"), [meeting("eve", "fay")], 20, NOTICE, NOON) is None
    assert join_late(plan("ana", "ben"), [], 20, NOTICE, NOON) is None


def test_nobody_new_changes_nothing() -> None:
    assert join_late(plan("ana"), [meeting("ana", "ben")], 20, NOTICE, NOON) == Joining()


def test_a_full_meeting_a_near_one_and_one_outside_the_hours_take_nobody() -> None:
    people = plan("ana", "ben", "cal", "dee")
    for here in (
        join_late(people, [meeting("ana", "ben", "cal")], 3, NOTICE, NOON),
        join_late(people, [meeting("ana", "ben", "cal", starts_at=NOON + NOTICE / 2)], 20, NOTICE, NOON),
        join_late(people, [meeting("ana", "ben", "cal", starts_at=NOON + 11 * HOUR)], 20, NOTICE, NOON),
        join_late(replace(people, window=None), [meeting("ana", "ben", "cal")], 20, NOTICE, NOON),
    ):
        assert here == Joining((), ("dee",))


def test_a_place_that_was_declined_is_free_again() -> None:
    found = join_late(plan("ana", "ben", "dee"), [meeting("ana", "ben", coming=1)], 2, NOTICE, NOON)
    assert found == Joining((("dee", "m1"),))


def test_the_second_meeting_of_a_group_is_another_one() -> None:
    again = meeting("ana", "ben", group="B/crew#2")
    assert join_late(plan("ana", "ben", "dee"), [again], 20, NOTICE, NOON) is None
    second = plan("ana", "ben", "dee", group="B/crew#2")
    assert join_late(second, [again], 20, NOTICE, NOON) == Joining((("dee", "m1"),))


@given(st.integers(1, 8), st.integers(0, 12), st.integers(3, 10))
def test_no_meeting_is_ever_overfilled_and_everybody_new_is_placed_or_named(
    invited: int, new: int, most: int
) -> None:
    here = [f"i{n}" for n in range(invited)]
    others = [f"j{n}" for n in range(invited)]
    fresh = [f"n{n}" for n in range(new)]
    found = join_late(
        plan(*here, *others, *fresh), [meeting(*here), meeting(*others, id_="m2")], most, NOTICE, NOON
    )
    assert found is not None
    assert sorted([*(who for who, _ in found.places), *found.left_out]) == sorted(fresh)
    for id_ in ("m1", "m2"):
        taken = sum(where == id_ for _, where in found.places)
        assert taken == 0 or invited + taken <= most
    if found.left_out:
        assert sum(max(0, most - invited) for _ in range(2)) == len(found.places)


def test_the_first_and_the_last_moment_of_a_window_and_the_shortest_notice_are_in_time() -> None:
    people = plan("ana", "dee")
    assert people.window is not None
    for at in (people.window.earliest, people.window.latest, NOON + NOTICE):
        now = min(NOON, at - NOTICE)
        assert join_late(people, [meeting("ana", starts_at=at)], 20, NOTICE, now) == Joining((("dee", "m1"),))
