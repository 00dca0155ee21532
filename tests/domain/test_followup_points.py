"""Points beside each other: none takes the other's time, and what is dropped keeps no time of its own."""

from __future__ import annotations

from datetime import timedelta

from cism.domain.followup import Dropped, plan_contacts
from cism.domain.protocol import ContactRule
from tests.domain.test_followup import (
    DAY,
    HOUR,
    MINUTE,
    NEW_YORK,
    SFA,
    affected,
    at,
    dues,
    incident,
    person,
    planned,
    with_contacts,
)

END = at(NEW_YORK, 2026, 6, 1, 12)


def test_points_that_a_protocol_puts_within_hours_are_both_asked_in_time() -> None:
    near = with_contacts(
        ContactRule(id="f1", after=DAY, kind="elapsed"),
        ContactRule(id="f2", after=30 * HOUR, kind="elapsed"),
    )
    assert dues(planned(END, END, person(), protocol=near)) == {"f1": END + DAY, "f2": END + 30 * HOUR}


def test_a_window_that_reaches_past_the_next_point_ends_with_that_point() -> None:
    wide = with_contacts(
        ContactRule(id="f1", after=DAY, kind="elapsed"),
        ContactRule(id="f3", after=72 * HOUR, kind="elapsed", window=(56 * HOUR, 120 * HOUR)),
        ContactRule(id="f4", after=96 * HOUR, kind="elapsed"),
    )
    plan = planned(END, END, person(), protocol=wide)
    assert plan["f3"].expires_at == plan["f4"].due_at == END + 96 * HOUR


def test_a_call_on_the_same_day_without_a_window_ends_when_the_first_text_goes_out() -> None:
    early = with_contacts(
        ContactRule(id="f0", after=timedelta(0), kind="elapsed", by="peer"),
        ContactRule(id="f1", after=20 * HOUR, kind="elapsed"),
    )
    plan = planned(END, END, person(), protocol=early)
    assert plan["f0"].expires_at == plan["f1"].due_at == END + 20 * HOUR


def test_what_is_dropped_stands_at_its_own_moment_and_lasts_no_longer() -> None:
    late = planned(END, END + 6 * HOUR + MINUTE, person())["f0"]
    assert (late.dropped, late.due_at, late.expires_at) == (Dropped.TOO_LATE, END, END)
    merged = planned(END, END + 5 * DAY, person())["f1"]
    assert (merged.dropped, merged.due_at, merged.expires_at) == (Dropped.MERGED, END + DAY, END + DAY)


def test_nothing_is_provisional_once_the_exposure_is_over_and_points_by_opt_in_are_nobodys_unasked() -> None:
    plan = plan_contacts(incident(END), affected(END, END), person(), SFA, END)
    assert [contact.point for contact in plan] == ["f0", "f1", "f3", "f7", "f30", "f90"]
    assert not any(contact.provisional for contact in plan)
