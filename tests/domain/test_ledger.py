"""Nobody forgotten: exactly one next step out of many, or the recorded reason, or neither."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cism.domain.ledger import LATE, NextStep, NoStep, Owner, Source, Standing, earliest, owner_of, why_none
from cism.domain.plan import StepKind

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def step(step_id: str = "a", *, minutes: int = 0, source: Source = Source.OWN) -> NextStep:
    return NextStep(
        step_id=step_id,
        kind=StepKind.CONTACT,
        at=NOON + timedelta(minutes=minutes),
        source=source,
        owner=Owner.ENGINE,
    )


@given(
    st.lists(
        st.builds(
            step,
            st.text("abc", min_size=1, max_size=2),
            minutes=st.integers(0, 2),
            source=st.sampled_from(Source),
        ),
        max_size=5,
        unique_by=lambda one: one.step_id,
    )
)
def test_of_steps_with_ids_of_their_own_exactly_one_is_the_next_in_whatever_order_they_are_found(
    steps: list[NextStep],
) -> None:
    assert len({earliest(order) for order in permutations(steps)}) == 1
    assert (earliest(steps) is None) == (not steps)


def test_the_earlier_step_is_the_next_one() -> None:
    late, soon = step("a", minutes=5), step("b", minutes=1)
    assert earliest([late, soon]) is soon


def test_at_one_moment_a_human_who_is_being_found_comes_before_a_text() -> None:
    text, human = step("a"), step("b", source=Source.ESCALATION)
    assert earliest([text, human]) is human


def test_a_step_is_overdue_only_after_five_minutes() -> None:
    assert not step().overdue(NOON + LATE)
    assert step().overdue(NOON + LATE + timedelta(seconds=1))


_SOMEBODY = Standing()


@pytest.mark.parametrize(
    ("standing", "reason"),
    [
        (replace(_SOMEBODY, deceased=True, ended=True, stopped=True), NoStep.DECEASED),
        (replace(_SOMEBODY, ended=True, declined=True, stopped=True), NoStep.DECLINED),
        (replace(_SOMEBODY, ended=True, stopped=True), NoStep.TAKEN_OFF),
        (replace(_SOMEBODY, stopped=True, left_undone=True), NoStep.STOPPED),
        (replace(_SOMEBODY, waits_for_kin=True, left_undone=True), NoStep.AWAITING_KIN),
        (_SOMEBODY, NoStep.PLAN_OVER),
    ],
)
def test_the_gravest_recorded_reason_is_the_one_that_is_given(standing: Standing, reason: NoStep) -> None:
    assert why_none(standing) is reason


@pytest.mark.parametrize("standing", [replace(_SOMEBODY, left_undone=True), replace(_SOMEBODY, closes=False)])
def test_a_point_left_undone_or_an_incident_without_an_end_is_no_reason(standing: Standing) -> None:
    assert why_none(standing) is None


@pytest.mark.parametrize(
    ("kind", "source", "somebody", "owner"),
    [
        (StepKind.CONTACT, Source.OWN, False, Owner.ENGINE),
        (StepKind.CONTACT, Source.OWN, True, Owner.ENGINE),
        (StepKind.PEER_TASK, Source.OWN, True, Owner.PEER),
        (StepKind.PEER_TASK, Source.OWN, False, Owner.COORDINATOR),
        (StepKind.OFFER, Source.OWN, True, Owner.PEER),
        (StepKind.OFFER_DEADLINE, Source.OWN, False, Owner.COORDINATOR),
        (StepKind.PEER_TASK_DEADLINE, Source.CALL, True, Owner.PEER),
        (StepKind.ESCALATE, Source.ESCALATION, False, Owner.LADDER),
        (StepKind.ESCALATION_OVERDUE, Source.ESCALATION, True, Owner.HELPER),
        (StepKind.QUEUE_OVERDUE, Source.QUEUE, False, Owner.COORDINATOR),
        (StepKind.ASK_EXPOSURE_END, Source.WHOLE, False, Owner.COORDINATOR),
        (StepKind.ACTIVATE, Source.WHOLE, False, Owner.ENGINE),
        (StepKind.SESSION_REMINDER, Source.MEETING, False, Owner.LEADER),
        (StepKind.INVITE, Source.MEETING, False, Owner.ENGINE),
    ],
)
def test_every_step_has_an_owner(kind: StepKind, source: Source, somebody: bool, owner: Owner) -> None:
    assert owner_of(kind, source, somebody=somebody) is owner


@pytest.mark.parametrize("kind", StepKind)
@pytest.mark.parametrize("source", Source)
def test_no_step_is_nobodys(kind: StepKind, source: Source) -> None:
    assert owner_of(kind, source, somebody=False) in Owner
