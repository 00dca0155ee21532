"""The machine's clock is set back, by an hour or a day: nothing waits for times that lie ahead now."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from cism.services import clock_steps, inbound
from cism.store.db import real_now
from cism.store.states import OutboxState
from cism.store.tables import Outbox, Step
from notifications.gateway import InboundSms, OutgoingSms, Receipt, SendError, SendFailure
from tests.services.sending import Provider, claim, courier, listed, pass_real, put, row_of
from tests.services.world import World

BACK = (timedelta(hours=2), timedelta(days=1))


@pytest.mark.parametrize("back", BACK, ids=str)
def test_a_text_whose_process_died_is_settled_and_does_not_stay_claimed(
    any_world: World, back: timedelta
) -> None:
    message = put(any_world)
    claim(any_world, only=[message])
    pass_real(any_world, seconds=-back.total_seconds())
    provider = Provider()
    asyncio.run(courier(any_world, provider).settle())
    assert row_of(any_world, message).state is OutboxState.UNKNOWN
    pass_real(any_world, minutes=3)
    asyncio.run(courier(any_world, provider).settle())
    assert row_of(any_world, message).state is OutboxState.UNSETTLED
    assert provider.sent == []


def test_one_that_the_provider_lists_is_found_although_its_claim_lies_ahead(any_world: World) -> None:
    message = put(any_world)
    claim(any_world, only=[message])
    pass_real(any_world, hours=-2)
    provider = Provider()
    provider.listed = [listed(any_world, "SM9")]
    asyncio.run(courier(any_world, provider).settle())
    assert row_of(any_world, message).state is OutboxState.SENT
    assert row_of(any_world, message).sid == "SM9"


@pytest.mark.parametrize("back", BACK, ids=str)
def test_what_waits_for_its_next_try_does_not_wait_for_the_whole_step(
    any_world: World, back: timedelta
) -> None:
    message = put(any_world)

    async def busy(_: OutgoingSms) -> Receipt:
        raise SendError(SendFailure.RETRY, retry_after=30.0)

    asyncio.run(courier(any_world, Provider(busy)).deliver(only=[message]))
    pass_real(any_world, seconds=-back.total_seconds())
    any_world.act(_due_long_ago)
    provider = Provider()
    asyncio.run(courier(any_world, provider).settle())
    asyncio.run(courier(any_world, provider).deliver(only=[message]))
    assert len(provider.sent) == 1


def test_a_step_that_failed_is_tried_again_after_a_step_back(any_world: World) -> None:
    any_world.log("THREAT", "jordan:A", severity="S2", ended_at=any_world.now())
    step = any_world.rows(Step, Step.state == "planned")[0]
    any_world.act(_failed, step.id)
    pass_real(any_world, days=-1)
    any_world.act(_due_long_ago)
    assert any_world.act(clock_steps.follow) == 1
    assert any_world.rows(Step, Step.id == step.id)[0].retry_real == any_world.see(real_now)


def test_what_came_in_while_the_clock_was_ahead_is_listed_and_read(any_world: World) -> None:
    came = any_world.see(real_now)
    any_world.act(inbound.remember_sweep, came + timedelta(days=1))  # the clock was a day ahead
    provider = Provider()
    provider.inbound = [
        InboundSms("SMx", any_world.cast.phone("jordan"), "+12025550100", "3", received_at=came)
    ]
    assert any_world.see(inbound.swept_until) < came
    assert asyncio.run(courier(any_world, provider).sweep_inbound()) == 1


def test_a_clock_that_goes_as_it_should_brings_nothing_back(any_world: World) -> None:
    put(any_world)
    claim(any_world)
    assert any_world.act(clock_steps.follow) == 0


def _due_long_ago(session: Session) -> None:
    """Product time went back with the clock; these were due long before that."""
    for step in session.query(Step).filter(Step.retry_real.is_not(None)):
        step.due_at -= timedelta(days=60)
    for row in session.query(Outbox):
        row.not_before = row.made_at - timedelta(days=3)


def _failed(session: Session, step_id: str) -> None:
    row = session.get_one(Step, step_id)
    row.tries, row.retry_real = 1, real_now(session) + timedelta(seconds=5)
