"""The sender's rate: never more than it allows, urgent messages first, and a share kept free for them."""

from __future__ import annotations

import itertools

import pytest

from cism.domain.plan import PlannedStep, StepKind
from cism.services import claims, outbox, steps
from tests.services.sending import pass_real, put
from tests.services.world import World


def take(world: World, rate: float) -> list[str]:
    """What may leave now, of everything that waits."""
    return [item.id for item in world.act(claims.claim, rate=rate)]


def ordinary(world: World, count: int) -> list[str]:
    """Team logistics, so many, to one after the other: no phone gets more than a phone may."""
    team = itertools.cycle(world.cast.rows)
    return [put(world, next(team), lane=outbox.LANE_TEAM) for _ in range(count)]


def test_one_a_second_leaves_and_the_page_that_came_last_is_next(any_world: World) -> None:
    waiting = ordinary(any_world, 5)
    first = take(any_world, 1.0)
    assert len(first) == 1
    assert take(any_world, 1.0) == []
    page = put(any_world, "cora", lane=outbox.LANE_URGENT)
    pass_real(any_world, seconds=0.9)
    assert take(any_world, 1.0) == []
    pass_real(any_world, seconds=0.1)
    assert take(any_world, 1.0) == [page]
    pass_real(any_world, seconds=1)
    assert set(take(any_world, 1.0)) < set(waiting) - set(first)


def test_an_idle_hour_saves_up_no_more_than_one_second(any_world: World) -> None:
    ordinary(any_world, 40)
    take(any_world, 10.0)
    pass_real(any_world, hours=1)
    assert len(take(any_world, 10.0)) <= 10


@pytest.mark.parametrize("rate", [0.25, 1.0, 3.0])
def test_a_look_that_comes_late_costs_no_text_its_second(world: World, rate: float) -> None:
    ordinary(world, 50)
    taken = 0
    for _ in range(int(40 / rate / 0.3)):  # the time of forty texts
        pass_real(world, seconds=0.3)
        taken += len(take(world, rate))
    assert 39 <= taken <= 41


@pytest.mark.parametrize("rate", [5.0, 10.0, 100.0])
def test_a_fifth_of_a_large_rate_is_free_for_what_is_urgent_at_any_moment(world: World, rate: float) -> None:
    ordinary(world, int(rate) * 3)
    for _ in range(4):  # the wave takes what it can get, as often as it asks
        pass_real(world, seconds=0.5)
        take(world, rate)
    pages = [put(world, "cora", lane=outbox.LANE_URGENT) for _ in range(int(rate * 0.2))]
    assert set(pages) <= set(take(world, rate))


def test_the_reserve_costs_a_wave_nothing_but_its_beginning(world: World) -> None:
    ordinary(world, 120)
    taken = 0
    for _ in range(100):
        pass_real(world, seconds=0.1)
        taken += len(take(world, 10.0))
    assert 95 <= taken <= 105  # ten seconds at ten a second


@pytest.mark.parametrize("kind", [StepKind.PLAN_RESPONSE, StepKind.ACTIVATE, StepKind.ESCALATE])
def test_while_a_page_is_being_decided_on_nothing_ordinary_takes_its_place(
    world: World, kind: StepKind
) -> None:
    ordinary(world, 2)
    step = PlannedStep(kind=kind, due_at=world.now(), key="soon", subject_id="nobody")
    world.act(steps.plan, [step])
    assert take(world, 1.0) == []
    pass_real(world, seconds=11)  # an act that fails again and again holds nothing back for long
    assert len(take(world, 1.0)) == 1


def test_what_was_taken_by_one_process_is_not_there_for_another(any_world: World) -> None:
    ordinary(any_world, 4)
    both = [take(any_world, 2.0), take(any_world, 2.0)]
    assert sum(map(len, both)) <= 2
